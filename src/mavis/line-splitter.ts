/** Cuts the standard error of a helper into lines for the log. */

/** What is kept of a line; the longest in the original's log have a little more. */
const LINE_BYTES_MAX = 1_024

const LINE_END = 10

/** Holds the first LINE_BYTES_MAX bytes of one line, however long the line is and however it is split into chunks. */
export class LineSplitter {
  readonly #onLine: (text: () => string) => void
  readonly #line = new Uint8Array(LINE_BYTES_MAX)
  #byteLength = 0
  /** Bytes of this line were dropped. */
  #isCut = false

  /** `onLine` asks for the text at once, or never. */
  constructor(onLine: (text: () => string) => void) {
    this.#onLine = onLine
  }

  push(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const found = bytes.indexOf(LINE_END, from)
      const end = found < 0 ? bytes.length : found
      this.#keep(bytes.subarray(from, end))
      if (found < 0) return
      this.#tell()
      from = end + 1
    }
  }

  /** There is no more; the last line may have no end. */
  end(): void {
    if (this.#byteLength > 0) this.#tell()
  }

  #keep(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, LINE_BYTES_MAX - this.#byteLength)
    this.#line.set(kept, this.#byteLength)
    this.#byteLength += kept.length
    this.#isCut ||= kept.length < bytes.length
  }

  #tell(): void {
    const isCut = this.#isCut
    const bytes = this.#line.subarray(0, this.#byteLength)
    this.#byteLength = 0
    this.#isCut = false
    this.#onLine(() => `${new TextDecoder().decode(bytes)}${isCut ? '…' : ''}`)
  }
}
