/** Timeouts in the units of the system calls that wait. */
import { mapPrivate } from '../kernel/memory.js'

/** 100 µs: a stream of 1 GB/s delivers 100 KB in that time, enough to be worth a receive. */
const BRIEF_WAIT_NS = 100_000

/** The longest timeout that all three system calls accept (a C int); the loop waits again after it. */
const TIMEOUT_MAX_MS = 0x7fff_ffff

/** Whole milliseconds, rounded up; Infinity is returned unchanged. */
export function wholeMs(timeoutMs: number): number {
  return timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : Math.ceil(Math.min(timeoutMs, TIMEOUT_MAX_MS))
}

/** struct timespec: seconds and nanoseconds as 64-bit integers; both stay below 2^31, so the high words remain 0. */
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

  /** The timeout of `waitBriefly`. */
  setBrief(): void {
    this.#words[0] = 0
    this.#words[2] = BRIEF_WAIT_NS
  }
}
