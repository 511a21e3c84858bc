import { mapPrivate } from '../kernel/memory.js'

/** What a stream of a gigabyte a second brings meanwhile is worth a system call. */
const BRIEF_WAIT_NS = 100_000

/** The longest wait that all system calls can express; the loop simply waits again. */
const TIMEOUT_MAX_MS = 0x7fff_ffff

/** Whole milliseconds, rounded up; Infinity stays. */
export function wholeMs(timeoutMs: number): number {
  return timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : Math.ceil(Math.min(timeoutMs, TIMEOUT_MAX_MS))
}

/** struct timespec: two 64-bit numbers, seconds and nanoseconds, each less than 2^31 here. */
export class Timespec {
  readonly pointer: bigint
  readonly #words: Int32Array

  constructor() {
    const { bytes, pointer } = mapPrivate(16)
    this.pointer = pointer
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, 4)
  }

  setMs(wholeMs: number): void {
    this.#words[0] = Math.trunc(wholeMs / 1000)
    this.#words[2] = (wholeMs % 1000) * 1e6
  }

  /** A moment, which is not worth a whole millisecond. */
  setBrief(): void {
    this.#words[0] = 0
    this.#words[2] = BRIEF_WAIT_NS
  }
}
