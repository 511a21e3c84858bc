/**
 * The loop of sources that read a state with its revision and then watch its changes, etcd and Kubernetes: a watch that was
 * lost is resumed by revision. The state is also read again from time to time: that confirms what the watch has reported, and
 * finds a watch that has died without a word.
 */

import { type Round, runRounds } from './rounds.js'
import type { FoundMember, Source, SourceEvents } from './source.js'
import { SourceFailure } from './source-failure.js'
import { type SourceTimes, spread } from './source-times.js'

/** A state with a revision, at a server. */
export interface WatchedState {
  /** Replaces the state by that of the server. `onProblem`: as of a watch. */
  read(signal: AbortSignal, onProblem: WatchEvents['onProblem']): Promise<void>
  /**
   * Applies changes since its revision, in their order. Resolves when the server ends the watch in an orderly way. Rejects with
   * `Expired` if the state has to be read again.
   */
  watch(signal: AbortSignal, events: WatchEvents): Promise<void>
  /** Throws a `SourceFailure` if the state is complete and makes no sense. */
  members(): readonly FoundMember[]
}

export interface WatchEvents {
  /** The server watches. */
  onOpen(): void
  onChange(): void
  /** A part of the state cannot be read and is left as it was. */
  onProblem(text: string): void
}

/** The server has forgotten the changes since the revision of the state. */
export class Expired extends SourceFailure {}

export function listAndWatch(
  state: WatchedState,
  events: SourceEvents,
  { intervalMs }: { readonly intervalMs: number },
  times: SourceTimes,
): Source {
  /** When the state was read; undefined: it has to be. */
  let readAtMs: number | undefined
  return runRounds(events, times, async (round) => {
    if (readAtMs === undefined) {
      await state.read(round.signal, (text) => round.problem(text))
      round.answer(state.members())
      readAtMs = performance.now()
    }
    const dueAtMs = readAtMs + spread(intervalMs, times)
    const hasToRead = await new WatchRun(state, round, times).run(readAtMs, dueAtMs)
    if (hasToRead) readAtMs = undefined
  })
}

/** One watch. */
class WatchRun {
  readonly #state: WatchedState
  readonly #round: Round
  readonly #times: SourceTimes
  readonly #abort = new AbortController()
  /** Until the state is read again. */
  #refreshing: NodeJS.Timeout | undefined
  /** Until changes are reported. */
  #gathering: NodeJS.Timeout | undefined
  #hasChanged = false
  #isStale = false

  constructor(state: WatchedState, round: Round, times: SourceTimes) {
    this.#state = state
    this.#round = round
    this.#times = times
  }

  /** Returns whether the state has to be read again. */
  async run(readAtMs: number, dueAtMs: number): Promise<boolean> {
    const begunAtMs = performance.now()
    const onClose = () => this.#abort.abort()
    this.#round.signal.addEventListener('abort', onClose, { once: true })
    if (this.#round.signal.aborted) onClose()
    this.#refreshAt(dueAtMs)
    try {
      await this.#state.watch(this.#abort.signal, {
        onOpen: () => this.#opened(),
        onChange: () => this.#changed(dueAtMs),
        onProblem: (text) => this.#round.problem(text),
      })
      const lastedMs = performance.now() - begunAtMs
      if (!this.#isStale && lastedMs < this.#times.watchMinMs)
        throw new SourceFailure(`the watch ended after ${Math.round(lastedMs)} ms`)
    } catch (error) {
      if (error instanceof Expired && performance.now() - readAtMs > this.#times.watchMinMs) return true
      if (!this.#isStale) throw error
    } finally {
      this.#round.signal.removeEventListener('abort', onClose)
      clearTimeout(this.#refreshing)
      if (this.#gathering !== undefined) this.#report()
    }
    return this.#isStale
  }

  /** After an outage, what has changed in it follows at once. */
  #opened(): void {
    if (this.#round.isTroubled) this.#gather()
  }

  #changed(dueAtMs: number): void {
    this.#gather()
    if (this.#hasChanged) return
    this.#hasChanged = true
    this.#refreshAt(Math.min(dueAtMs, performance.now() + this.#times.confirmMs))
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => this.#report(), this.#times.gatherMs)
  }

  #report(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    try {
      this.#round.answer(this.#state.members())
    } catch (error) {
      if (!(error instanceof SourceFailure)) throw error
      this.#round.problem(error.message)
    }
  }

  #refreshAt(atMs: number): void {
    clearTimeout(this.#refreshing)
    this.#refreshing = setTimeout(
      () => {
        this.#isStale = true
        this.#abort.abort()
      },
      Math.max(0, atMs - performance.now()),
    )
  }
}
