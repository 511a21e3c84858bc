/** Something that is done again and again. */
export interface MicroCase {
  readonly name: string
  /** How many sessions, rules or remotes there are meanwhile; one table row each. */
  readonly sizes: readonly number[]
  /** Costs are to be the same for every size. */
  readonly isFlat: boolean
  /** Answers what does it so many times. */
  prepare(size: number): (times: number) => void
}

/** What a product user has at a time: few, many, and more than many. */
export const SESSIONS = [10, 1_000, 10_000]
