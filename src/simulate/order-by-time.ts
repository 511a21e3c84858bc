/** Sorts the connections of a trace by a time: an access log is in the order of ends. */

/** A radix sort by digits of 16 bits: linear, and equal times keep their order. */
const DIGIT_BITS = 16
const DIGITS = 2 ** DIGIT_BITS

/** The indexes of the first `count` times, which are integers, in ascending order of time. */
export function orderByTime(times: Float64Array, count: number): Int32Array {
  let first = Infinity
  let last = -Infinity
  for (let i = 0; i < count; i++) {
    const time = times[i] as number
    if (time < first) first = time
    if (time > last) last = time
  }
  let order = Int32Array.from({ length: count }, (_, i) => i)
  let spare = new Int32Array(count)
  for (let unit = 1; last - first >= unit; unit *= DIGITS) {
    sortByDigit(order, spare, (i) => Math.floor(((times[i] as number) - first) / unit) % DIGITS)
    const sorted = spare
    spare = order
    order = sorted
  }
  return order
}

/** Sorts `from` into `to`. */
function sortByDigit(from: Int32Array, to: Int32Array, digitOf: (index: number) => number): void {
  const ends = new Int32Array(DIGITS)
  for (let i = 0; i < from.length; i++) {
    const digit = digitOf(from[i] as number)
    ends[digit] = (ends[digit] as number) + 1
  }
  for (let digit = 1; digit < DIGITS; digit++)
    ends[digit] = (ends[digit] as number) + (ends[digit - 1] as number)
  for (let i = from.length - 1; i >= 0; i--) {
    const index = from[i] as number
    const digit = digitOf(index)
    const place = (ends[digit] as number) - 1
    ends[digit] = place
    to[place] = index
  }
}
