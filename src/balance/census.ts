/** Counts the remotes of a pool that one client could get, and the others by the reason why they are skipped. */
import { NOT_SKIPPED, SKIP_REASONS } from './skip-reason.js'
import type { SlotSet } from './slot-set.js'

/** Counting looks at every remote, and some policies do not: larger pools are counted only if that is asked for. */
const MEMBERS_MAX = 32

/** The pool was not counted. */
export const NOT_COUNTED = -1
/** The client kept the remote that it had before, so no other one was considered. */
export const KEPT = -2

/** A pool whose policy is about to choose. */
interface Choosing {
  readonly members: ArrayLike<number>
  whySkipped(slot: number, tried: SlotSet): number
}

/** The counts of the last decision. Allocates nothing. */
export class Census {
  /** Or NOT_COUNTED, or KEPT. */
  candidates = 0
  /** Of the random numbers that the policy drew, if it did. */
  seed = 0
  /** By the index of SKIP_REASONS. */
  readonly skipped = new Int32Array(SKIP_REASONS.length)
  readonly #membersMax: number

  constructor({ countsAll = false } = {}) {
    this.#membersMax = countsAll ? Number.POSITIVE_INFINITY : MEMBERS_MAX
  }

  /** Called by the pool before its policy chooses. */
  count(pool: Choosing, tried: SlotSet, seed: number): void {
    const { members } = pool
    this.seed = seed
    this.skipped.fill(0)
    this.candidates = NOT_COUNTED
    if (members.length > this.#membersMax) return
    let candidates = 0
    for (let i = 0; i < members.length; i++) {
      const reason = pool.whySkipped(members[i] as number, tried)
      if (reason === NOT_SKIPPED) candidates++
      else this.skipped[reason] = (this.skipped[reason] as number) + 1
    }
    this.candidates = candidates
  }

  /** Called by the pool when a client keeps its remote. */
  keep(): void {
    this.skipped.fill(0)
    this.seed = 0
    this.candidates = KEPT
  }
}
