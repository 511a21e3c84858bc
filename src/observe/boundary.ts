/** The exception boundary of the control thread: what a handler of bytes from outside throws ends their source alone. */
import { ERR } from './severity.js'
import type { Say } from './trace.js'

/** One report per kind in this time; the others are only counted. A peer may cause an exception with each byte. */
const REPORT_EVERY_MS = 1_000

/** Of an exception's message, which may quote what a peer has sent. */
const MESSAGE_CHARACTERS_MAX = 300

/**
 * Handlers of bytes from outside (helpers, servers, children, files) run behind it. An exception in one of them is a
 * defect of this program; it must not end the service, which has other peers. What throws elsewhere ends the process.
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

  /** Exceptions since the start, the ones that were not reported included. */
  get count(): number {
    return this.#count
  }

  /** `handler` behind the boundary. `kind` names the source in the log; `onFailure` ends it. */
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

  /** Handling these bytes has failed with `error`: for what is asynchronous. */
  failed(kind: string, error: unknown, onFailure: () => void): void {
    this.#report(kind, error)
    try {
      onFailure()
    } catch (second) {
      this.#report(kind, second)
    }
  }

  /** A log that throws as well has nowhere to be reported. */
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
