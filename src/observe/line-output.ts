import { NonBlockingOutput } from '../kernel/nonblocking-output.js'

/** How long whole texts wait for a reader that reads nothing. */
const PATIENCE_MS = 5_000
const WAIT_MS = 100

/**
 * Lines for a descriptor that somebody may or may not read. What it does not take at once is dropped and counted, and
 * the count is written when there is room again.
 */
export class LineOutput {
  readonly #output: NonBlockingOutput
  readonly #noticeOf: (dropped: number) => string
  #dropped = 0
  /** What is left of a line that was taken in part. */
  #rest: Uint8Array = new Uint8Array()

  constructor(fd: number, noticeOf: (dropped: number) => string) {
    this.#output = new NonBlockingOutput(fd)
    this.#noticeOf = noticeOf
  }

  /** A line with its line end. A terminal that is gone, or a full disk, costs the line and nothing else. */
  write(line: string): void {
    try {
      // In one piece: the notice alone would find room again and again where the line does not.
      const notice = this.#dropped === 0 ? '' : this.#noticeOf(this.#dropped)
      if (this.#take(notice + line)) this.#dropped = 0
      else this.#dropped++
    } catch {
      this.#dropped++
    }
  }

  /** A text of any length, for a reader that is expected to read: waits for it, unless it reads nothing for so long. */
  writeAll(text: string, patienceMs = PATIENCE_MS): void {
    let left: Uint8Array = Buffer.concat([this.#rest, Buffer.from(text)])
    this.#rest = new Uint8Array()
    try {
      for (let waitedMs = 0; left.length > 0 && waitedMs < patienceMs; waitedMs += WAIT_MS) {
        const taken = this.#output.write(left)
        left = left.subarray(taken)
        if (taken > 0) waitedMs = -WAIT_MS
        else this.#output.waitForRoom(WAIT_MS)
      }
    } catch {
      // Nobody reads it any more.
    }
  }

  /** Whether the line was taken: all of it now, or its beginning, and then the rest goes before the next one. */
  #take(line: string): boolean {
    if (this.#rest.length > 0) this.#rest = this.#rest.subarray(this.#output.write(this.#rest))
    if (this.#rest.length > 0) return false
    const bytes = Buffer.from(line)
    const taken = this.#output.write(bytes)
    if (taken === 0) return false
    this.#rest = bytes.subarray(taken)
    return true
  }
}
