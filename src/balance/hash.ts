/**
 * Hashes of client keys and remotes: MurmurHash3 x86_32 by Austin Appleby (public domain, github.com/aappleby/smhasher).
 * Clients choose their addresses, so its use is to spread, not to resist an attacker. All results are signed 32-bit
 * integers, because V8 boxes a returned number that is larger.
 */
const C1 = 0xcc9e2d51
const C2 = 0x1b873593

const ENCODER = new TextEncoder()

export function hashBytes(
  bytes: ArrayLike<number>,
  offset = 0,
  length = bytes.length - offset,
  seed = 0,
): number {
  let hash = seed | 0
  const tail = offset + (length & ~3)
  for (let at = offset; at < tail; at += 4) hash = withWord(hash, littleEndian(bytes, at, 4))
  // The tail is mixed in without the rotation of a whole word.
  if ((length & 3) !== 0) hash ^= scrambled(littleEndian(bytes, tail, length & 3))
  return avalanche(hash ^ length)
}

/**
 * Of an IPv4 or IPv6 address, 4 or 16 bytes in network order; of its network if `prefixBits` is shorter. An IPv4 address
 * that is mapped into IPv6 hashes differently: unmap it first. Allocates nothing.
 */
export function hashAddress(
  bytes: ArrayLike<number>,
  offset: number,
  length: number,
  prefixBits = 8 * length,
  seed = 0,
): number {
  let hash = seed | 0
  for (let i = 0; i < length; i += 4) {
    hash = withWord(hash, bigEndian(bytes, offset + i) & prefixMask(prefixBits - 8 * i))
  }
  return avalanche(hash ^ length)
}

/** Of a string in UTF-8. Allocates. */
export function hashText(text: string, seed = 0): number {
  const bytes = ENCODER.encode(text)
  return hashBytes(bytes, 0, bytes.length, seed)
}

/** Of one 32-bit word, as `hashBytes` of its four bytes. */
export function hashWord(word: number, seed: number): number {
  return avalanche(withWord(seed, word) ^ 4)
}

/** A hash as a fraction between 0 and 1, both exclusive. */
export function fractionOf(hash: number): number {
  return ((hash >>> 0) + 0.5) / 2 ** 32
}

function scrambled(word: number): number {
  const mixed = Math.imul(word, C1)
  return Math.imul((mixed << 15) | (mixed >>> 17), C2)
}

function withWord(hash: number, word: number): number {
  const mixed = hash ^ scrambled(word)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** The finaliser: each bit of its argument changes each bit of the result in half of all cases. */
function avalanche(hash: number): number {
  let mixed = hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

function littleEndian(bytes: ArrayLike<number>, at: number, length: number): number {
  let word = 0
  for (let i = length - 1; i >= 0; i--) word = (word << 8) | (bytes[at + i] as number)
  return word
}

function bigEndian(bytes: ArrayLike<number>, at: number): number {
  let word = 0
  for (let i = 0; i < 4; i++) word = (word << 8) | (bytes[at + i] as number)
  return word
}

/** The mask of the leading bits of a word; JavaScript takes shift counts modulo 32. */
function prefixMask(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? -1 : -1 << (32 - bits)
}
