import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants

/** As the original writes it: an `int` of this machine, which other programs may share. */
const COUNT_BYTES = 4
const COUNT_MAX = 0x7fff_ffff

/**
 * A number that all processes with the same file count together; without a file, this one alone. Two that count at the
 * same moment may count once. A file that fails is told once, and what comes then is counted here.
 */
export class ErrorCount {
  readonly #say: Say
  readonly #path: string | undefined
  readonly #bytes = Buffer.alloc(COUNT_BYTES)
  /** Of the file; undefined: it is not open. */
  #fd: number | undefined
  #isBroken = false
  #count = 0

  constructor(path: string | undefined, say: Say) {
    this.#path = path
    this.#say = say
  }

  /** One more; answers how many there are now. */
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
      const before = fd === undefined ? this.#count : this.#read(fd)
      this.#count = next(before)
      if (fd !== undefined && this.#count !== before) this.#write(fd)
    } catch (error) {
      this.#say(WARNING, `mavis module error: errors are not counted in a file: ${(error as Error).message}`)
      this.close()
      this.#count = next(this.#count)
    }
    return this.#count
  }

  #opened(): number | undefined {
    if (this.#path === undefined || this.#isBroken) return undefined
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
