/** The policy `least-time`: the shortest connect time, multiplied by the sessions in proportion to the weight. */
import type { PolicyMemory } from '../cells/policy-memory.js'
import { LowestCost } from './lowest-cost.js'
import type { Policy, PoolView } from './policy.js'
import { ageMsOf, amountOf } from './shared-numbers.js'
import type { SlotSet } from './slot-set.js'
import { useOf } from './use-of.js'

/** Age at which a measurement counts for 1/e of a new one. */
const DECAY_MS = 10_000

/** The most that the average of before counts: recent measurements are averaged over about eight. */
const KEPT_MAX = 7 / 8

/** Differences below this are noise: the time of the loop does not advance during a turn. */
const FLOOR_MS = 0.1

/** The kernel gives up earlier: a longer time is that of a compromised worker. */
const CONNECT_MAX_MS = 3_600_000

/**
 * A remote that was not measured for this long gets one client: otherwise a single slow connect could exclude
 * it for ever.
 */
const RETRY_MS = 10_000

/** All workers measure for each other, so a new one knows the times. */
export class LeastTime implements Policy {
  readonly observes = 'connect-ms'
  readonly #lowest = new LowestCost()
  readonly #memory: PolicyMemory
  /** Stands in for an unknown time during this choice; 0: not computed yet. */
  #typicalMs = 0

  constructor(memory: PolicyMemory) {
    this.#memory = memory
  }

  pick(view: PoolView, tried: SlotSet): number {
    const slot = this.peek(view, tried)
    if (slot >= 0 && this.#isDue(view, slot)) this.#memory.triedAtMs[slot] = view.nowMs
    return slot
  }

  peek(view: PoolView, tried: SlotSet): number {
    const lowest = this.#lowest
    this.#typicalMs = 0
    lowest.begin()
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (!tried.has(slot) && view.isUsable(slot)) lowest.offer(view, slot, this.#cost(view, slot))
    }
    return lowest.slot
  }

  /** `tookMs`: how long a successful connect took. */
  observe(slot: number, tookMs: number, nowMs: number): void {
    const { connectMs, connectedAtMs, triedAtMs } = this.#memory
    const measuredMs = Math.max(tookMs, FLOOR_MS)
    const beforeMs = this.#averageMs(slot)
    const ageMs = ageMsOf(connectedAtMs[slot] as number, nowMs)
    const kept = beforeMs === 0 ? 0 : Math.min(Math.exp(-ageMs / DECAY_MS), KEPT_MAX)
    connectMs[slot] = beforeMs * kept + measuredMs * (1 - kept)
    connectedAtMs[slot] = nowMs
    triedAtMs[slot] = nowMs
  }

  /** With the new session counted, so that an idle remote is not free of cost however slow it is. */
  #cost(view: PoolView, slot: number): number {
    if (this.#isDue(view, slot)) return 0
    const expectedMs = this.#averageMs(slot) || this.#typical(view)
    return (expectedMs * (useOf(view, slot) + 1)) / (view.weight[slot] as number)
  }

  /** A remote without a measurement is due until it is tried, however young the clock is. */
  #isDue({ nowMs }: PoolView, slot: number): boolean {
    const triedAtMs = this.#memory.triedAtMs[slot] as number
    if (triedAtMs === 0 && this.#averageMs(slot) === 0) return true
    return ageMsOf(triedAtMs, nowMs) >= RETRY_MS
  }

  /** 0: unknown. */
  #averageMs(slot: number): number {
    return amountOf(this.#memory.connectMs[slot] as number, CONNECT_MAX_MS)
  }

  /** The average of the remotes that are known. */
  #typical({ members }: PoolView): number {
    if (this.#typicalMs !== 0) return this.#typicalMs
    let sumMs = 0
    let known = 0
    for (let i = 0; i < members.length; i++) {
      const averageMs = this.#averageMs(members[i] as number)
      sumMs += averageMs
      if (averageMs > 0) known++
    }
    this.#typicalMs = known === 0 ? FLOOR_MS : sumMs / known
    return this.#typicalMs
  }
}
