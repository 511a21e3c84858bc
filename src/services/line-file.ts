import { createWriteStream, type WriteStream } from 'node:fs'
import { ERR, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** Lines that wait for a slow disk; what comes on top is dropped and counted. */
const PENDING_BYTES_MAX = 8 * 1024 * 1024

/** A file that could not be written is opened anew after this, at the next line. */
const RETRY_MS = 1_000

/** A log file of lines. A disk that is full or slow costs lines, never sessions. */
export class LineFile {
  readonly #path: string
  readonly #say: Say
  #stream: WriteStream
  #isBroken = false
  #triedAtMs = 0
  #dropped = 0
  /** Lines of this turn, which are written in one go at its end: a write for each costs more than the line. */
  #waiting = ''

  constructor(path: string, say: Say) {
    this.#path = path
    this.#say = say
    this.#stream = this.#open()
  }

  write(line: string): void {
    if (this.#isBroken && performance.now() - this.#triedAtMs >= RETRY_MS) this.reopen()
    if (this.#isBroken || this.#stream.writableLength + this.#waiting.length > PENDING_BYTES_MAX) {
      if (this.#dropped++ === 0) this.#say(WARNING, `${this.#path}: lines are dropped`)
      return
    }
    if (this.#waiting === '') process.nextTick(() => this.#flush())
    this.#waiting += `${line}\n`
  }

  /** Goes on in a new file of the same name, after a log rotation has moved the old one. */
  reopen(): void {
    if (this.#dropped > 0) this.#say(WARNING, `${this.#path}: ${this.#dropped} lines were dropped`)
    this.#flush()
    this.#dropped = 0
    this.#isBroken = false
    this.#stream.end()
    this.#stream = this.#open()
  }

  close(done: () => void): void {
    this.#flush()
    if (this.#isBroken) done()
    else this.#stream.end(done)
  }

  #flush(): void {
    if (this.#waiting !== '' && !this.#isBroken) this.#stream.write(this.#waiting)
    this.#waiting = ''
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#path, { flags: 'a', mode: 0o640 })
    stream.on('error', ({ message }) => {
      if (stream !== this.#stream) return
      this.#isBroken = true
      this.#triedAtMs = performance.now()
      this.#say(ERR, `cannot write the log file: ${message}`)
    })
    return stream
  }
}
