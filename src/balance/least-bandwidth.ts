/** The policy `least-bandwidth`: the fewest bytes per second in proportion to the weight, random among equals. */
import { LowestCost } from './lowest-cost.js'
import { NONE, type Policy, type PoolView } from './policy.js'
import { SlotNumbers, type SlotRange } from './slot-numbers.js'
import type { SlotSet } from './slot-set.js'
import { useOf } from './use-of.js'

/** Age at which bytes count for 1/e of new ones. */
const DECAY_MS = 10_000

/** Rates decay in steps, all at once: an exponential per remote and pick would cost more than the rest of the policy. */
const STEP_MS = 100

/** What a new session counts for until the bytes of others are known: remotes are shared by weight from the start. */
const GUESS_MIN = 1

/**
 * A new session counts at once as an average one, or a burst of clients would all go to the remote that was least busy
 * before it. That charge decays like bytes do.
 */
export class LeastBandwidth implements Policy {
  readonly observes = 'bytes'
  readonly #lowest = new LowestCost()
  /** Bytes per second by slot. */
  readonly #rates: SlotNumbers
  #decayedMs = -Infinity

  constructor(range: SlotRange) {
    this.#rates = new SlotNumbers(range)
  }

  pick(view: PoolView, tried: SlotSet): number {
    this.#decay(view.nowMs)
    const lowest = this.#lowest
    let rates = 0
    let sessions = 0
    lowest.begin()
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (tried.has(slot) || !view.isUsable(slot)) continue
      const rate = this.#rates.get(slot)
      rates += rate
      sessions += useOf(view, slot)
      lowest.offer(view, slot, rate / (view.weight[slot] as number))
    }
    const { slot } = lowest
    if (slot !== NONE) this.#add(slot, Math.max(GUESS_MIN, rates / Math.max(1, sessions)))
    return slot
  }

  peek(view: PoolView, tried: SlotSet): number {
    const [rates, decayedMs] = [this.#rates.copy(), this.#decayedMs]
    const slot = this.pick(view, tried)
    this.#rates.restore(rates)
    this.#decayedMs = decayedMs
    return slot
  }

  /** `bytes`: transferred since the last call for this remote. */
  observe(slot: number, bytes: number, nowMs: number): void {
    this.#decay(nowMs)
    // Bytes per second, spread over DECAY_MS: at a constant rate the decaying sum is that rate.
    this.#add(slot, (bytes * 1_000) / DECAY_MS)
  }

  continueFrom(before: Policy, slots: readonly number[]): void {
    if (!(before instanceof LeastBandwidth)) return
    this.#decayedMs = before.#decayedMs
    this.#rates.continueFrom(before.#rates, slots)
  }

  #add(slot: number, rate: number): void {
    this.#rates.set(slot, this.#rates.get(slot) + rate)
  }

  #decay(nowMs: number): void {
    const ageMs = nowMs - this.#decayedMs
    if (ageMs < STEP_MS) return
    const kept = Math.exp(-ageMs / DECAY_MS)
    const { values } = this.#rates
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * kept
    this.#decayedMs = nowMs
  }
}
