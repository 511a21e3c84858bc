/**
 * A token bucket as one number: the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371). A token
 * moves that time by one interval; a bucket that is full by now or earlier has all of its tokens. So one word of shared memory
 * is enough, which workers change by compare-and-exchange.
 */
import type { RatePlan } from './limit-plan.js'

/** Times are whole steps of 8 µs in 32 bits, which wrap after 9.5 hours. */
const STEPS_PER_MS = 125

/** The clock of a reactor stands still during a turn, so that of another one may be ahead. */
const AHEAD_MAX_MS = 1_000

/** A result of `next` that is no time. */
export const NO_TOKEN = Number.POSITIVE_INFINITY

export class TokenBucket {
  /** Steps for one token, with a fraction. */
  readonly #interval: number
  /** Steps to refill it from empty. */
  readonly #depth: number
  /** Steps until it is full, at most: tokens may be taken in advance. */
  readonly #aheadMax: number
  /** Parts of a step that tokens were cheaper than their interval so far. */
  #carry = 0

  /** `advanceMs`: for how long a token may be taken in advance. */
  constructor({ burst, count, withinMs }: RatePlan, advanceMs: number) {
    this.#interval = (withinMs * STEPS_PER_MS) / count
    this.#depth = burst * this.#interval
    this.#aheadMax = this.#depth + (advanceMs + AHEAD_MAX_MS) * STEPS_PER_MS
  }

  /** Time after which it is full, whatever has been taken. */
  get settledMs(): number {
    return this.#aheadMax / STEPS_PER_MS
  }

  /** The time of a bucket that is full. */
  full(nowMs: number): number {
    return stepOf(nowMs)
  }

  /** Takes a token: the new time; NO_TOKEN if there is none. `fullAt`: the time so far. `nowMs`: CLOCK_MONOTONIC. */
  next(fullAt: number, nowMs: number): number {
    return this.#waitSteps(fullAt, nowMs) > 0 ? NO_TOKEN : this.reserve(fullAt, nowMs)
  }

  /** Takes a token that may still have to come (`waitMs`): the new time. */
  reserve(fullAt: number, nowMs: number): number {
    const exact = this.#interval + this.#carry
    const steps = Math.floor(exact)
    this.#carry = exact - steps
    return (stepOf(nowMs) + this.#aheadOf(fullAt, nowMs) + steps) | 0
  }

  /** Time until there is a token; 0 if there is one. */
  waitMs(fullAt: number, nowMs: number): number {
    return Math.max(0, this.#waitSteps(fullAt, nowMs)) / STEPS_PER_MS
  }

  /** Whole tokens that are in it. */
  tokens(fullAt: number, nowMs: number): number {
    return Math.max(0, Math.floor((this.#depth - this.#aheadOf(fullAt, nowMs)) / this.#interval + 1e-6))
  }

  /** A step less than the exact time: each token is rounded to whole steps. */
  #waitSteps(fullAt: number, nowMs: number): number {
    return this.#aheadOf(fullAt, nowMs) + this.#interval - this.#depth - 1
  }

  /** Steps until it is full. A time that no bucket can have is an old one, or that of a compromised worker. */
  #aheadOf(fullAt: number, nowMs: number): number {
    const steps = (fullAt - stepOf(nowMs)) | 0
    return steps < 0 || steps > this.#aheadMax ? 0 : steps
  }
}

function stepOf(nowMs: number): number {
  return Math.floor(nowMs * STEPS_PER_MS) | 0
}
