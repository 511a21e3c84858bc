/**
 * The policy `maglev`: a client's key determines the remote, by a table lookup. Clients whose remote is down,
 * tried or overloaded are spread over the others by rendezvous hashing, so that no other client changes its
 * remote.
 */
import { BoundedLoad } from './bounded-load.js'
import { Candidates } from './candidates.js'
import type { HashingOptions } from './hashing-options.js'
import { BUILD_STEPS, MaglevTable } from './maglev-table.js'
import { NONE, type Policy, type PoolView } from './policy.js'
import { rendezvous, slotSeeds } from './rendezvous.js'
import type { SlotRange } from './slot-range.js'
import type { SlotSet } from './slot-set.js'
import { regularMembers } from './tiers.js'

/** New weights are in force after eight clients; each of them waits for well under a millisecond of the build. */
const STEPS_PER_PICK = BUILD_STEPS / 8

export class Maglev implements Policy {
  readonly #candidates: Candidates
  readonly #seeds: ArrayLike<number>
  readonly #tiers: ArrayLike<number> | undefined
  readonly #tierMinUsable: number
  readonly #bound: BoundedLoad
  #table: MaglevTable | undefined = undefined
  /** The first table, if it was needed before the first client. */
  #peekedTable: MaglevTable | undefined = undefined
  /** The successor of `#table` while it is built. */
  #nextTable: MaglevTable | undefined = undefined
  /** Members or weights have changed since the last build began. */
  #isStale = false

  constructor(range: SlotRange, options: HashingOptions = {}) {
    const { boundedLoad = Infinity, seeds = slotSeeds(range), tierMinUsable = 1, tiers } = options
    this.#candidates = new Candidates(range)
    this.#seeds = seeds
    this.#tiers = tiers
    this.#tierMinUsable = tierMinUsable
    this.#bound = new BoundedLoad(boundedLoad)
  }

  membersChanged(): void {
    this.#isStale = this.#table !== undefined
    this.#peekedTable = undefined
  }

  pick(view: PoolView, tried: SlotSet): number {
    if (this.#isStale || this.#nextTable !== undefined) this.#continueBuild(view)
    this.#table ??= this.#peekedTable ?? this.#firstTable(view)
    return this.#pickFrom(this.#table, view, tried)
  }

  peek(view: PoolView, tried: SlotSet): number {
    return this.#pickFrom(this.#tableOfNextPick(view), view, tried)
  }

  /** A build that the next pick completes may be completed before: no choice depends on when it is. */
  #tableOfNextPick(view: PoolView): MaglevTable {
    const next = this.#nextTable
    if (next !== undefined && next.stepsLeft <= STEPS_PER_PICK) {
      next.build(next.stepsLeft)
      return next
    }
    if (this.#table !== undefined) return this.#table
    this.#peekedTable ??= this.#firstTable(view)
    return this.#peekedTable
  }

  #pickFrom(table: MaglevTable, view: PoolView, tried: SlotSet): number {
    const owner = table.find(view.key)
    if (this.#bound.isLimited) return this.#pickBounded(view, tried, table, owner)
    if (owner !== NONE && !tried.has(owner) && view.isUsable(owner)) return owner
    this.#candidates.collect(view, tried, owner)
    return this.#spread(view, table, owner)
  }

  #pickBounded(view: PoolView, tried: SlotSet, table: MaglevTable, owner: number): number {
    this.#candidates.collect(view, tried)
    this.#bound.measure(view, this.#candidates)
    if (owner !== NONE && this.#candidates.has(owner) && this.#bound.hasRoom(view, owner)) return owner
    return this.#spread(view, table, owner)
  }

  /** The choice for a client whose owner is NONE, or cannot take it. */
  #spread(view: PoolView, table: MaglevTable, owner: number): number {
    const slot = owner === NONE ? this.#choose(view, table.rest) : NONE
    // The table lacks a weight that was 0 when it was built.
    return slot === NONE ? this.#choose(view, view.weight) : slot
  }

  #choose(view: PoolView, shares: ArrayLike<number>): number {
    return rendezvous(view, this.#candidates, this.#seeds, shares, this.#bound)
  }

  /** Built at once, because no older table exists that could serve the first client. */
  #firstTable(view: PoolView): MaglevTable {
    const table = this.#emptyTable(view)
    table.build(BUILD_STEPS)
    return table
  }

  /** Without the remotes in reserve: otherwise each of them that comes or goes would move clients of the others. */
  #emptyTable({ members, weight }: PoolView): MaglevTable {
    const tiers = this.#tiers
    const regular =
      tiers === undefined ? members : regularMembers(members, tiers, weight, this.#tierMinUsable)
    return new MaglevTable(regular, weight, this.#seeds)
  }

  /**
   * A change during a build takes effect in the next one: frequent changes that began it anew would keep the
   * old table for ever.
   */
  #continueBuild(view: PoolView): void {
    if (this.#nextTable === undefined) {
      this.#isStale = false
      this.#nextTable = this.#emptyTable(view)
    }
    this.#nextTable.build(STEPS_PER_PICK)
    if (!this.#nextTable.isBuilt) return
    this.#table = this.#nextTable
    this.#nextTable = undefined
  }
}
