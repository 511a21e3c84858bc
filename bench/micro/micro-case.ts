/** An operation to be repeated. */
export interface MicroCase {
  readonly name: string
  /** Numbers of sessions, rules or remotes beside it; one table row each. */
  readonly sizes: readonly number[]
  /** Costs should be the same for every size. */
  readonly isFlat: boolean
  /** Returns a function that performs the operation that many times. */
  prepare(size: number): (times: number) => void
}

/** Numbers in production: few, many, and more than many. */
export const SESSIONS = [10, 1_000, 10_000]
