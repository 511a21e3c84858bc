/**
 * When a second remote is dialled beside one that is slow, and how often that may happen. Pure: time is an argument.
 */
import type { HedgePlan } from '../base/hedge-plan.js'
import { RetryBudget } from './retry-budget.js'

/** Most hedges of a hundred first attempts. */
const BUDGET_PERCENT = 5

/** The times that are remembered: with 512 of them p99 is the sixth largest. */
const TIMES = 512

/** Fewer do not say what is slow. */
const TIMES_MIN = 64

/** The percentile is computed again after so many new times. */
const REFRESH = 64

/** Shorter percentiles are those of a loaded event loop, not of the network. */
const PERCENTILE_MIN_MS = 2

/** Of one pool in one worker. */
export class Hedging {
  /** An attempt that takes longer is slow; Infinity: too few connect times are known. */
  delayMs: number
  readonly #percentile: number | undefined
  readonly #budget: RetryBudget
  /** A ring, and room to sort it. */
  readonly #times: Float64Array
  readonly #sorted: Float64Array
  #count = 0

  /** `budget`: of hedges among first attempts. */
  constructor(plan: HedgePlan, budget: RetryBudget = new RetryBudget(BUDGET_PERCENT, 0)) {
    const isFixed = 'afterMs' in plan
    this.delayMs = isFixed ? plan.afterMs : Number.POSITIVE_INFINITY
    this.#percentile = isFixed ? undefined : plan.percentile
    this.#times = new Float64Array(isFixed ? 0 : TIMES)
    this.#sorted = new Float64Array(this.#times.length)
    this.#budget = budget
  }

  /** An attempt that took this long is connected, or was given up because another one was connected before. */
  took(ms: number): void {
    if (this.#percentile === undefined) return
    this.#times[this.#count % TIMES] = ms
    this.#count++
    if (this.#count >= TIMES_MIN && this.#count % REFRESH === 0) this.#refresh(this.#percentile)
  }

  /** Whether one more hedge is within the budget. */
  allows(nowMs: number): boolean {
    return this.#budget.allows(nowMs)
  }

  /** The first attempt for a client has gone out. */
  countFirst(nowMs: number): void {
    this.#budget.count(0, nowMs)
  }

  countHedge(nowMs: number): void {
    this.#budget.count(1, nowMs)
  }

  /** The smallest time that so many percent do not exceed. */
  #refresh(percentile: number): void {
    const count = Math.min(this.#count, TIMES)
    this.#sorted.set(this.#times)
    // Those that are not there yet sort behind all others.
    this.#sorted.fill(Number.POSITIVE_INFINITY, count)
    this.#sorted.sort()
    const rank = Math.ceil((count * percentile) / 100)
    this.delayMs = Math.max(PERCENTILE_MIN_MS, this.#sorted[rank - 1] as number)
  }
}
