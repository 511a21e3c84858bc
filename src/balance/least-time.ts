/** The policy `least-time`: the shortest connect time, multiplied by the sessions in proportion to the weight. */
import { LowestCost } from './lowest-cost.js'
import type { Policy, PoolView } from './policy.js'
import { SlotNumbers, type SlotRange } from './slot-numbers.js'
import type { SlotSet } from './slot-set.js'
import { useOf } from './use-of.js'

/** Age at which a measurement counts for 1/e of a new one. */
const DECAY_MS = 10_000

/** The most that the average of before counts: recent measurements are averaged over about eight. */
const KEPT_MAX = 7 / 8

/** Differences below this are noise: the time of the loop does not advance during a turn. */
const FLOOR_MS = 0.1

/**
 * A remote that was not measured for this long gets one client: otherwise a single slow connect could exclude
 * it for ever.
 */
const RETRY_MS = 10_000

export class LeastTime implements Policy {
  readonly observes = 'connect-ms'
  readonly #lowest = new LowestCost()
  /** Decaying averages by slot; 0: unknown. */
  readonly #averagesMs: SlotNumbers
  readonly #observedMs: SlotNumbers
  /** When a remote was last measured, or chosen in order to measure it. */
  readonly #triedMs: SlotNumbers
  /** Of all remotes: stands in for an unknown one that is being measured. 0: none is known. */
  #overallMs = 0

  constructor(range: SlotRange) {
    this.#averagesMs = new SlotNumbers(range)
    this.#observedMs = new SlotNumbers(range, -Infinity)
    this.#triedMs = new SlotNumbers(range, -Infinity)
  }

  pick(view: PoolView, tried: SlotSet): number {
    const lowest = this.#lowest
    lowest.begin()
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (!tried.has(slot) && view.isUsable(slot)) lowest.offer(view, slot, this.#cost(view, slot))
    }
    const { slot } = lowest
    if (slot >= 0 && this.#isDue(view, slot)) this.#triedMs.set(slot, view.nowMs)
    return slot
  }

  peek(view: PoolView, tried: SlotSet): number {
    const triedMs = this.#triedMs.copy()
    const slot = this.pick(view, tried)
    this.#triedMs.restore(triedMs)
    return slot
  }

  /** `tookMs`: how long a successful connect took. */
  observe(slot: number, tookMs: number, nowMs: number): void {
    const measuredMs = Math.max(tookMs, FLOOR_MS)
    const ageMs = nowMs - this.#observedMs.get(slot)
    const kept = Math.min(Math.exp(-ageMs / DECAY_MS), KEPT_MAX)
    this.#averagesMs.set(slot, this.#averagesMs.get(slot) * kept + measuredMs * (1 - kept))
    this.#overallMs += (measuredMs - this.#overallMs) * (this.#overallMs === 0 ? 1 : 1 - KEPT_MAX)
    this.#observedMs.set(slot, nowMs)
    this.#triedMs.set(slot, nowMs)
  }

  continueFrom(before: Policy, slots: readonly number[]): void {
    if (!(before instanceof LeastTime)) return
    this.#overallMs = before.#overallMs
    this.#averagesMs.continueFrom(before.#averagesMs, slots)
    this.#observedMs.continueFrom(before.#observedMs, slots)
    this.#triedMs.continueFrom(before.#triedMs, slots)
  }

  /** With the new session counted, so that an idle remote is not free of cost however slow it is. */
  #cost(view: PoolView, slot: number): number {
    if (this.#isDue(view, slot)) return 0
    const expectedMs = this.#averagesMs.get(slot) || this.#overallMs || FLOOR_MS
    return (expectedMs * (useOf(view, slot) + 1)) / (view.weight[slot] as number)
  }

  #isDue({ nowMs }: PoolView, slot: number): boolean {
    return nowMs - this.#triedMs.get(slot) >= RETRY_MS
  }
}
