/** Logs when a pool begins to use all of its remotes because too few are usable (`panic`), and when that ends. */
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { PoolVerdicts } from './pool-verdicts.js'

export class PanicLog {
  readonly #say: Say
  /** Names of pools. */
  #inPanic = new Set<string>()

  constructor(say: Say) {
    this.#say = say
  }

  /** `pools`: all of the configuration in force, by name. */
  review(pools: ReadonlyMap<string, PoolVerdicts>): void {
    const before = this.#inPanic
    this.#inPanic = new Set([...pools].flatMap(([name, { isPanic }]) => (isPanic ? [name] : [])))
    for (const [name, { isPanic, total, usable }] of pools) {
      const numbers = `pool ${name}: ${usable} of ${total} remotes ${usable === 1 ? 'is' : 'are'} usable`
      if (isPanic && !before.has(name))
        this.#say(WARNING, `${numbers}, fewer than \`panic\` says: all are used, also those that are down`)
      if (!isPanic && before.has(name))
        this.#say(NOTICE, `${numbers}: those that are down are no longer used`)
    }
  }
}
