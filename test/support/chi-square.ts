/** Pearson's test of a distribution, for tests of random and hashing policies. */
import assert from 'node:assert/strict'

/**
 * A right distribution fails once in ten million runs, so a random seed does not make a test flaky. By degrees of
 * freedom (shares less one), the value that is exceeded with a probability of 1e-7.
 */
const CRITICAL = [Number.NaN, 28.4, 32.3, 35.5, 38.3]

/** Checks that the counts differ from the shares by no more than chance. `shares` need not add up to 1. */
export function assertShares(counts: readonly number[], shares: readonly number[], seed: number): void {
  assert.equal(counts.length, shares.length)
  const total = sumOf(counts)
  const unit = total / sumOf(shares)
  const statistic = sumOf(
    counts.map((count, i) => (count - (shares[i] as number) * unit) ** 2 / ((shares[i] as number) * unit)),
  )
  const critical = CRITICAL[counts.length - 1]
  if (critical === undefined) throw new Error(`no critical value for ${counts.length} shares`)
  assert.ok(statistic < critical, `seed ${seed}: ${counts} for ${shares}, chi-square ${statistic.toFixed(1)}`)
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

/** A seed for one test; a failure names it, and TCPRELAY_SEED repeats it. */
export function anySeed(): number {
  const given = process.env.TCPRELAY_SEED
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
}
