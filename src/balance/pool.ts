import { NONE, type Policy, type PoolView } from './policy.js'
import type { SlotSet } from './slot-set.js'

/** After a failure a remote is left alone this long, twice as long after each further one. */
const PAUSE_FIRST_MS = 1_000
const PAUSE_MAX_MS = 30_000

/** Never by itself: for a remote that cannot be tried at all, such as a name without an address. */
const NEVER = Number.POSITIVE_INFINITY

/** What an attempt said about its remote. */
export type Flip = 'went-down' | 'came-up' | undefined

export interface PoolOptions {
  readonly weights: readonly number[]
  /** Sessions per remote, of all children; changed by the pool's owner. */
  readonly use: ArrayLike<number>
  /** When a failed remote may be tried again; the pool alone writes it. */
  readonly retryAtMs: Float64Array
  readonly policy: Policy
  /** After this many clients every failed remote may be tried again at once. Zero: only after its pause. */
  readonly rebalance: number
}

/**
 * Remotes under one policy, with what this child knows of their health. Pure: time comes as an argument. A
 * failed remote is tried again by one client at a time, after a growing pause, and by anyone for whom nothing
 * else is left.
 */
export class Pool implements PoolView {
  readonly count: number
  readonly use: ArrayLike<number>
  readonly weight: readonly number[]
  readonly #retryAtMs: Float64Array
  readonly #failures: Int32Array
  /** When the last failure was counted: attempts that began before it are no further evidence. */
  readonly #failedAtMs: Float64Array
  readonly #policy: Policy
  readonly #rebalance: number
  #clients = 0
  #nowMs = 0

  constructor(options: PoolOptions) {
    this.count = options.weights.length
    this.use = options.use
    this.weight = options.weights
    this.#retryAtMs = options.retryAtMs
    this.#failures = new Int32Array(this.count)
    this.#failedAtMs = new Float64Array(this.count).fill(-1)
    this.#policy = options.policy
    this.#rebalance = options.rebalance
  }

  isUsable(slot: number): boolean {
    return (this.#retryAtMs[slot] as number) <= this.#nowMs
  }

  isDown(slot: number): boolean {
    return this.#failures[slot] !== 0
  }

  /** The next remote for a client that has tried `tried`, or NONE when it has tried all there are. */
  pick(tried: SlotSet, nowMs: number): number {
    this.#nowMs = nowMs
    const slot = this.#policy.pick(this, tried)
    const chosen = slot === NONE ? this.#soonest(tried) : slot
    if (chosen === NONE) return NONE
    // One client at a time finds out whether a failed remote is back.
    if (this.isDown(chosen)) this.#retryAtMs[chosen] = nowMs + this.#pauseMs(chosen)
    return chosen
  }

  /** Counts a client; with `rebalance`, every so often all failures are forgotten. */
  countClient(): void {
    if (this.#rebalance === 0) return
    if (++this.#clients <= this.#rebalance) return
    this.#clients = 1
    for (let slot = 0; slot < this.count; slot++) {
      if (this.isDown(slot)) this.#retryAtMs[slot] = 0
    }
  }

  /** An attempt that began at `startedMs` has failed. */
  failed(slot: number, startedMs: number, nowMs: number): Flip {
    // Its addresses may have gone meanwhile: that it cannot be tried at all outweighs what an attempt says.
    if (this.#retryAtMs[slot] === NEVER || startedMs <= (this.#failedAtMs[slot] as number)) return undefined
    const wasDown = this.isDown(slot)
    this.#failedAtMs[slot] = nowMs
    this.#failures[slot] = (this.#failures[slot] as number) + 1
    this.#retryAtMs[slot] = nowMs + this.#pauseMs(slot)
    return wasDown ? undefined : 'went-down'
  }

  succeeded(slot: number): Flip {
    if (!this.isDown(slot)) return undefined
    this.#failures[slot] = 0
    this.#retryAtMs[slot] = 0
    return 'came-up'
  }

  /** Whether there is any address to try. A remote without one is not down, it is not there. */
  setReachable(slot: number, isReachable: boolean): void {
    this.#retryAtMs[slot] = isReachable ? 0 : NEVER
    this.#failures[slot] = 0
  }

  /** Milliseconds that the remote is left alone after its failures so far. */
  #pauseMs(slot: number): number {
    const doublings = Math.min((this.#failures[slot] as number) - 1, 10)
    return Math.min(PAUSE_FIRST_MS * 2 ** doublings, PAUSE_MAX_MS)
  }

  /** The failed remote whose pause ends first. */
  #soonest(tried: SlotSet): number {
    let best = NONE
    for (let slot = 0; slot < this.count; slot++) {
      if (tried.has(slot) || this.#retryAtMs[slot] === NEVER) continue
      if (best === NONE || (this.#retryAtMs[slot] as number) < (this.#retryAtMs[best] as number)) best = slot
    }
    return best
  }
}
