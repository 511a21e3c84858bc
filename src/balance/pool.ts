/**
 * Remotes under one policy. When the back-off of a failing remote expires, one client at a time retries it; a client
 * that has tried all others retries it at once. Pure: time and randomness are arguments. Read this folder from here:
 * `policy.ts` is the contract of policies, `policy-of.ts` lists them, `tiers.ts` says which remotes are in reserve,
 * `remote-health.ts` is what is known of each remote.
 */
import type { Census } from './census.js'
import { type Explanation, NotingView } from './explanation.js'
import { FULL, NONE, type Observed, type Policy, type PoolView, ROOM } from './policy.js'
import { RandomSource } from './random-source.js'
import type { RemoteHealth } from './remote-health.js'
import { NOT_SKIPPED, SKIP, SKIP_REASONS } from './skip-reason.js'
import type { SlotSet } from './slot-set.js'
import type { SlowStart } from './slow-start.js'
import { type Surplus, surplusRemote } from './surplus.js'
import { hasTiers, Tiers } from './tiers.js'

export interface PoolOptions {
  readonly name: string
  /** Slots of its remotes, in the order of the configuration. */
  readonly members: readonly number[]
  /**
   * Share of the load by slot, relative to its siblings. 0: no new clients. Pools may share the array: each changes those
   * of its members.
   */
  readonly weights: number[]
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
  /** Undefined: no remote has a slow start, or the policy ignores weights. */
  readonly slowStart?: SlowStart | undefined
  /** Of its random numbers, any 32-bit integer. @default different for every pool */
  readonly seed?: number
}

export class Pool implements PoolView {
  readonly name: string
  members: readonly number[]
  readonly use: ArrayLike<number>
  /** The present ones: `#fullWeight`, and less during a slow start. */
  readonly weight: number[]
  readonly health: RemoteHealth
  /** Counts the remotes at each choice, if its owner wants that. */
  census: Census | undefined = undefined
  /** Of the client that is being served. */
  key = 0
  nowMs = 0
  /** By slot: the weights without slow start. */
  readonly #fullWeight: number[] = []
  readonly #slowStart: SlowStart | undefined
  readonly #useMax: ArrayLike<number> | undefined
  readonly #place: number | undefined
  readonly #policy: Policy
  readonly #rebalance: number
  readonly #random: RandomSource
  /** By slot. */
  readonly #tierOf: ArrayLike<number> | undefined
  readonly #tierMinUsable: number
  /** Undefined: there is one tier. */
  #tiers: Tiers | undefined
  /** The worst tier in use for this client. */
  #worstTier = Infinity
  /** The whole pool has room for this client. */
  #isOpen = true
  #clients = 0

  constructor(options: PoolOptions) {
    this.name = options.name
    this.members = options.members
    this.use = options.use
    this.weight = options.weights
    for (const slot of options.members) this.#fullWeight[slot] = options.weights[slot] as number
    this.#slowStart = options.slowStart
    this.health = options.health
    this.#useMax = options.useMax
    this.#place = options.place
    this.#policy = options.policy
    this.#rebalance = options.rebalance
    this.#random = new RandomSource(options.seed ?? Math.random() * 2 ** 32)
    this.#tierOf = options.tiers
    this.#tierMinUsable = options.tierMinUsable ?? 1
    this.#tiers = this.#findTiers()
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
    const slot = this.pickUsable(tried, nowMs, key)
    return slot === NONE ? this.#probed(this.#lastResort(tried)) : slot
  }

  /** The same, but NONE if no remote is usable and has room. */
  pickUsable(tried: SlotSet, nowMs: number, key = 0): number {
    this.#begin(nowMs, key)
    this.census?.count(this, tried, this.#random.seed)
    return this.#probed(this.#policy.pick(this, tried))
  }

  #probed(slot: number): number {
    if (slot >= 0 && this.health.isFailing(slot)) this.health.beginProbe(slot, this.nowMs)
    return slot
  }

  /** What `pick` with the same arguments would return now, and why. Changes nothing. */
  explain(tried: SlotSet, nowMs: number, key = 0): Explanation {
    this.#begin(nowMs, key)
    const view = new NotingView(this, this.#random.seed)
    const policy = this.#policy
    const byPolicy = policy.peek === undefined ? policy.pick(view, tried) : policy.peek(view, tried)
    const slot = byPolicy === NONE ? this.#lastResort(tried) : byPolicy
    return {
      slot,
      remotes: this.members.map((member) => ({
        slot: member,
        weight: this.weight[member] as number,
        use: this.use[member] as number,
        tier: this.#tiers?.of(member) ?? 0,
        skipped: SKIP_REASONS[this.whySkipped(member, tried)],
      })),
      isLastResort: slot >= 0 && byPolicy === NONE,
      draw: view.draw,
    }
  }

  /** Why the policy may not choose a remote for the client that is being served: see SKIP. */
  whySkipped(slot: number, tried: SlotSet): number {
    if (tried.has(slot)) return SKIP.tried
    if (this.weight[slot] === 0) return SKIP['weight-0']
    const reason = this.health.whySkipped(slot, this.nowMs)
    if (reason !== NOT_SKIPPED) return reason
    if (this.#isInReserve(slot)) return SKIP.reserve
    return this.hasRoom(slot) ? NOT_SKIPPED : SKIP.full
  }

  /** What is known of the client that is served now. */
  #begin(nowMs: number, key: number): void {
    this.nowMs = nowMs
    this.key = key >>> 0
    this.#noteRoom()
    if (this.#slowStart !== undefined) this.#applySlowStart(this.#slowStart)
    if (this.#tiers !== undefined) this.#worstTier = this.#tiers.worstInUse(this, this.health)
  }

  /** For a client for which no remote is usable. */
  #lastResort(tried: SlotSet): number {
    return this.#isFull(tried) ? FULL : this.#soonest(tried)
  }

  /** Whether a client may go to the remote that it had before, whatever its weight and tier. Counts as `pick` does. */
  keeps(slot: number, nowMs: number): boolean {
    this.#noteRoom()
    if (!this.health.mayKeep(slot, nowMs) || !this.hasRoom(slot)) return false
    if (this.health.isFailing(slot)) this.health.beginProbe(slot, nowMs)
    this.census?.keep()
    return true
  }

  /**
   * What `pick` would find, without choosing: ROOM, FULL, or NONE if no untried remote is usable, and only those that have
   * failed may be left.
   */
  outlook(tried: SlotSet, nowMs: number): number {
    this.#begin(nowMs, this.key)
    let outlook = NONE
    for (let i = 0; i < this.members.length; i++) {
      const slot = this.members[i] as number
      if (tried.has(slot) || !this.#isHealthy(slot)) continue
      if (this.hasRoom(slot)) return ROOM
      outlook = FULL
    }
    return outlook
  }

  /** Whether a remote is left that the client has not tried and that may be tried, now or when it has room. */
  hasUntried(tried: SlotSet): boolean {
    for (let i = 0; i < this.members.length; i++) {
      const slot = this.members[i] as number
      if (!tried.has(slot) && this.weight[slot] !== 0 && this.health.mayTry(slot)) return true
    }
    return false
  }

  /** Whether better tiers, whose remotes have served since their last failure, get the clients of this remote. */
  isOutranked(slot: number, nowMs: number): boolean {
    if (this.#tiers === undefined) return false
    this.nowMs = nowMs
    return this.#tiers.of(slot) > this.#tiers.worstInUse(this, this.health, true)
  }

  /** The remote that has too many sessions: see `surplusRemote`. */
  surplus(over: number, nowMs: number): Surplus | undefined {
    this.#begin(nowMs, this.key)
    return surplusRemote(this, (slot) => this.#isHealthy(slot), over)
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
    this.#fullWeight[slot] = weight
    this.weight[slot] = weight
    this.#policy.membersChanged?.()
  }

  /** Remotes have come, gone or changed their tiers, which are in the array that the pool was made with. */
  replaceMembers(members: readonly number[]): void {
    this.members = members
    this.#tiers = this.#findTiers()
    this.#worstTier = Infinity
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

  #findTiers(): Tiers | undefined {
    const [members, tiers] = [this.members, this.#tierOf]
    if (tiers === undefined || !hasTiers(members, tiers)) return undefined
    return new Tiers(members, tiers, this.#tierMinUsable)
  }

  /** Reads whether the pool as a whole has room, once for each client. */
  #noteRoom(): void {
    if (this.#useMax === undefined || this.#place === undefined) return
    this.#isOpen = this.#isBelowMax(this.#place, this.#useMax)
  }

  #isBelowMax(place: number, useMax: ArrayLike<number>): boolean {
    return (this.use[place] as number) < (useMax[place] as number)
  }

  /** Policies that build something of the weights have no slow start, so they need not be told. */
  #applySlowStart(slowStart: SlowStart): void {
    for (let i = 0; i < this.members.length; i++) {
      const slot = this.members[i] as number
      this.weight[slot] = (this.#fullWeight[slot] as number) * slowStart.share(slot, this.nowMs)
    }
  }

  /** Whether an untried remote is usable except for its number of sessions. */
  #isFull(tried: SlotSet): boolean {
    if (this.#useMax === undefined) return false
    for (let i = 0; i < this.members.length; i++) {
      const slot = this.members[i] as number
      if (!tried.has(slot) && this.#isHealthy(slot)) return true
    }
    return false
  }

  /** Whether it may be tried now if it has room. */
  #isHealthy(slot: number): boolean {
    return this.weight[slot] !== 0 && this.health.isUsable(slot, this.nowMs) && !this.#isInReserve(slot)
  }

  #isInReserve(slot: number): boolean {
    return this.#tiers !== undefined && this.#tiers.of(slot) > this.#worstTier
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
