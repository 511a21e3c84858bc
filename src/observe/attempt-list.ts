/** The failed attempts of one client, for its line of the access log: `db1:refused,db2:timeout*3,+2`. */
import { cut } from './log.js'

/** How an attempt to connect to a remote failed; docs/operations.md explains the words. */
export type AttemptWord =
  | 'refused'
  | 'timeout'
  | 'reset'
  | 'unreachable'
  | 'tls'
  | 'starttls'
  | 'slow'
  | 'missing'
  | 'denied'
  | 'local'
  | 'shortage'
  | 'error'

/** With this limit all fields fit into a line of the log ring; further attempts are only counted. */
const BYTES_MAX = 192
/** Reserved for the count. */
const COUNT_BYTES = 16
const NAME_BYTES_MAX = 64

export class AttemptList {
  #text = ''
  #last = ''
  /** How often the last entry has been added. */
  #times = 0
  #uncounted = 0

  /** Equal attempts in a row are one entry with their number. */
  add(remote: string, word: AttemptWord): void {
    const entry = `${cut(remote, NAME_BYTES_MAX)}:${word}`
    if (entry === this.#last) this.#times++
    else {
      this.#finishEntry()
      this.#last = entry
      this.#times = 1
    }
  }

  /** '' without attempts. */
  get text(): string {
    this.#finishEntry()
    if (this.#uncounted === 0) return this.#text
    return `${this.#text}${this.#text === '' ? '' : ','}+${this.#uncounted}`
  }

  clear(): void {
    this.#text = ''
    this.#last = ''
    this.#times = 0
    this.#uncounted = 0
  }

  #finishEntry(): void {
    if (this.#times === 0) return
    const entry = `${this.#last}${this.#times === 1 ? '' : `*${this.#times}`}`
    const longer = this.#text === '' ? entry : `${this.#text},${entry}`
    const fits = this.#uncounted === 0 && Buffer.byteLength(longer) <= BYTES_MAX - COUNT_BYTES
    if (fits) this.#text = longer
    else this.#uncounted += this.#times
    this.#last = ''
    this.#times = 0
  }
}
