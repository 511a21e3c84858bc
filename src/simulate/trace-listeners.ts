/** Finds the listeners of a configuration by their names in an access log. */
import type { WordTable } from './word-table.js'

export interface TraceListener {
  readonly slot: number
  /** Its name in the log, if it is bound as it is configured. */
  readonly name: string
  /** 0: a Unix socket, or chosen by the system. */
  readonly port: number
  readonly realm: string
  /** Index of the pool that it names; undefined: routes or the default pool apply. */
  readonly pool: number | undefined
  /** What it overrides of its clients' pools. */
  readonly dialRetries?: number | undefined
  readonly attemptsMax?: number | undefined
  readonly dialTimeoutMs?: number | undefined
  /** The pools of the log are used, because its routes need what the log does not have. */
  readonly usesLoggedPools: boolean
  /** The log says whether access rules rejected a client, because they are about what the log does not have. */
  readonly usesLoggedRules: boolean
}

export class TraceListeners {
  readonly #all: readonly TraceListener[]
  readonly #words: WordTable
  /** By word. */
  readonly #found: (TraceListener | undefined)[] = []

  constructor(all: readonly TraceListener[], words: WordTable) {
    this.#all = all
    this.#words = words
  }

  /**
   * The listener with this name. The log has the address that was bound, which may differ from the configured one: then
   * the only listener with this port, or the only one of all. Undefined: there is none.
   */
  at(word: number): TraceListener | undefined {
    if (!(word in this.#found)) this.#found[word] = this.#find(this.#words.text(word))
    return this.#found[word]
  }

  #find(name: string): TraceListener | undefined {
    const [port] = /(?<=:)\d{1,5}$/.exec(name) ?? []
    const found =
      this.#all.find((listener) => listener.name === name) ??
      onlyOne(this.#all.filter((listener) => listener.port > 0 && listener.port === Number(port))) ??
      onlyOne(this.#all)
    if (found === undefined || port === undefined) return found
    return found.port === Number(port) ? found : { ...found, port: Number(port) }
  }
}

function onlyOne<T>(found: readonly T[]): T | undefined {
  return found.length === 1 ? found[0] : undefined
}
