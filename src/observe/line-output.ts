/** Non-blocking output of lines to a descriptor whose reader may be slow or missing. */
import { NonBlockingOutput } from '../kernel/nonblocking-output.js'

/** Limit of the lines kept for a slow reader: some hundreds of lines. */
const KEPT_BYTES_MAX = 64 * 1024

/** How long `writeAll` waits for a reader that reads nothing, and how long for room per try. */
const PATIENCE_MS = 5_000
const WAIT_MS = 100

/**
 * Writes lines to a pipe, terminal or file without blocking. A line that does not fit is dropped and counted; the
 * count is written before the next line that fits.
 */
export class LineOutput {
  readonly #output: NonBlockingOutput
  readonly #noticeOf: (dropped: number) => string
  #dropped = 0
  #kept: string[] = []
  #keptBytes = 0
  /** The unwritten rest of a partially written line. */
  #rest: Uint8Array = new Uint8Array()

  constructor(fd: number, noticeOf: (dropped: number) => string) {
    this.#output = new NonBlockingOutput(fd)
    this.#noticeOf = noticeOf
  }

  /** Writes a line, which includes its line end. Errors (closed terminal, full disk) drop the line. */
  write(line: string): void {
    if (!this.writeKept() || this.#takeWithNotice(line) !== 'taken') this.#dropped++
  }

  /**
   * Like `write`, but a line that is not taken at once is kept for `writeKept`: a burst of other lines must not cost the
   * few that matter. Returns whether lines are kept.
   */
  writeOrKeep(line: string): boolean {
    const outcome = this.writeKept() ? this.#takeWithNotice(line) : 'full'
    if (outcome === 'taken') return false
    const byteLength = Buffer.byteLength(line)
    if (outcome === 'failed' || this.#keptBytes + byteLength > KEPT_BYTES_MAX) {
      this.#dropped++
      return this.#kept.length > 0
    }
    this.#kept.push(line)
    this.#keptBytes += byteLength
    return true
  }

  /** Writes kept lines as far as there is room, and drops them on errors. Returns whether none is left. */
  writeKept(): boolean {
    while (this.#kept.length > 0) {
      const [line = ''] = this.#kept
      const outcome = this.#takeWithNotice(line)
      if (outcome === 'full') return false
      if (outcome === 'failed') this.#dropped++
      this.#kept.shift()
      this.#keptBytes -= Buffer.byteLength(line)
    }
    return true
  }

  #takeWithNotice(line: string): 'taken' | 'full' | 'failed' {
    try {
      // In one piece: the notice is short and would fit, and repeat, where the line does not.
      const notice = this.#dropped === 0 ? '' : this.#noticeOf(this.#dropped)
      if (!this.#take(notice + line)) return 'full'
      this.#dropped = 0
      return 'taken'
    } catch {
      return 'failed'
    }
  }

  /** Writes a text of any length, waiting for the reader; gives up when it reads nothing for `patienceMs`. */
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
      // The reader has closed the descriptor.
    }
  }

  /** True when the line was written, or its beginning was; then the rest precedes the next line. */
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
