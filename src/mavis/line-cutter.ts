/** What is kept of a line; the longest in the original's log have a little more. */
const LINE_BYTES_MAX = 1_024

const LINE_END = 10

/** Cuts what a helper writes for people into lines. Holds one line's beginning, however long the line is. */
export class LineCutter {
  readonly #onLine: (text: () => string) => void
  readonly #line = new Uint8Array(LINE_BYTES_MAX)
  #byteLength = 0

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
    const roomBytes = Math.max(0, LINE_BYTES_MAX - this.#byteLength)
    this.#line.set(bytes.subarray(0, roomBytes), this.#byteLength)
    this.#byteLength = Math.min(this.#byteLength + bytes.length, LINE_BYTES_MAX + 1)
  }

  #tell(): void {
    const isCut = this.#byteLength > LINE_BYTES_MAX
    const bytes = this.#line.subarray(0, this.#byteLength)
    this.#byteLength = 0
    this.#onLine(() => `${new TextDecoder().decode(bytes)}${isCut ? '…' : ''}`)
  }
}
