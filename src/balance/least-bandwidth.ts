/** The policy `least-bandwidth`: the fewest bytes per second in proportion to the weight, random among equals. */
import { ageMsOf, amountOf, type PolicyMemory } from '../cells/policy-memory.js'
import { LowestCost } from './lowest-cost.js'
import { NONE, type Policy, type PoolView } from './policy.js'
import type { SlotSet } from './slot-set.js'
import { useOf } from './use-of.js'

/** Age at which bytes count for 1/e of new ones. */
const DECAY_MS = 10_000

/** Rates decay in steps: an exponential per remote and pick would cost more than the rest of the policy. */
const STEP_MS = 100

/** What a new client counts for until the bytes of others are known: remotes are shared by weight from the start. */
const CHARGE_MIN = 1

/** More bytes per second than any machine transfers, or clients than any accepts, are those of a compromised worker. */
const AMOUNT_MAX = 1e15

/**
 * A new client counts at once as an average one, or a burst of clients would all go to the remote that was least busy
 * before it. That charge decays like bytes do, and all charges together never exceed the bytes that were measured. All
 * workers measure for each other, so a new one knows the rates.
 */
export class LeastBandwidth implements Policy {
  readonly observes = 'bytes'
  readonly #lowest = new LowestCost()
  readonly #memory: PolicyMemory
  /** For a client that was chosen recently. */
  #charge = CHARGE_MIN

  constructor(memory: PolicyMemory) {
    this.#memory = memory
  }

  pick(view: PoolView, tried: SlotSet): number {
    const { members, nowMs } = view
    for (let i = 0; i < members.length; i++) this.#decay(members[i] as number, nowMs)
    const slot = this.peek(view, tried)
    if (slot !== NONE) add(this.#memory.recentClients, slot, 1)
    return slot
  }

  peek(view: PoolView, tried: SlotSet): number {
    const lowest = this.#lowest
    this.#findCharge(view)
    lowest.begin()
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (tried.has(slot) || !view.isUsable(slot)) continue
      lowest.offer(view, slot, this.#load(slot, view.nowMs) / (view.weight[slot] as number))
    }
    return lowest.slot
  }

  /** `bytes`: transferred since the last call for this remote. */
  observe(slot: number, bytes: number, nowMs: number): void {
    this.#decay(slot, nowMs)
    // Bytes per second, spread over DECAY_MS: at a constant rate the decaying sum is that rate.
    add(this.#memory.byteRates, slot, (bytes * 1_000) / DECAY_MS)
  }

  /** The average client: among the open sessions, or among more recent clients, whose sessions are short. */
  #findCharge(view: PoolView): void {
    const { byteRates, recentClients } = this.#memory
    let rates = 0
    let clients = 0
    let sessions = 0
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      const kept = this.#kept(slot, view.nowMs)
      rates += kept * amountOf(byteRates[slot] as number, AMOUNT_MAX)
      clients += kept * amountOf(recentClients[slot] as number, AMOUNT_MAX)
      sessions += useOf(view, slot)
    }
    this.#charge = Math.max(CHARGE_MIN, rates / Math.max(1, sessions, clients))
  }

  /** Bytes per second, measured and expected. */
  #load(slot: number, nowMs: number): number {
    const { byteRates, recentClients } = this.#memory
    const rate = amountOf(byteRates[slot] as number, AMOUNT_MAX)
    const clients = amountOf(recentClients[slot] as number, AMOUNT_MAX)
    return this.#kept(slot, nowMs) * (rate + clients * this.#charge)
  }

  #decay(slot: number, nowMs: number): void {
    const { byteRates, ratedAtMs, recentClients } = this.#memory
    if (ageMsOf(ratedAtMs[slot] as number, nowMs) < STEP_MS) return
    const kept = this.#kept(slot, nowMs)
    byteRates[slot] = kept * amountOf(byteRates[slot] as number, AMOUNT_MAX)
    recentClients[slot] = kept * amountOf(recentClients[slot] as number, AMOUNT_MAX)
    ratedAtMs[slot] = nowMs
  }

  /** What is left of amounts since their last decay. */
  #kept(slot: number, nowMs: number): number {
    const ageMs = ageMsOf(this.#memory.ratedAtMs[slot] as number, nowMs)
    return ageMs < STEP_MS ? 1 : Math.exp(-ageMs / DECAY_MS)
  }
}

/** Amounts must have decayed before. */
function add(amounts: Float64Array, slot: number, amount: number): void {
  amounts[slot] = amountOf(amounts[slot] as number, AMOUNT_MAX) + amount
}
