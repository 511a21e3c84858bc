/** Reads a PROXY protocol header of either version (proxy-protocol.txt of HAProxy, section 2). */
import { INCOMPLETE, NO_HEADER, type ProxyHeader, UNDECIDED } from './header.js'
import { readV1, V1_BYTES_MAX } from './read-v1.js'
import { readV2 } from './read-v2.js'

/**
 * Longest header of version 2. The protocol allows 65,551 bytes, but its senders need a few hundred; nginx has this limit
 * too, HAProxy one of 16 KiB.
 */
export const HEADER_BYTES_MAX = 4096

/** `PROXY ` in version 1. */
const V1_SIGNATURE = Uint8Array.of(0x50, 0x52, 0x4f, 0x58, 0x59, 0x20)
/** Begins like no text protocol: an empty line. */
const V2_SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)

/**
 * Reads the header at the beginning of `bytes`, of which `byteCount` have arrived, into `header`. Returns its length, or
 * UNDECIDED, INCOMPLETE, NO_HEADER or MALFORMED. Reads nothing beyond the header.
 */
export function readProxyHeader(bytes: Uint8Array, byteCount: number, header: ProxyHeader): number {
  const signature = bytes[0] === V1_SIGNATURE[0] ? V1_SIGNATURE : V2_SIGNATURE
  const compared = Math.min(byteCount, signature.length)
  for (let i = 0; i < compared; i++) if (bytes[i] !== signature[i]) return NO_HEADER
  if (byteCount < signature.length) return UNDECIDED
  header.setPeer()
  if (signature === V1_SIGNATURE) return readV1(bytes, Math.min(byteCount, V1_BYTES_MAX), header)
  return byteCount < V2_HEADER_BYTES ? INCOMPLETE : readV2(bytes, byteCount, HEADER_BYTES_MAX, header)
}

/** Signature, version and command, family and protocol, length of the rest. */
const V2_HEADER_BYTES = 16
