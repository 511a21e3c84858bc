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
  /** Aborted also when the source has to ask again: what waits in this round ends. */
  readonly again: AbortSignal
  /** A problem has been reported, and no answer since. */
  readonly isTroubled: boolean
  answer(members: readonly FoundMember[], lack?: string): void
  /** What was thrown in place of an answer. */
  problem(error: unknown): void
  /** Ends early when the source has to ask again. */
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
  readonly #close = new AbortController()
  #again = new AbortController()
  /** Since the last answer. */
  #failures = 0
  isTroubled = false

  constructor(events: SourceEvents, times: SourceTimes) {
    this.#events = events
    this.#times = times
  }

  get signal(): AbortSignal {
    return this.#close.signal
  }

  get again(): AbortSignal {
    return this.#again.signal
  }

  /** A pause after a failure does not end. */
  askAgain(): void {
    this.#again.abort()
  }

  close(): void {
    this.#close.abort()
    this.#again.abort()
  }

  answer(members: readonly FoundMember[], lack?: string): void {
    if (this.signal.aborted) return
    this.#failures = 0
    this.isTroubled = false
    this.#events.onAnswer(members, lack)
  }

  problem(error: unknown): void {
    if (this.signal.aborted) return
    this.isTroubled = true
    this.#events.onProblem(textOf(error))
  }

  pause(ms: number): Promise<void> {
    return paused(ms, this.again)
  }

  async run(round: (round: Round) => Promise<void>): Promise<void> {
    while (!this.signal.aborted) {
      try {
        if (this.#again.signal.aborted) this.#again = new AbortController()
        await round(this)
      } catch (error) {
        this.problem(error)
        await paused(this.#retryMs(), this.signal)
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

/** Resolves early when the signal is aborted. */
async function paused(ms: number, signal: AbortSignal): Promise<void> {
  // Does not keep the process alive.
  await wait(ms, undefined, { signal, ref: false }).catch(() => {})
}

function textOf(error: unknown): string {
  if (error instanceof SourceFailure) return error.message
  const what = error instanceof Error ? `${error.name}: ${error.message}` : typeof error
  return `internal error: ${printable(cut(what, UNEXPECTED_BYTES_MAX))}`
}
