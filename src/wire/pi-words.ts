/** Bits beyond those asked for: the series below are wrong by a few units in their last place. */
const SPARE_BITS = 64n

/** The fraction of pi, cut into words of 32 bits: 243f6a88, 85a308d3, … By Machin: pi/4 = 4 atan(1/5) - atan(1/239). */
export function piWords(count: number): Uint32Array {
  const bits = BigInt(count) * 32n + SPARE_BITS
  const one = 1n << bits
  const fraction = 4n * (4n * arcTangentOf(5n, one) - arcTangentOf(239n, one)) - 3n * one
  return Uint32Array.from({ length: count }, (_, i) =>
    Number((fraction >> (bits - 32n * BigInt(i + 1))) & 0xffff_ffffn),
  )
}

/** atan(1/x) by its series, in units of 1/one. */
function arcTangentOf(x: bigint, one: bigint): bigint {
  let power = one / x
  let sum = power
  for (let divisor = 3n; power !== 0n; divisor += 2n) {
    power /= x * x
    sum += divisor % 4n === 3n ? -(power / divisor) : power / divisor
  }
  return sum
}
