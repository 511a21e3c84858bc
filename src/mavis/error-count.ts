/** The error counter of module `error`, in memory or in a file that processes share. */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants

/** The file holds a native `int`, as the original writes it; other programs may use the same file. */
const COUNT_BYTES = 4
const COUNT_MAX = 0x7fff_ffff

/**
 * Counts in the file if there is one, so that all processes with that file count together. Updates are not atomic: two
 * at the same moment may count once. When the file fails, that is logged once, and counting continues in memory.
 */
export class ErrorCount {
  readonly #say: Say
  readonly #path: string | undefined
  readonly #bytes = Buffer.alloc(COUNT_BYTES)
  /** Descriptor of the file; undefined when it is not open. */
  #fd: number | undefined
  /** The file has failed, or the counter is closed: only `#count` is used. */
  #isBroken = false
  /** The last count, also of the file. */
  #count = 0

  constructor(path: string | undefined, say: Say) {
    this.#path = path
    this.#say = say
  }

  /** Adds one and returns the new count. */
  add(): number {
    return this.#change((count) => Math.min(count + 1, COUNT_MAX))
  }

  reset(): void {
    this.#change(() => 0)
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    this.#isBroken = true
  }

  #change(next: (count: number) => number): number {
    try {
      const fd = this.#opened()
      // The file is read each time, as other processes count in it.
      const before = fd === undefined ? this.#count : this.#read(fd)
      this.#count = next(before)
      if (fd !== undefined && this.#count !== before) this.#write(fd)
    } catch (error) {
      const why = (error as Error).message
      this.#say(WARNING, `mavis module error: cannot use ${this.#path}: ${why}; counting errors in memory`)
      this.close()
      this.#count = next(this.#count)
    }
    return this.#count
  }

  #opened(): number | undefined {
    if (this.#path === undefined || this.#isBroken) return undefined
    // O_NONBLOCK: a FIFO of that name must not block this thread. A symbolic link is refused.
    this.#fd ??= openSync(this.#path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644)
    return this.#fd
  }

  #read(fd: number): number {
    const length = readSync(fd, this.#bytes, 0, COUNT_BYTES, 0)
    return length < COUNT_BYTES ? 0 : Math.max(0, this.#bytes.readInt32LE())
  }

  #write(fd: number): void {
    this.#bytes.writeInt32LE(this.#count)
    writeSync(fd, this.#bytes, 0, COUNT_BYTES, 0)
  }
}
