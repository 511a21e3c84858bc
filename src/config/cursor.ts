/** The reading position of the lexer. */
import type { Position } from '../base/problem.js'

const LINE_FEED = 0x0a
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/** A position in the bytes of a file that tracks line and column; columns count characters. */
export class Cursor {
  readonly file: string
  readonly bytes: Uint8Array
  offset = 0
  #line = 1
  #column = 1

  constructor(file: string, bytes: Uint8Array) {
    this.file = file
    this.bytes = bytes
    // Windows editors write it; it is no token.
    if (BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte)) this.offset = BYTE_ORDER_MARK.length
  }

  /** The byte under the cursor, or -1 at the end of the file. */
  get byte(): number {
    return this.bytes[this.offset] ?? -1
  }

  byteAfter(distance: number): number {
    return this.bytes[this.offset + distance] ?? -1
  }

  position(): Position {
    return { file: this.file, line: this.#line, column: this.#column }
  }

  /** Consumes bytes and keeps line and column. */
  step(count = 1): void {
    for (let i = 0; i < count; i++) this.#stepOne()
  }

  #stepOne(): void {
    const byte = this.byte
    this.offset += 1
    if (byte === LINE_FEED) {
      this.#line += 1
      this.#column = 1
    } else if ((byte & 0xc0) !== 0x80) {
      this.#column += 1 // bytes 10xxxxxx continue a character
    }
  }
}
