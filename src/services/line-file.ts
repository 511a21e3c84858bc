/** Log files that consist of lines. */
import { closeSync, createWriteStream, fstatSync } from 'node:fs'
import { isatty } from 'node:tty'
import { LineOutput } from '../observe/line-output.js'
import { ERR, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { openForLines } from './open-file.js'

/** Queued lines for a slow disk; further ones are dropped and counted. */
const PENDING_BYTES_MAX = 8 * 1024 * 1024

/** A file that could not be written is reopened after this time, with the next line. */
const RETRY_MS = 1_000

/** An open log file. */
interface Target {
  /** Bytes not written yet. */
  readonly writableLength: number
  write(text: string): void
  end(done?: () => void): void
}

/**
 * A log file. Writing never blocks: lines that a full or slow disk, or a FIFO or terminal with a slow or missing reader,
 * does not take are dropped.
 */
export class LineFile {
  readonly #path: string
  readonly #say: Say
  /** Undefined when the file could not be opened or written. */
  #target: Target | undefined
  /** Time of the last failure, as `performance.now`. */
  #triedAtMs = 0
  /** Lines since the last `reopen`, which reports their number. */
  #dropped = 0
  /** Lines of this turn, written together at its end: a write per line costs more than the line. */
  #waiting = ''

  constructor(path: string, say: Say) {
    this.#path = path
    this.#say = say
    this.#open()
  }

  write(line: string): void {
    if (this.#target === undefined && performance.now() - this.#triedAtMs >= RETRY_MS) this.reopen()
    // UTF-16 units of the waiting text, which is close enough: lines are mostly ASCII.
    const pendingBytes = (this.#target?.writableLength ?? 0) + this.#waiting.length
    if (this.#target === undefined || pendingBytes > PENDING_BYTES_MAX) {
      if (this.#dropped++ === 0) this.#say(WARNING, `log file ${this.#path}: dropping lines`)
      return
    }
    if (this.#waiting === '') process.nextTick(() => this.#flush())
    this.#waiting += `${line}\n`
  }

  /** Opens the path again, after log rotation has moved the file. */
  reopen(): void {
    if (this.#dropped > 0) this.#say(WARNING, `log file ${this.#path}: ${this.#dropped} lines were dropped`)
    this.#flush()
    this.#dropped = 0
    // The old stream still writes its lines, to the file that was renamed.
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
      this.#fail(error)
    }
  }

  /** A file, written by libuv's thread pool; closing the stream closes the descriptor. */
  #fileAt(fd: number): Target {
    const stream = createWriteStream(this.#path, { fd })
    stream.on('error', (error) => {
      if (stream === this.#target) this.#fail(error)
    })
    return stream
  }

  #fail(error: unknown): void {
    this.#target = undefined
    this.#triedAtMs = performance.now()
    const why = error instanceof Error ? error.message : error
    this.#say(ERR, `cannot write log file ${this.#path}: ${why}`)
  }
}

/** A FIFO or terminal, written without blocking: what it does not take immediately is dropped. */
function lineOutputAt(fd: number, path: string): Target {
  const output = new LineOutput(fd, (count) => `log file ${path}: ${count} lines were dropped\n`)
  return {
    writableLength: 0,
    write: (text) => output.write(text),
    end(done) {
      closeSync(fd)
      done?.()
    },
  }
}
