/** The limits of attempts in a simulated world: chooses them, and checks each attempt by counting again. */
import assert from 'node:assert/strict'
import { BackOff } from '../../src/balance/back-off.js'
import { Hedging } from '../../src/balance/hedging.js'
import { RandomSource } from '../../src/balance/random-source.js'
import { RetryBudget } from '../../src/balance/retry-budget.js'
import { EAGAIN } from '../../src/kernel/errno.js'
import type { Session } from '../../src/relay/session.js'
import type { Chance } from './chance.js'

const WINDOW_S = 10

/** More than outside of a simulation: a world has few clients. */
const HEDGES_PERCENT = 50

export class AttemptCheck {
  readonly attemptsMax: number
  readonly ofPool: {
    readonly retryBudget: RetryBudget | undefined
    readonly hedging: Hedging | undefined
    readonly backOff: BackOff
  }
  /** Of the pool with hedging. */
  readonly #clients = new Set<number>()
  readonly #percent: number
  readonly #minPerSecond: number
  /** By the sequence number of the session. */
  readonly #attempts = new Map<number, number>()
  /** In the pool with the budget. */
  #firsts = 0
  #retries = 0
  #sinceMs = Number.POSITIVE_INFINITY
  #untilMs = 0

  /** `remotes`: those that fail. */
  constructor(chance: Chance, remotes: number) {
    this.attemptsMax = chance.is(0.4) ? chance.between(1, 5) : Number.POSITIVE_INFINITY
    this.#percent = chance.pick([0, 30, 100, 250])
    this.#minPerSecond = chance.pick([0, 0.1, 0.5])
    const retryBudget = chance.is(0.4) ? new RetryBudget(this.#percent, this.#minPerSecond) : undefined
    const numbers = { firstMs: chance.pick([0, 10, 1_000]), maxMs: 5_000, jitter: chance.pick([0, 0.2, 1]) }
    const random = new RandomSource(chance.between(0, 1_000_000))
    const backOff = new BackOff(new Array<typeof numbers>(remotes).fill(numbers), random)
    const hedges = new RetryBudget(HEDGES_PERCENT, 0)
    const hedging = chance.is(0.5) ? new Hedging({ afterMs: chance.pick([1, 20, 300]) }, hedges) : undefined
    this.ofPool = { retryBudget, hedging, backOff }
  }

  /** A session connects, with an outcome like that of connect(2). A full backlog is a refusal by this machine. */
  note({ dialling, sequence }: Session, outcome: number, nowMs: number): void {
    const before = this.#attempts.get(sequence) ?? 0
    assert.ok(before < this.attemptsMax, `an attempt after ${before} of at most ${this.attemptsMax}`)
    if (outcome === -EAGAIN) return
    this.#attempts.set(sequence, before + 1)
    if (dialling.service.hedging !== undefined) this.#clients.add(sequence)
    if (dialling.service.retryBudget === undefined) return
    if (before === 0) this.#firsts++
    else this.#retries++
    this.#sinceMs = Math.min(this.#sinceMs, nowMs)
    this.#untilMs = nowMs
  }

  assertEnded(sequence: number, reason: string): void {
    const attempts = this.#attempts.get(sequence) ?? 0
    if (reason === 'attempts-max') assert.equal(attempts, this.attemptsMax)
    if (reason === 'retry-budget') assert.ok(this.ofPool.retryBudget !== undefined && attempts > 0)
  }

  /** Each hedge is within the budget of a window, in which those before it are counted. */
  assertHedged(hedges: number, won: number): void {
    const most = this.ofPool.hedging === undefined ? 0 : (this.#clients.size * HEDGES_PERCENT) / 100
    assert.ok(won <= hedges && hedges <= most, `${hedges} hedges, ${won} won, of at most ${most}`)
  }

  /** Each retry is within the budget of a window, and the last windows before each other do not overlap. */
  assertInBudget(): void {
    if (this.ofPool.retryBudget === undefined || this.#retries === 0) return
    // One second more, because the clock of the relay stands still during a turn.
    const seconds = Math.floor(this.#untilMs / 1_000) - Math.floor(this.#sinceMs / 1_000) + 2
    const reserve = this.#minPerSecond * WINDOW_S * Math.ceil(seconds / WINDOW_S)
    const most = reserve + (this.#firsts * this.#percent) / 100
    assert.ok(this.#retries <= most, `${this.#retries} retries, of at most ${most}`)
  }
}
