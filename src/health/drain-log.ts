/** Logs when a remote begins to drain whose sessions have a deadline (`drain deadline`). */
import { formatDuration } from '../base/duration.js'
import { NOTICE } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

export class DrainLog {
  readonly #say: Say
  /** Names of remotes. */
  #draining: ReadonlySet<string> = new Set()

  constructor(say: Say) {
    this.#say = say
  }

  /** `deadlines`: of the remotes that drain now, by name, in ms after the begin. */
  review(deadlines: ReadonlyMap<string, number>): void {
    for (const [name, ms] of deadlines) {
      if (!this.#draining.has(name))
        this.#say(
          NOTICE,
          `remote ${name} drains: sessions that are left after ${formatDuration(ms)} are closed`,
        )
    }
    this.#draining = new Set(deadlines.keys())
  }
}
