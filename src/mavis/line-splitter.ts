/** Splits the standard error of a helper into lines for the log. */

/** Longer lines are cut: about the longest line in the original's log. */
const LINE_BYTES_MAX = 1_024

const LINE_END = 10

/** Holds the first LINE_BYTES_MAX bytes of one line, however long the line is and however it is split into chunks. */
export class LineSplitter {
  readonly #onLine: (text: () => string) => void
  /** Reused for every line: memory does not depend on what a helper writes. */
  readonly #line = new Uint8Array(LINE_BYTES_MAX)
  #byteLength = 0
  /** The current line was longer than the limit. */
  #isCut = false

  /** `onLine` must call `text` immediately or not at all: the buffer is reused. */
  constructor(onLine: (text: () => string) => void) {
    this.#onLine = onLine
  }

  push(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const found = bytes.indexOf(LINE_END, from)
      const end = found < 0 ? bytes.length : found
      this.#keep(bytes.subarray(from, end))
      if (found < 0) return
      this.#emit()
      from = end + 1
    }
  }

  /** The end of the stream: emits a last line without a line end. */
  end(): void {
    if (this.#byteLength > 0) this.#emit()
  }

  #keep(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, LINE_BYTES_MAX - this.#byteLength)
    this.#line.set(kept, this.#byteLength)
    this.#byteLength += kept.length
    this.#isCut ||= kept.length < bytes.length
  }

  #emit(): void {
    const isCut = this.#isCut
    const bytes = this.#line.subarray(0, this.#byteLength)
    this.#byteLength = 0
    this.#isCut = false
    this.#onLine(() => `${new TextDecoder().decode(bytes)}${isCut ? '…' : ''}`)
  }
}
