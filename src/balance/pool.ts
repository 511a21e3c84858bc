/**
 * Remotes under one policy. When the back-off of a failing remote expires, one client at a time retries it; a client
 * that has tried all others retries it at once. Pure: time is an argument. Read this folder from here: `policy.ts` is
 * the contract of policies, `least-use.ts` the one policy, `remote-health.ts` what is known of each remote.
 */
import { FULL, NONE, type Policy, type PoolView } from './policy.js'
import type { RemoteHealth } from './remote-health.js'
import type { SlotSet } from './slot-set.js'

export interface PoolOptions {
  readonly name: string
  /** Slots of its remotes, in the order of the configuration. */
  readonly members: readonly number[]
  /** Share of the load by slot, relative to its siblings; at least 1. */
  readonly weights: readonly number[]
  /** Sessions per remote slot, of all workers; maintained by the pool's owner. */
  readonly use: ArrayLike<number>
  /** Maximum of concurrent sessions by slot. @default no limit */
  readonly useMax?: ArrayLike<number>
  readonly health: RemoteHealth
  readonly policy: Policy
  /** `rebalance`: all back-offs end after this many clients. Zero: never. */
  readonly rebalance: number
}

export class Pool implements PoolView {
  readonly name: string
  readonly members: readonly number[]
  readonly use: ArrayLike<number>
  readonly weight: number[]
  readonly health: RemoteHealth
  readonly #useMax: ArrayLike<number> | undefined
  readonly #policy: Policy
  readonly #rebalance: number
  #clients = 0
  #nowMs = 0

  constructor(options: PoolOptions) {
    this.name = options.name
    this.members = options.members
    this.use = options.use
    this.weight = [...options.weights]
    this.health = options.health
    this.#useMax = options.useMax
    this.#policy = options.policy
    this.#rebalance = options.rebalance
  }

  isUsable(slot: number): boolean {
    return this.health.isUsable(slot, this.#nowMs) && this.hasRoom(slot)
  }

  hasRoom(slot: number): boolean {
    return this.#useMax === undefined || (this.use[slot] as number) < (this.#useMax[slot] as number)
  }

  /**
   * The slot of the next remote for a client that has tried `tried`. NONE: it has tried all of them. FULL: an untried
   * one is usable but has no room now.
   */
  pick(tried: SlotSet, nowMs: number): number {
    this.#nowMs = nowMs
    const slot = this.#policy.pick(this, tried)
    if (slot === NONE && this.#isFull(tried)) return FULL
    const chosen = slot === NONE ? this.#soonest(tried) : slot
    if (chosen !== NONE && this.health.isFailing(chosen)) this.health.beginProbe(chosen, nowMs)
    return chosen
  }

  /** `weight`: at least 1. */
  setWeight(slot: number, weight: number): void {
    this.weight[slot] = weight
  }

  /** Counts a client; ends all back-offs after `rebalance` clients. */
  countClient(): void {
    if (this.#rebalance === 0) return
    if (++this.#clients <= this.#rebalance) return
    this.#clients = 1
    for (let i = 0; i < this.members.length; i++) {
      const slot = this.members[i] as number
      if (this.health.isFailing(slot)) this.health.endBackOff(slot)
    }
  }

  /** Whether an untried remote is usable except for its number of sessions. */
  #isFull(tried: SlotSet): boolean {
    if (this.#useMax === undefined) return false
    for (let i = 0; i < this.members.length; i++) {
      const slot = this.members[i] as number
      if (!tried.has(slot) && this.health.isUsable(slot, this.#nowMs)) return true
    }
    return false
  }

  /** Takes over the policy's state from an older configuration. `slots`: by slot here, the slot there, or NONE. */
  continueFrom(before: Pool, slots: readonly number[]): void {
    this.#policy.continueFrom(before.#policy, slots)
  }

  /** The remote whose back-off ends first. */
  #soonest(tried: SlotSet): number {
    let best = NONE
    for (let i = 0; i < this.members.length; i++) {
      const slot = this.members[i] as number
      if (tried.has(slot) || !this.health.mayTry(slot) || !this.hasRoom(slot)) continue
      if (best === NONE || this.health.backOffUntilMs(slot) < this.health.backOffUntilMs(best)) best = slot
    }
    return best
  }
}
