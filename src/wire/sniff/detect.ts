/** Detects which of several protocols a client speaks, by its first bytes. */

import { MORE, type Sniff, YES } from './answer.js'
import { ANY_BYTES_MAX, sniffAny } from './any.js'
import { DNS_BYTES_MAX, sniffDns } from './dns.js'
import { HTTP_BYTES_MAX, sniffHttp } from './http.js'
import { HTTP2_BYTES_MAX, sniffHttp2 } from './http2.js'
import { MQTT_BYTES_MAX, sniffMqtt } from './mqtt.js'
import { OPENVPN_BYTES_MAX, sniffOpenvpn } from './openvpn.js'
import { POSTGRES_BYTES_MAX, sniffPostgres } from './postgres.js'
import { PROTOCOL_NAMES, type ProtocolName } from './protocol-names.js'
import { RDP_BYTES_MAX, sniffRdp } from './rdp.js'
import { REDIS_BYTES_MAX, sniffRedis } from './redis.js'
import { SOCKS_BYTES_MAX, sniffSocks } from './socks.js'
import { SSH_BYTES_MAX, sniffSsh } from './ssh.js'
import { sniffTls, TLS_BYTES_MAX } from './tls.js'

/** None of the protocols asked for can match any more. */
export const NO_PROTOCOL = -1
/** More bytes decide. */
export const UNDECIDED = -2

interface Sniffer {
  readonly sniff: Sniff
  /** With this many bytes its answer is final. */
  readonly bytesMax: number
}

const SNIFFER_OF: Readonly<Record<ProtocolName, Sniffer>> = {
  tls: { sniff: sniffTls, bytesMax: TLS_BYTES_MAX },
  http2: { sniff: sniffHttp2, bytesMax: HTTP2_BYTES_MAX },
  ssh: { sniff: sniffSsh, bytesMax: SSH_BYTES_MAX },
  postgres: { sniff: sniffPostgres, bytesMax: POSTGRES_BYTES_MAX },
  rdp: { sniff: sniffRdp, bytesMax: RDP_BYTES_MAX },
  mqtt: { sniff: sniffMqtt, bytesMax: MQTT_BYTES_MAX },
  http: { sniff: sniffHttp, bytesMax: HTTP_BYTES_MAX },
  redis: { sniff: sniffRedis, bytesMax: REDIS_BYTES_MAX },
  socks: { sniff: sniffSocks, bytesMax: SOCKS_BYTES_MAX },
  openvpn: { sniff: sniffOpenvpn, bytesMax: OPENVPN_BYTES_MAX },
  dns: { sniff: sniffDns, bytesMax: DNS_BYTES_MAX },
  any: { sniff: sniffAny, bytesMax: ANY_BYTES_MAX },
}

/** By protocol number. */
export const SNIFFERS: readonly Sniffer[] = PROTOCOL_NAMES.map((name) => SNIFFER_OF[name])

/**
 * The protocol among those in `mask` that the bytes belong to, NO_PROTOCOL or UNDECIDED. Of several that match, the
 * most specific one wins; a match is UNDECIDED while a more specific protocol may still match.
 */
export function detect(bytes: Uint8Array, from: number, byteCount: number, mask: number): number {
  for (let protocol = 0; protocol < SNIFFERS.length; protocol++) {
    if ((mask & (1 << protocol)) === 0) continue
    const answer = (SNIFFERS[protocol] as Sniffer).sniff(bytes, from, byteCount)
    if (answer === YES) return protocol
    if (answer === MORE) return UNDECIDED
  }
  return NO_PROTOCOL
}

/** Like `detect`, but without waiting for more bytes: a protocol that needs more does not match. */
export function detectAtEnd(bytes: Uint8Array, from: number, byteCount: number, mask: number): number {
  for (let protocol = 0; protocol < SNIFFERS.length; protocol++) {
    if ((mask & (1 << protocol)) === 0) continue
    if ((SNIFFERS[protocol] as Sniffer).sniff(bytes, from, byteCount) === YES) return protocol
  }
  return NO_PROTOCOL
}

/** With this many bytes, `detect` is never UNDECIDED. */
export function detectBytesMax(mask: number): number {
  let bytesMax = 0
  for (let protocol = 0; protocol < SNIFFERS.length; protocol++) {
    if ((mask & (1 << protocol)) !== 0)
      bytesMax = Math.max(bytesMax, (SNIFFERS[protocol] as Sniffer).bytesMax)
  }
  return bytesMax
}
