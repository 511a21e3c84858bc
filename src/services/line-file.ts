import { closeSync, createWriteStream, fstatSync } from 'node:fs'
import { isatty } from 'node:tty'
import { LineOutput } from '../observe/line-output.js'
import { ERR, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { openForLines } from './open-file.js'

/** Lines that wait for a slow disk; what comes on top is dropped and counted. */
const PENDING_BYTES_MAX = 8 * 1024 * 1024

/** A file that could not be written is opened anew after this, at the next line. */
const RETRY_MS = 1_000

/** An open log file. */
interface Target {
  /** Bytes that are not written yet. */
  readonly writableLength: number
  write(text: string): void
  end(done?: () => void): void
}

/**
 * A log file of lines. A disk that is full or slow costs lines, never sessions; so does a FIFO or a terminal whose
 * reader is slow, or gone.
 */
export class LineFile {
  readonly #path: string
  readonly #say: Say
  /** Undefined when it could not be opened or written. */
  #target: Target | undefined
  #triedAtMs = 0
  #dropped = 0
  /** Lines of this turn, which are written in one go at its end: a write for each costs more than the line. */
  #waiting = ''

  constructor(path: string, say: Say) {
    this.#path = path
    this.#say = say
    this.#open()
  }

  write(line: string): void {
    if (this.#target === undefined && performance.now() - this.#triedAtMs >= RETRY_MS) this.reopen()
    const pendingBytes = (this.#target?.writableLength ?? 0) + this.#waiting.length
    if (this.#target === undefined || pendingBytes > PENDING_BYTES_MAX) {
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
    this.#target?.end()
    this.#open()
  }

  close(done: () => void): void {
    this.#flush()
    if (this.#target === undefined) done()
    else this.#target.end(done)
  }

  #flush(): void {
    if (this.#waiting !== '') this.#target?.write(this.#waiting)
    this.#waiting = ''
  }

  #open(): void {
    try {
      const fd = openForLines(this.#path)
      const mayBlock = fstatSync(fd).isFIFO() || isatty(fd)
      this.#target = mayBlock ? lineOutputAt(fd, this.#path) : this.#fileAt(fd)
    } catch (error) {
      this.#broken(error)
    }
  }

  /** Written by libuv's pool. Its descriptor is closed with it. */
  #fileAt(fd: number): Target {
    const stream = createWriteStream(this.#path, { fd })
    stream.on('error', (error) => {
      if (stream === this.#target) this.#broken(error)
    })
    return stream
  }

  #broken(error: unknown): void {
    this.#target = undefined
    this.#triedAtMs = performance.now()
    this.#say(ERR, `cannot write the log file: ${error instanceof Error ? error.message : error}`)
  }
}

/** A FIFO or a terminal: what it does not take at once is dropped. */
function lineOutputAt(fd: number, path: string): Target {
  const output = new LineOutput(fd, (count) => `${path}: ${count} lines were dropped\n`)
  return {
    writableLength: 0,
    write: (text) => output.write(text),
    end(done) {
      closeSync(fd)
      done?.()
    },
  }
}
