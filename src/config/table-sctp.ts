import { type HostAddress, withPort } from '../base/address.js'
import type { AddressText } from './address-types.js'
import type { BindTarget } from './endpoint.js'
import { count, time, UINT_MAX } from './number-types.js'
import { optional } from './row.js'

/** The kernel counts milliseconds in 32 bits. */
const HEARTBEAT_MS_MAX = UINT_MAX

/** Of a listener or a remote with `protocol = SCTP`. */
export const sctpRows = {
  sctpStreams: optional('sctp streams', count({ min: 1, max: 65_535 }), {
    doc: 'Streams of an SCTP association, each way; the peer may have fewer.',
    defaultText: "the system's, which is 10",
    isOurs: true,
    needs: 'SCTP',
  }),
  sctpHeartbeatMs: optional('sctp heartbeat', time({ max: HEARTBEAT_MS_MAX }), {
    doc: 'Pause between the heartbeats by which SCTP looks after a path that is idle.',
    zero: 'no heartbeats',
    defaultText: "the system's, which is 30",
    isOurs: true,
    needs: 'SCTP',
  }),
}

/** What `protocol = SCTP` makes of a block. */
export interface SctpSettings {
  /** Zero: the system's number. */
  readonly streams: number
  /** Zero: none; undefined: the system's. */
  readonly heartbeatMs: number | undefined
  /** Every address but the first. */
  readonly further: readonly HostAddress[]
}

interface Given {
  readonly address: readonly AddressText[]
  readonly protocol: string
  readonly sctpStreams: number | undefined
  readonly sctpHeartbeatMs: number | undefined
}

/** Of the addresses given the one that counts alone: SCTP has the first before the others, else the last one holds. */
export function mainAddress({ address, protocol }: Given): AddressText | undefined {
  return protocol === 'SCTP' ? address[0] : address.at(-1)
}

/** Why a block cannot be used, as far as SCTP is concerned. `target`: where it listens or connects to. */
export function sctpProblem(given: Given, target: BindTarget, hasTls: boolean): string | undefined {
  const { address, protocol, sctpHeartbeatMs, sctpStreams } = given
  if (protocol !== 'SCTP') {
    const lonely =
      sctpStreams !== undefined
        ? 'sctp streams'
        : sctpHeartbeatMs !== undefined
          ? 'sctp heartbeat'
          : undefined
    return lonely && `'${lonely}' needs 'protocol = SCTP'`
  }
  if (target.kind === 'address' && target.address.family === 'unix') {
    return "'protocol = SCTP' is for addresses of a network, not for Unix sockets"
  }
  if (hasTls)
    return "'tls' does not go with 'protocol = SCTP': TLS wants one stream of bytes, SCTP carries messages"
  return address.length > 1 ? furtherProblem(address) : undefined
}

/** An endpoint of SCTP has several addresses and one port. */
function furtherProblem(addresses: readonly AddressText[]): string | undefined {
  if (addresses.some(({ kind }) => kind !== 'literal')) {
    return 'several addresses of one endpoint (multi-homing) have to be IP addresses'
  }
  const [first, ...others] = addresses.map((address) =>
    address.kind === 'literal' ? address.port : undefined,
  )
  const isOther = others.some((port) => port !== undefined && port !== first)
  return isOther ? 'all addresses of one endpoint (multi-homing) have the same port' : undefined
}

/** Undefined without SCTP. The block has no problem with it. */
export function sctpSettings({
  address,
  protocol,
  sctpHeartbeatMs,
  sctpStreams,
}: Given): SctpSettings | undefined {
  if (protocol !== 'SCTP') return undefined
  const further = address
    .slice(1)
    .flatMap((other) => (other.kind === 'literal' ? [withPort(other.literal, 0)] : []))
  return { streams: sctpStreams ?? 0, heartbeatMs: sctpHeartbeatMs, further }
}

/** The same where all addresses have the port of `target`. */
export function sctpAt(sctp: SctpSettings | undefined, target: BindTarget): SctpSettings | undefined {
  if (sctp === undefined || target.kind !== 'address' || target.address.family === 'unix') return sctp
  const { port } = target.address
  return { ...sctp, further: sctp.further.map((address) => ({ ...address, port })) }
}
