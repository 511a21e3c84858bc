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
  /** Replaces the state by that of the server. */
  read(signal: AbortSignal): Promise<void>
  /**
   * Applies changes since its revision, in their order. Resolves when the server ends the watch in an orderly way. Rejects with
   * `Expired` if the state has to be read again.
   */
  watch(signal: AbortSignal, events: WatchEvents): Promise<void>
  /** Throws a `SourceFailure` if the state is complete and makes no sense. */
  members(): readonly FoundMember[]
  /** A part of the state that cannot be read and is left as it was. */
  readonly lack?: string | undefined
}

export interface WatchEvents {
  /** The server watches. */
  onOpen(): void
  onChange(): void
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
      await state.read(round.signal)
      round.answer(state.members(), state.lack)
      readAtMs = performance.now()
    }
    const run = new WatchRun(state, round, times)
    try {
      if (await run.until(readAtMs + spread(intervalMs, times), readAtMs)) readAtMs = undefined
    } catch (error) {
      // Resuming it has not helped, or cannot.
      if (round.isTroubled || error instanceof Expired) readAtMs = undefined
      throw error
    }
  })
}

/** One watch. */
class WatchRun {
  readonly #state: WatchedState
  readonly #round: Round
  readonly #times: SourceTimes
  readonly #abort = new AbortController()
  /** Until changes are reported. */
  #gathering: NodeJS.Timeout | undefined
  #hasUnreported = false

  constructor(state: WatchedState, round: Round, times: SourceTimes) {
    this.#state = state
    this.#round = round
    this.#times = times
  }

  /** Returns whether the state has to be read again: that is due, wanted, or the only way to go on. */
  async until(dueAtMs: number, readAtMs: number): Promise<boolean> {
    const { again } = this.#round
    const begunAtMs = performance.now()
    const onAgain = () => this.#abort.abort()
    again.addEventListener('abort', onAgain, { once: true })
    if (again.aborted) onAgain()
    const timer = setTimeout(onAgain, Math.max(0, dueAtMs - begunAtMs))
    try {
      await this.#watch()
      if (performance.now() - begunAtMs < this.#times.watchMinMs && !this.#abort.signal.aborted)
        throw new SourceFailure('the server ends the watch at once')
    } catch (error) {
      if (!this.#abort.signal.aborted) {
        // Unless it has just been read: a server that forgets at once would be asked without a pause.
        if (error instanceof Expired && performance.now() - readAtMs > this.#times.watchMinMs) return true
        throw error
      }
    } finally {
      again.removeEventListener('abort', onAgain)
      clearTimeout(timer)
      clearTimeout(this.#gathering)
      if (this.#hasUnreported) this.#report()
    }
    return this.#abort.signal.aborted
  }

  #watch(): Promise<void> {
    return this.#state.watch(this.#abort.signal, {
      // After an outage, what has changed in it follows at once.
      onOpen: () => {
        if (this.#round.isTroubled) this.#gather()
      },
      onChange: () => {
        this.#hasUnreported = true
        this.#gather()
      },
    })
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => this.#report(), this.#times.gatherMs)
  }

  #report(): void {
    this.#gathering = undefined
    this.#hasUnreported = false
    try {
      this.#round.answer(this.#state.members(), this.#state.lack)
    } catch (error) {
      // A timer calls this: nothing above it would catch an error of the program.
      this.#round.problem(error)
    }
  }
}
