/** Computes binary digits of pi, the constants of Blowfish. */

/** Guard bits for the rounding errors of the series, a few units in the last place. */
const SPARE_BITS = 64n

/** The fraction of pi in 32-bit words: 243f6a88, 85a308d3, … Machin's formula: pi/4 = 4 atan(1/5) - atan(1/239). */
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
