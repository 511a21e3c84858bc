/** The loop of a source: rounds one after the other, and pauses that back off after failures. */
import { setTimeout as wait } from 'node:timers/promises'
import { cut, printable } from '../observe/log.js'
import type { FoundMember, Source, SourceEvents } from './source.js'
import { SourceFailure } from './source-failure.js'
import type { SourceTimes } from './source-times.js'

const UNEXPECTED_BYTES_MAX = 200

/** What a round has at hand. After `close` it reports nothing. */
export interface Round {
  /** Aborted when the source is closed. */
  readonly signal: AbortSignal
  /** A problem has been reported, and no answer since. */
  readonly isTroubled: boolean
  answer(members: readonly FoundMember[]): void
  problem(text: string): void
  /** Resolves early when the source is closed. */
  pause(ms: number): Promise<void>
}

/** Runs `round` again and again. It rejects with a `SourceFailure` when there is no answer. */
export function runRounds(
  events: SourceEvents,
  times: SourceTimes,
  round: (round: Round) => Promise<void>,
): Source {
  const rounds = new Rounds(events, times)
  void rounds.run(round)
  return rounds
}

class Rounds implements Source, Round {
  readonly #events: SourceEvents
  readonly #times: SourceTimes
  readonly #abort = new AbortController()
  /** Since the last answer. */
  #failures = 0
  isTroubled = false

  constructor(events: SourceEvents, times: SourceTimes) {
    this.#events = events
    this.#times = times
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  close(): void {
    this.#abort.abort()
  }

  answer(members: readonly FoundMember[]): void {
    if (this.signal.aborted) return
    this.#failures = 0
    this.isTroubled = false
    this.#events.onAnswer(members)
  }

  problem(text: string): void {
    if (this.signal.aborted) return
    this.isTroubled = true
    this.#events.onProblem(text)
  }

  async pause(ms: number): Promise<void> {
    // Does not keep the process alive.
    await wait(ms, undefined, { signal: this.signal, ref: false }).catch(() => {})
  }

  async run(round: (round: Round) => Promise<void>): Promise<void> {
    while (!this.signal.aborted) {
      try {
        await round(this)
      } catch (error) {
        this.problem(textOf(error))
        await this.pause(this.#retryMs())
      }
    }
  }

  #retryMs(): number {
    const { random, retryFirstMs, retryMaxMs } = this.#times
    const ms = Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(this.#failures, 30))
    this.#failures++
    // At least the first pause, so that a server which is overloaded has one.
    return Math.max(Math.min(retryFirstMs, ms), ms * (0.5 + random() / 2))
  }
}

function textOf(error: unknown): string {
  if (error instanceof SourceFailure) return error.message
  const what = error instanceof Error ? `${error.name}: ${error.message}` : typeof error
  return `internal error: ${printable(cut(what, UNEXPECTED_BYTES_MAX))}`
}
