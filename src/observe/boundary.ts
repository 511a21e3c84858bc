/**
 * The exception boundary of the control thread: an exception in a handler of outside bytes ends only their source.
 */
import { ERR } from './severity.js'
import type { Say } from './trace.js'

/** One report per kind and period; others are only counted, because a peer may cause one with every byte. */
const REPORT_EVERY_MS = 1_000

/** Longest message of an exception in the log: it may quote what a peer has sent. */
const MESSAGE_CHARACTERS_MAX = 300

/**
 * Runs handlers of outside bytes (helpers, servers, children, files). An exception in one of them is a defect of this
 * program and must not end the service for all other peers. Exceptions elsewhere end the process.
 */
export class Boundary {
  readonly #say: Say
  readonly #nowMs: () => number
  /** By kind; kinds are few and fixed. */
  readonly #reportedAtMs = new Map<string, number>()
  #count = 0

  /** `nowMs`: CLOCK_MONOTONIC. */
  constructor(say: Say, nowMs: () => number) {
    this.#say = say
    this.#nowMs = nowMs
  }

  /** Exceptions since the start, suppressed reports included. */
  get count(): number {
    return this.#count
  }

  /** Wraps `handler`. `kind` names the source in the log; `onFailure` ends the source. */
  guard<Args extends readonly unknown[]>(
    kind: string,
    handler: (...args: Args) => void,
    onFailure: () => void,
  ): (...args: Args) => void {
    return (...args) => this.run(kind, () => handler(...args), onFailure)
  }

  run(kind: string, handler: () => void, onFailure: () => void): void {
    try {
      handler()
    } catch (error) {
      this.failed(kind, error, onFailure)
    }
  }

  /** Reports a failure of asynchronous handling, and ends the source. */
  failed(kind: string, error: unknown, onFailure: () => void): void {
    this.#report(kind, error)
    try {
      onFailure()
    } catch (second) {
      this.#report(kind, second)
    }
  }

  /** Exceptions of the log itself are dropped: there is nowhere to report them. */
  #report(kind: string, error: unknown): void {
    this.#count++
    const nowMs = this.#nowMs()
    if (nowMs - (this.#reportedAtMs.get(kind) ?? Number.NEGATIVE_INFINITY) < REPORT_EVERY_MS) return
    this.#reportedAtMs.set(kind, nowMs)
    try {
      const [what, ...frames] = describe(error)
      this.#say(ERR, `internal error while handling ${kind} (${this.#count} since the start): ${what}`)
      for (const frame of frames) this.#say(ERR, frame)
    } catch {}
  }
}

/** The message in one line, and the stack in the lines behind it. */
function describe(error: unknown): string[] {
  if (!(error instanceof Error)) return [`thrown: ${typeof error}`]
  const { message, name, stack = '' } = error
  const shown =
    message.length > MESSAGE_CHARACTERS_MAX ? `${message.slice(0, MESSAGE_CHARACTERS_MAX)}…` : message
  return [`${name}: ${shown}`, ...stack.split('\n').filter((line) => line.startsWith('    at '))]
}
