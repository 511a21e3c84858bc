/** The middle value, or the mean of the two in the middle; NaN if there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  const low = sorted[Math.ceil(half) - 1] ?? Number.NaN
  const high = sorted[Math.floor(half)] ?? Number.NaN
  return (low + high) / 2
}

export interface Interval {
  readonly low: number
  readonly high: number
  /** The chance that the true median lies within, for any distribution. */
  readonly coverage: number
}

/** Chance that at least one half is missed by the k-th smallest and k-th largest of n values. */
function missChance(n: number, k: number): number {
  let term = 0.5 ** n
  let tail = 0
  for (let i = 0; i < k; i++) {
    tail += term
    term = (term * (n - i)) / (i + 1)
  }
  return 2 * tail
}

/**
 * The narrowest pair of values, counted from both ends, that contains the true median with the requested
 * confidence. Assumes only independent rounds. With too few values: smallest and largest, with
 * the lower coverage that they have.
 */
export function medianInterval(values: readonly number[], confidence: number): Interval {
  const sorted = values.toSorted((a, b) => a - b)
  const n = sorted.length
  let k = 1
  while (2 * (k + 1) <= n && 1 - missChance(n, k + 1) >= confidence) k++
  return {
    low: sorted[k - 1] ?? Number.NaN,
    high: sorted[n - k] ?? Number.NaN,
    coverage: Math.max(0, 1 - missChance(n, k)),
  }
}
