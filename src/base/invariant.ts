/** Stops the program at a state that its own code rules out. The words are joined only when it happens. */
export function invariant(holds: boolean, ...words: readonly (string | number)[]): asserts holds {
  if (!holds) throw new Error(`broken invariant: ${words.join(' ')}`)
}
