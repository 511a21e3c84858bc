/** Suggestions for misspelt words ("did you mean"). */

/** Longer words get no suggestion: the edit distance takes quadratic time. */
const LENGTH_MAX = 64

/** The candidate closest to `word`, or undefined when none is close. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > LENGTH_MAX) return undefined
  let best: string | undefined
  // At most a third of the characters may differ, but always one.
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  const lower = word.toLowerCase()
  for (const candidate of candidates) {
    const lowerCandidate = candidate.toLowerCase()
    // The lengths alone differ by too much: most candidates.
    if (Math.abs(lower.length - lowerCandidate.length) >= bestDistance) continue
    const distance = editDistance(lower, lowerCandidate)
    // A distance as long as the candidate means that no character of it was kept.
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/**
 * The least number of insertions, deletions, substitutions and adjacent transpositions that turn `a` into `b`
 * (optimal string alignment). Only three rows of its matrix are kept.
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      const replace = at(last, column - 1) + (isSame ? 0 : 1)
      let cost = Math.min(replace, at(last, column) + 1, at(current, column - 1) + 1)
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (isSwap) cost = Math.min(cost, at(beforeLast, column - 2) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
