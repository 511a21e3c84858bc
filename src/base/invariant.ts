/** Throws when a condition does not hold that the code guarantees. The message is joined only on failure. */
export function invariant(holds: boolean, ...words: readonly (string | number)[]): asserts holds {
  if (!holds) throw new Error(`broken invariant: ${words.join(' ')}`)
}
