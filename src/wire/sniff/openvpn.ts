/**
 * OpenVPN over TCP by the packet that begins a session, with the layout of the program's `ssl_pkt.h` and `tls_crypt.h`:
 * P_CONTROL_HARD_RESET_CLIENT_V2, plain or with tls-auth or tls-crypt, and V3, which is tls-crypt-v2.
 */
import { type Answer, MORE, NO, YES } from './answer.js'
import { byteAt, longAt, shortAt } from './read.js'

/** Opcode 7 and 10 in the upper five bits; the key id below is 0 in a new session. */
const RESET_V2 = 7 << 3
const RESET_V3 = 10 << 3

/** The length of the packet, which does not count itself. */
const LENGTH_BYTES = 2
/** Opcode and session id. */
const HEAD_BYTES = 9
/** Number of acknowledged packets (none) and the packet id (0: the first). */
const TAIL_BYTES = 5
/** Replay protection: a packet id, 1 for the first, and the time. */
const REPLAY_BYTES = 8

const PLAIN_BYTES = HEAD_BYTES + TAIL_BYTES
/** With tls-auth, an HMAC of MD5 (16 bytes) to SHA-512 (64). */
const AUTH_BYTES_MIN = PLAIN_BYTES + REPLAY_BYTES + 16
const AUTH_BYTES_MAX = PLAIN_BYTES + REPLAY_BYTES + 64
/** With tls-crypt, a tag of 32 bytes, and the tail encrypted. */
const CRYPT_BYTES = PLAIN_BYTES + REPLAY_BYTES + 32
/** With tls-crypt-v2, a wrapped key: length, tag of 32 bytes, 256 bytes of key, and up to 1,024 with metadata. */
const CRYPT_V2_BYTES_MIN = CRYPT_BYTES + 290
const CRYPT_V2_BYTES_MAX = CRYPT_BYTES + 1_024

const FIRST_PACKET = 1
/** Clients since 2.6 announce early negotiation in the upper byte of the packet id (EARLY_NEG_START). */
const FIRST_PACKET_EARLY = 0x0f00_0001

/** The longest packet of V2. V3 is decided by its head. */
export const OPENVPN_BYTES_MAX = LENGTH_BYTES + AUTH_BYTES_MAX

/** Decides by more than the opcode: a DNS query of the same length has a random byte in its place. */
export function sniffOpenvpn(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount < LENGTH_BYTES) return MORE
  const length = shortAt(bytes, from)
  const isV2 = length === PLAIN_BYTES || (length >= AUTH_BYTES_MIN && length <= AUTH_BYTES_MAX)
  const isV3 = length >= CRYPT_V2_BYTES_MIN && length <= CRYPT_V2_BYTES_MAX
  if (!isV2 && !isV3) return NO
  if (byteCount < LENGTH_BYTES + 1) return MORE
  if (byteAt(bytes, from + LENGTH_BYTES) !== (isV2 ? RESET_V2 : RESET_V3)) return NO
  const replay = from + LENGTH_BYTES + HEAD_BYTES
  const end = from + byteCount
  if (isV3) return sniffPacketId(bytes, replay, end)
  if (length === CRYPT_BYTES && sniffPacketId(bytes, replay, end) === YES) return YES
  return sniffTail(bytes, from + LENGTH_BYTES + length, end, length > PLAIN_BYTES)
}

/** The packet id of the replay protection. */
function sniffPacketId(bytes: Uint8Array, at: number, end: number): Answer {
  if (end < at + 4) return MORE
  const id = longAt(bytes, at)
  return id === FIRST_PACKET || id === FIRST_PACKET_EARLY ? YES : NO
}

/** What ends a packet that is not encrypted. `hasReplay`: with the replay protection of tls-auth before it. */
function sniffTail(bytes: Uint8Array, packetEnd: number, end: number, hasReplay: boolean): Answer {
  if (end < packetEnd) return MORE
  const tail = packetEnd - TAIL_BYTES
  if (byteAt(bytes, tail) !== 0 || longAt(bytes, tail + 1) !== 0) return NO
  return hasReplay ? sniffPacketId(bytes, tail - REPLAY_BYTES, end) : YES
}
