/** Logs what checks that succeed warn of: a certificate that expires soon, the exit code 1 of a program. */
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { ProbeResult } from './probe-plan.js'

/** A reminder a day is read; one after each check would hide everything else. */
const PAUSE_MS = 86_400_000

interface Logged {
  readonly text: string
  readonly atMs: number
}

/** Logs each warning once, and at most one a day for each remote. Lives in the head, over reloads. */
export class ProbeWarnings {
  readonly #say: Say
  readonly #nowMs: () => number
  readonly #logged = new Map<string, Logged>()

  /** `nowMs`: CLOCK_MONOTONIC. */
  constructor(say: Say, nowMs: () => number) {
    this.#say = say
    this.#nowMs = nowMs
  }

  /** Forgets the remotes that are not checked any more. */
  watch(remotes: Iterable<{ readonly name: string }>): void {
    const names = new Set(Array.from(remotes, ({ name }) => name))
    for (const name of this.#logged.keys()) if (!names.has(name)) this.#logged.delete(name)
  }

  check(name: string, { warning }: Pick<ProbeResult, 'warning'>): void {
    if (warning === undefined) return
    const last = this.#logged.get(name)
    const nowMs = this.#nowMs()
    if (last !== undefined && (last.text === warning || nowMs - last.atMs < PAUSE_MS)) return
    this.#logged.set(name, { text: warning, atMs: nowMs })
    this.#say(WARNING, `remote ${name}: health check: ${warning}`)
  }
}
