/**
 * Remotes under one policy. When the back-off of a failing remote expires, one client at a time retries it; a client
 * that has tried all others retries it at once. Pure: time and randomness are arguments. Read this folder from here:
 * `policy.ts` is the contract of policies, `policy-of.ts` lists them, `tiers.ts` says which remotes are in reserve,
 * `remote-health.ts` is what is known of each remote.
 */
import { FULL, NONE, type Observed, type Policy, type PoolView, ROOM } from './policy.js'
import { RandomSource } from './random-source.js'
import type { RemoteHealth } from './remote-health.js'
import type { SlotSet } from './slot-set.js'
import { hasTiers, Tiers } from './tiers.js'

export interface PoolOptions {
  readonly name: string
  /** Slots of its remotes, in the order of the configuration. */
  readonly members: readonly number[]
  /** Share of the load by slot, relative to its siblings. 0: no new clients. */
  readonly weights: readonly number[]
  /** Sessions per remote slot, of all workers; maintained by the pool's owner. */
  readonly use: ArrayLike<number>
  /** Maximum of concurrent sessions by slot. @default no limit */
  readonly useMax?: ArrayLike<number>
  /** Where `use` and `useMax` have the sessions of the whole pool; undefined: they are not limited. */
  readonly place?: number | undefined
  readonly health: RemoteHealth
  readonly policy: Policy
  /** `rebalance`: all back-offs end after this many clients. Zero: never. */
  readonly rebalance: number
  /** By slot; a remote of a higher tier is in reserve. @default all the same */
  readonly tiers?: ArrayLike<number>
  /** A tier is used while the better ones together have fewer usable remotes than this; full ones are usable. @default 1 */
  readonly tierMinUsable?: number
  /** Of its random numbers, any 32-bit integer. @default different for every pool */
  readonly seed?: number
}

export class Pool implements PoolView {
  readonly name: string
  readonly members: readonly number[]
  readonly use: ArrayLike<number>
  readonly weight: number[]
  readonly health: RemoteHealth
  /** Of the client that is being served. */
  key = 0
  nowMs = 0
  readonly #useMax: ArrayLike<number> | undefined
  readonly #place: number | undefined
  readonly #policy: Policy
  readonly #rebalance: number
  readonly #random: RandomSource
  /** Undefined: there is one tier. */
  readonly #tiers: Tiers | undefined
  /** The worst tier in use for this client. */
  #worstTier = Infinity
  /** The whole pool has room for this client. */
  #isOpen = true
  #clients = 0

  constructor(options: PoolOptions) {
    this.name = options.name
    this.members = options.members
    this.use = options.use
    this.weight = [...options.weights]
    this.health = options.health
    this.#useMax = options.useMax
    this.#place = options.place
    this.#policy = options.policy
    this.#rebalance = options.rebalance
    this.#random = new RandomSource(options.seed ?? Math.random() * 2 ** 32)
    const { members, tierMinUsable = 1, tiers } = options
    this.#tiers =
      tiers !== undefined && hasTiers(members, tiers) ? new Tiers(members, tiers, tierMinUsable) : undefined
  }

  random(): number {
    return this.#random.next()
  }

  isUsable(slot: number): boolean {
    return this.#isHealthy(slot) && this.hasRoom(slot)
  }

  hasRoom(slot: number): boolean {
    return this.#useMax === undefined || (this.#isOpen && this.#isBelowMax(slot, this.#useMax))
  }

  /**
   * The slot of the next remote for a client that has tried `tried`. NONE: it has tried all of them. FULL: an untried
   * one is usable but has no room now. `key`: the 32-bit hash of what identifies the client, for policies that hash.
   */
  pick(tried: SlotSet, nowMs: number, key = 0): number {
    this.#lookAt(nowMs)
    this.key = key >>> 0
    const slot = this.#policy.pick(this, tried)
    if (slot === NONE && this.#useMax !== undefined && this.#outlook(tried) === FULL) return FULL
    const chosen = slot === NONE ? this.#soonest(tried) : slot
    if (chosen !== NONE && this.health.isFailing(chosen)) this.health.beginProbe(chosen, nowMs)
    return chosen
  }

  /**
   * What `pick` would find, without choosing: ROOM, FULL, or NONE if no untried remote is usable, and only those that have
   * failed may be left.
   */
  outlook(tried: SlotSet, nowMs: number): number {
    this.#lookAt(nowMs)
    return this.#outlook(tried)
  }

  /** What `observe` must be fed with; undefined: nothing. */
  get observes(): Observed | undefined {
    return this.#policy.observes
  }

  /** Hands a measurement of a remote to the policy; see `observes`. */
  observe(slot: number, amount: number, nowMs: number): void {
    this.#policy.observe?.(slot, amount, nowMs)
  }

  /** `weight`: 0 for no new clients. */
  setWeight(slot: number, weight: number): void {
    this.weight[slot] = weight
    this.#policy.membersChanged?.()
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

  #isBelowMax(place: number, useMax: ArrayLike<number>): boolean {
    return (this.use[place] as number) < (useMax[place] as number)
  }

  /** Once for each client. */
  #lookAt(nowMs: number): void {
    this.nowMs = nowMs
    if (this.#useMax !== undefined && this.#place !== undefined)
      this.#isOpen = this.#isBelowMax(this.#place, this.#useMax)
    if (this.#tiers !== undefined) this.#worstTier = this.#tiers.worstInUse(this, this.health)
  }

  #outlook(tried: SlotSet): number {
    let outlook = NONE
    for (let i = 0; i < this.members.length; i++) {
      const slot = this.members[i] as number
      if (tried.has(slot) || !this.#isHealthy(slot)) continue
      if (this.hasRoom(slot)) return ROOM
      outlook = FULL
    }
    return outlook
  }

  /** Whether it may be tried now if it has room. */
  #isHealthy(slot: number): boolean {
    if (this.weight[slot] === 0 || !this.health.isUsable(slot, this.nowMs)) return false
    return this.#tiers === undefined || this.#tiers.of(slot) <= this.#worstTier
  }

  /** Takes over the policy's state from an older configuration. `slots`: by slot here, the slot there, or NONE. */
  continueFrom(before: Pool, slots: readonly number[]): void {
    this.#policy.continueFrom?.(before.#policy, slots)
  }

  /** The remote whose back-off ends first; of several without one, that of the best tier. */
  #soonest(tried: SlotSet): number {
    let best = NONE
    for (let i = 0; i < this.members.length; i++) {
      const slot = this.members[i] as number
      if (tried.has(slot) || this.weight[slot] === 0) continue
      if (!this.health.mayTry(slot) || !this.hasRoom(slot)) continue
      if (best === NONE || this.#isSooner(slot, best)) best = slot
    }
    return best
  }

  #isSooner(slot: number, than: number): boolean {
    const untilMs = this.health.backOffUntilMs(slot)
    const otherMs = this.health.backOffUntilMs(than)
    if (untilMs !== otherMs || this.#tiers === undefined) return untilMs < otherMs
    return this.#tiers.of(slot) < this.#tiers.of(than)
  }
}
