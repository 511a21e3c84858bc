/** The policy `least-bandwidth`: the fewest bytes per second in proportion to the weight, random among equals. */
import type { PolicyMemory } from '../cells/policy-memory.js'
import { LowestCost } from './lowest-cost.js'
import { NONE, type Policy, type PoolView } from './policy.js'
import { ageMsOf, amountOf } from './shared-numbers.js'
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

type ByteMemory = Pick<PolicyMemory, 'byteRates' | 'ratedAtMs' | 'recentClients'>

/**
 * A new client counts at once as an average one, or a burst of clients would all go to the remote that was least busy
 * before it. That charge decays like bytes do, and all charges together never exceed the bytes that were measured. All
 * workers measure for each other, so a new one knows the rates.
 */
export class LeastBandwidth implements Policy {
  readonly observes = 'bytes'
  readonly #lowest = new LowestCost()
  readonly #rates: Float64Array
  readonly #clients: Float64Array
  readonly #decayedMs: Float64Array

  constructor({ byteRates, ratedAtMs, recentClients }: ByteMemory) {
    this.#rates = byteRates
    this.#clients = recentClients
    this.#decayedMs = ratedAtMs
  }

  pick(view: PoolView, tried: SlotSet): number {
    const slot = this.#best(view, tried, this.#chargeFor(view))
    if (slot !== NONE) add(this.#clients, slot, 1)
    return slot
  }

  peek(view: PoolView, tried: SlotSet): number {
    const copy = new LeastBandwidth({
      byteRates: this.#rates.slice(),
      recentClients: this.#clients.slice(),
      ratedAtMs: this.#decayedMs.slice(),
    })
    return copy.pick(view, tried)
  }

  /** `bytes`: transferred since the last call for this remote. */
  observe(slot: number, bytes: number, nowMs: number): void {
    this.#decay(slot, nowMs)
    // Bytes per second, spread over DECAY_MS: at a constant rate the decaying sum is that rate.
    add(this.#rates, slot, (bytes * 1_000) / DECAY_MS)
  }

  #best(view: PoolView, tried: SlotSet, charge: number): number {
    const lowest = this.#lowest
    lowest.begin()
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      if (tried.has(slot) || !view.isUsable(slot)) continue
      const load = amountAt(this.#rates, slot) + charge * amountAt(this.#clients, slot)
      lowest.offer(view, slot, load / (view.weight[slot] as number))
    }
    return lowest.slot
  }

  /** The average client: among the open sessions, or among more recent clients, whose sessions are short. */
  #chargeFor(view: PoolView): number {
    let rates = 0
    let clients = 0
    let sessions = 0
    for (let i = 0; i < view.members.length; i++) {
      const slot = view.members[i] as number
      this.#decay(slot, view.nowMs)
      rates += amountAt(this.#rates, slot)
      clients += amountAt(this.#clients, slot)
      sessions += useOf(view, slot)
    }
    return Math.max(CHARGE_MIN, rates / Math.max(1, sessions, clients))
  }

  #decay(slot: number, nowMs: number): void {
    const ageMs = ageMsOf(this.#decayedMs[slot] as number, nowMs)
    if (ageMs < STEP_MS) return
    const kept = Math.exp(-ageMs / DECAY_MS)
    // Unchecked, because readers check: V8 would not inline a function here, and allocate what it returns.
    this.#rates[slot] = kept * (this.#rates[slot] as number)
    this.#clients[slot] = kept * (this.#clients[slot] as number)
    this.#decayedMs[slot] = nowMs
  }
}

function amountAt(amounts: Float64Array, slot: number): number {
  return amountOf(amounts[slot] as number, AMOUNT_MAX)
}

/** Amounts must have decayed before. */
function add(amounts: Float64Array, slot: number, amount: number): void {
  amounts[slot] = amountAt(amounts, slot) + amount
}
