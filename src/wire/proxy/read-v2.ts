/** Version 2 of the PROXY protocol: binary, with TLVs (section 2.2). */
import { INCOMPLETE, malformed, type ProxyHeader, type ProxySource } from './header.js'
import { readTlvs } from './tlvs.js'

const VERSION_AT = 12
const FAMILY_AT = 13
const LENGTH_AT = 14
const ADDRESSES_AT = 16

const VERSION = 2
const LOCAL = 0
const PROXY = 1
/** UNSPEC, STREAM, DGRAM. */
const PROTOCOL_MAX = 2

/** By number of the family: what the source is, and the bytes of both addresses and ports. */
const FAMILIES: readonly {
  readonly source: ProxySource
  readonly hostBytes: number
  readonly bytes: number
}[] = [
  { source: 'peer', hostBytes: 0, bytes: 0 },
  { source: 'ipv4', hostBytes: 4, bytes: 12 },
  { source: 'ipv6', hostBytes: 16, bytes: 36 },
  { source: 'unix', hostBytes: 0, bytes: 216 },
]

/** `byteCount`: at least 16. Returns the length of the header. */
export function readV2(bytes: Uint8Array, byteCount: number, bytesMax: number, header: ProxyHeader): number {
  const version = (bytes[VERSION_AT] as number) >> 4
  const command = (bytes[VERSION_AT] as number) & 0xf
  const family = FAMILIES[(bytes[FAMILY_AT] as number) >> 4]
  const end = ADDRESSES_AT + uint16(bytes, LENGTH_AT)
  if (version !== VERSION) return malformed(header, `version ${version} is not supported`)
  if (command > PROXY) return malformed(header, `invalid command ${command}`)
  if (end > bytesMax) return malformed(header, `longer than ${bytesMax} bytes`)
  // The family and everything after it are to be ignored.
  if (command === LOCAL) return byteCount < end ? INCOMPLETE : end
  if (family === undefined || ((bytes[FAMILY_AT] as number) & 0xf) > PROTOCOL_MAX) {
    return malformed(header, 'invalid address family or protocol')
  }
  if (end < ADDRESSES_AT + family.bytes) return malformed(header, 'too short for its addresses')
  if (byteCount < end) return INCOMPLETE
  header.source = family.source
  const tlvsAt = ADDRESSES_AT + family.bytes
  const { hostBytes } = family
  if (hostBytes > 0) {
    for (let i = 0; i < hostBytes; i++) {
      header.host[i] = bytes[ADDRESSES_AT + i] as number
      header.destination[i] = bytes[ADDRESSES_AT + hostBytes + i] as number
    }
    header.port = uint16(bytes, ADDRESSES_AT + 2 * hostBytes)
    header.destinationPort = uint16(bytes, ADDRESSES_AT + 2 * hostBytes + 2)
  }
  if (tlvsAt === end) return end
  const tlvs = readTlvs(bytes, tlvsAt, end)
  if (typeof tlvs === 'string') return malformed(header, tlvs)
  header.tlvs = tlvs
  return end
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}
