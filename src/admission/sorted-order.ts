/** Sorts keys of several 32-bit words, without an object for each of them. */

const DIGITS = 256
const BITS = 8
/** Words are signed: turns the sign bit, so that bytes are compared in the right order. */
const SIGN = 0x8000_0000

/** The numbers of the keys in ascending order: a radix sort by bytes, which leaves out those in which all keys agree. */
export function sortedOrder(words: Int32Array, wordCount: number): Uint32Array {
  const count = words.length / wordCount
  let order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  let spare = new Uint32Array(count)
  const ends = new Uint32Array(DIGITS)
  for (let word = wordCount - 1; word >= 0; word--) {
    const different = differentBits(words, word, wordCount)
    for (let shift = 0; shift < 32; shift += BITS) {
      if (((different >>> shift) & (DIGITS - 1)) === 0) continue
      countDigits(words, word, wordCount, shift, ends)
      for (let i = count - 1; i >= 0; i--) {
        const key = order[i] as number
        const digit = digitAt(words[key * wordCount + word] as number, shift)
        ends[digit] = (ends[digit] as number) - 1
        spare[ends[digit] as number] = key
      }
      const sorted = spare
      spare = order
      order = sorted
    }
  }
  return order
}

function differentBits(words: Int32Array, word: number, wordCount: number): number {
  const first = words[word] as number
  let different = 0
  for (let at = word; at < words.length; at += wordCount) different |= (words[at] as number) ^ first
  return different
}

/** How many keys have this digit or a lower one. */
function countDigits(
  words: Int32Array,
  word: number,
  wordCount: number,
  shift: number,
  into: Uint32Array,
): void {
  into.fill(0)
  for (let at = word; at < words.length; at += wordCount) {
    const digit = digitAt(words[at] as number, shift)
    into[digit] = (into[digit] as number) + 1
  }
  for (let digit = 1; digit < DIGITS; digit++)
    into[digit] = (into[digit] as number) + (into[digit - 1] as number)
}

function digitAt(word: number, shift: number): number {
  return ((word ^ SIGN) >>> shift) & (DIGITS - 1)
}
