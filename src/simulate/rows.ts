/** The pools and remotes of a report: those of the configuration, and those that only the log has. */
import type { Trace } from './trace.js'
import { NO_WORD } from './word-table.js'

/** The pool of a log whose lines name none. */
const DEFAULT_POOL = 'default'

/** Values of `end=` for clients that had a pool and got none of its remotes. */
export const ENDS_WITHOUT_REMOTE: readonly string[] = [
  'no-remote',
  'dial-timeout',
  'attempts-max',
  'retry-budget',
  'queue-full',
  'queue-timeout',
]

/** No pool or remote: the client got none. */
export const NO_ROW = -1

export interface ReportedPool {
  readonly name: string
  /** Of the configuration; undefined: only the log has this pool. */
  readonly policy: string | undefined
  /** Its only remote stands for all hosts that clients of dynamic routes ask for; the log names these and no pool. */
  readonly isDynamic: boolean
  /** Rows of its remotes. */
  readonly rows: number[]
}

export interface ReportedRemote {
  readonly name: string
  /** Index of its pool. */
  readonly pool: number
  /** Undefined: only the log has it. */
  readonly weight: number | undefined
  /** Whether it is in regular service: it has a weight and is not in reserve. */
  readonly isRegular: boolean
}

/** Rows are numbered by the slots of the remotes; remotes that only the log has follow. */
export class Rows {
  readonly pools: ReportedPool[]
  readonly remotes: ReportedRemote[]
  /** By connection of the trace: the index of the pool and the row of the remote in the log, or NO_ROW. */
  readonly loggedPool: Int32Array
  readonly logged: Int32Array

  /** The names are as the log writes them. */
  constructor(pools: readonly ReportedPool[], remotes: readonly ReportedRemote[], trace: Trace) {
    this.pools = pools.map((pool) => ({ ...pool, rows: [...pool.rows] }))
    this.remotes = [...remotes]
    this.loggedPool = new Int32Array(trace.count).fill(NO_ROW)
    this.logged = new Int32Array(trace.count).fill(NO_ROW)
    if (trace.isLog) this.#findLogged(trace)
  }

  #findLogged({ count, end, pool, queuedMs, remote, words }: Trace): void {
    const hadPool = words.texts.map((text) => ENDS_WITHOUT_REMOTE.includes(text))
    const pools: number[] = []
    const rows = new Map<number, number>()
    for (let i = 0; i < count; i++) {
      const [poolWord, remoteWord] = [pool[i] as number, remote[i] as number]
      const hasWaited = (queuedMs[i] as number) > 0
      if (poolWord === NO_WORD && remoteWord === NO_WORD && !hasWaited && !hadPool[end[i] as number]) continue
      const poolIndex = pools[poolWord] ?? this.#poolNamed(words.text(poolWord) || DEFAULT_POOL)
      pools[poolWord] = poolIndex
      this.loggedPool[i] = poolIndex
      if (remoteWord === NO_WORD) continue
      const key = poolWord * words.texts.length + remoteWord
      const row = rows.get(key) ?? this.#rowNamed(words.text(remoteWord), poolIndex, poolWord === NO_WORD)
      rows.set(key, row)
      this.logged[i] = row
      this.loggedPool[i] = this.remotes[row]?.pool ?? poolIndex
    }
  }

  #poolNamed(name: string): number {
    const found = this.pools.findIndex((pool) => pool.name === name)
    return found >= 0 ? found : this.pools.push({ name, policy: undefined, isDynamic: false, rows: [] }) - 1
  }

  #rowNamed(name: string, pool: number, mayBeDynamic: boolean): number {
    const { rows = [] } = this.pools[pool] ?? {}
    const [dynamic] = mayBeDynamic ? (this.pools.find(({ isDynamic }) => isDynamic)?.rows ?? []) : []
    const found = rows.find((row) => this.remotes[row]?.name === name) ?? dynamic
    if (found !== undefined) return found
    const row = this.remotes.push({ name, pool, weight: undefined, isRegular: false }) - 1
    rows.push(row)
    return row
  }
}
