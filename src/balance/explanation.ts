/** The explanation of a choice of a pool, for people: what `Pool.explain` returns. */
import type { PoolView } from './policy.js'
import { RandomSource } from './random-source.js'
import type { SkipReason } from './skip-reason.js'

/** One remote of the pool, as the client met it. */
export interface ExplainedRemote {
  readonly slot: number
  readonly weight: number
  /** Sessions of all workers. */
  readonly use: number
  readonly tier: number
  /** Undefined: the policy could choose it. */
  readonly skipped: SkipReason | undefined
}

/** What the policy decided by, besides the remotes. `seed`: that of a `RandomSource` with these numbers. */
export type Draw =
  | { readonly kind: 'none' }
  | { readonly kind: 'hash'; readonly key: number }
  | { readonly kind: 'random'; readonly seed: number; readonly numbers: readonly number[] }

export interface Explanation {
  /** What `pick` returns: a slot, NONE or FULL. */
  readonly slot: number
  /** In the order of the configuration. */
  readonly remotes: readonly ExplainedRemote[]
  /** No remote was usable: the one whose back-off ends first gets the client, whatever the policy. */
  readonly isLastResort: boolean
  readonly draw: Draw
}

/** A pool as its policy sees it, which notes what the policy uses. The random numbers of the pool are not consumed. */
export class NotingView implements PoolView {
  readonly #pool: PoolView
  readonly #seed: number
  readonly #random: RandomSource
  readonly #numbers: number[] = []
  #usesKey = false

  constructor(pool: PoolView, seed: number) {
    this.#pool = pool
    this.#seed = seed
    this.#random = new RandomSource(seed)
  }

  get members(): ArrayLike<number> {
    return this.#pool.members
  }

  get use(): ArrayLike<number> {
    return this.#pool.use
  }

  get weight(): ArrayLike<number> {
    return this.#pool.weight
  }

  get nowMs(): number {
    return this.#pool.nowMs
  }

  get key(): number {
    this.#usesKey = true
    return this.#pool.key
  }

  get draw(): Draw {
    if (this.#usesKey) return { kind: 'hash', key: this.#pool.key }
    if (this.#numbers.length === 0) return { kind: 'none' }
    return { kind: 'random', seed: this.#seed, numbers: this.#numbers }
  }

  random(): number {
    const number = this.#random.next()
    this.#numbers.push(number)
    return number
  }

  isUsable(slot: number): boolean {
    return this.#pool.isUsable(slot)
  }
}
