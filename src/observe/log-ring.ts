/** The log ring: lines from a reactor to the control thread through shared memory, without locks. */
import type { ChildCells } from '../cells/cells.js'
import { add, COUNT } from './counters.js'
import { SEVERITIES } from './severity.js'

/** Kinds of lines: for the log, for the access log, for the TLS key log. */
export const LOG = 0
export const ACCESS = 1
export const KEY = 2
/** Evidence about a remote (`remote-evidence.ts`). */
export const REMOTE = 3

/** One line on its way from a reactor to the head. */
export interface RingLine {
  readonly kind: number
  readonly severity: number
  readonly text: string
}

/** Indexes in the ring's header. Positions count bytes, modulo twice the size of the ring. */
const WRITTEN = 0
const READ = 1
/** 1 while the reader sleeps; the writer resets it and wakes the reader. */
const IS_READER_ASLEEP = 2

/** u16 length of the text, u8 kind, u8 severity. */
const RECORD_HEAD_BYTES = 4
/** Longer lines are truncated, so fields that peers control are truncated first, or the end of the line is lost. */
export const LINE_BYTES_MAX = 4096

/** A fill level that is not one: no line fits, and none can be read. */
const BROKEN = Number.POSITIVE_INFINITY

/** Positions wrap at twice the size, so that a full ring differs from an empty one. */
function wrapped(position: number, size: number): number {
  return position >= size * 2 ? position - size * 2 : position
}

/** Bytes between two positions; BROKEN when the positions are invalid. */
function between(written: number, read: number, size: number): number {
  const bytes = written < read ? written - read + size * 2 : written - read
  return isPosition(written, size) && isPosition(read, size) && bytes <= size ? bytes : BROKEN
}

function filled(head: Int32Array, size: number): number {
  return between(Atomics.load(head, WRITTEN), Atomics.load(head, READ), size)
}

function isPosition(value: number, size: number): boolean {
  return value >= 0 && value < size * 2
}

/**
 * The writer: one thread. A line that does not fit is dropped and counted; the data path never waits for the log.
 * `wake` is called when the reader sleeps.
 */
export class LogRingWriter {
  readonly #head: Int32Array
  readonly #bytes: Uint8Array
  readonly #counters: Float64Array
  readonly #wake: () => void
  readonly #record = new Uint8Array(RECORD_HEAD_BYTES + LINE_BYTES_MAX)
  readonly #text = this.#record.subarray(RECORD_HEAD_BYTES)
  readonly #encoder = new TextEncoder()

  constructor(cells: ChildCells, wake: () => void) {
    this.#head = cells.ringHead
    this.#bytes = cells.ringBytes
    this.#counters = cells.counters
    this.#wake = wake
  }

  /** Writes a line. A text of more than LINE_BYTES_MAX is truncated between characters. */
  write(kind: number, severity: number, text: string): void {
    const record = this.#record
    const { written } = this.#encoder.encodeInto(text, this.#text)
    record[0] = written & 0xff
    record[1] = written >> 8
    record[2] = kind
    record[3] = severity
    const size = this.#bytes.length
    const total = RECORD_HEAD_BYTES + written
    if (filled(this.#head, size) + total > size) {
      add(this.#counters, COUNT.logLinesDropped, 1)
      return
    }
    const position = Atomics.load(this.#head, WRITTEN)
    this.#copyIn(record, total, position % size)
    // After the record, because the reader reads everything up to this position.
    Atomics.store(this.#head, WRITTEN, wrapped(position + total, size))
    if (Atomics.exchange(this.#head, IS_READER_ASLEEP, 0) === 1) this.#wake()
  }

  #copyIn(record: Uint8Array, total: number, at: number): void {
    const first = Math.min(total, this.#bytes.length - at)
    this.#bytes.set(record.subarray(0, first), at)
    if (first < total) this.#bytes.set(record.subarray(first, total), 0)
  }
}

/** The reader: the head's control thread. */
export class LogRingReader {
  readonly #head: Int32Array
  readonly #bytes: Buffer
  #brokenCount = 0
  #textBytes = 0

  constructor(cells: ChildCells) {
    this.#head = cells.ringHead
    const { buffer, byteLength, byteOffset } = cells.ringBytes
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength)
  }

  /** How often the ring was corrupt, which only a compromised child causes. */
  get brokenCount(): number {
    return this.#brokenCount
  }

  /** Reads the lines written so far, `linesMax` at most. */
  drain(linesMax = Number.POSITIVE_INFINITY): RingLine[] {
    const lines: RingLine[] = []
    const size = this.#bytes.length
    // A compromised child can write at any time: each word is read once, then checked.
    const end = Atomics.load(this.#head, WRITTEN)
    let position = Atomics.load(this.#head, READ)
    let left = between(end, position, size)
    while (left > 0 && lines.length < linesMax) {
      const line = this.#lineAt(position, left)
      if (line === undefined) {
        this.#startOver(end)
        return lines
      }
      const byteCount = RECORD_HEAD_BYTES + this.#textBytes
      lines.push(line)
      position = wrapped(position + byteCount, size)
      left -= byteCount
    }
    Atomics.store(this.#head, READ, position)
    return lines
  }

  /** The line at a position, undefined if it is invalid. Stores the length of its text in `#textBytes`. */
  #lineAt(position: number, left: number): RingLine | undefined {
    if (left === BROKEN) return undefined
    const byteCount = this.#byte(position) | (this.#byte(position + 1) << 8)
    const kind = this.#byte(position + 2)
    const severity = this.#byte(position + 3)
    const isLine = byteCount <= LINE_BYTES_MAX && kind <= REMOTE && severity < SEVERITIES.length
    if (!isLine || RECORD_HEAD_BYTES + byteCount > left) return undefined
    const at = (position + RECORD_HEAD_BYTES) % this.#bytes.length
    this.#textBytes = byteCount
    return { kind, severity, text: this.#text(at, byteCount) }
  }

  /** Empties a corrupt ring, so that it takes lines again. */
  #startOver(end: number): void {
    this.#brokenCount++
    const isSound = isPosition(end, this.#bytes.length)
    if (!isSound) Atomics.store(this.#head, WRITTEN, 0)
    Atomics.store(this.#head, READ, isSound ? end : 0)
  }

  /** Asks the writer to call `wake` for the next line. False when lines have arrived meanwhile: drain again. */
  sleep(): boolean {
    // Before the check: a line that is written in between either is found by it or causes a wake-up.
    Atomics.store(this.#head, IS_READER_ASLEEP, 1)
    return filled(this.#head, this.#bytes.length) === 0
  }

  #byte(position: number): number {
    return this.#bytes[position % this.#bytes.length] as number
  }

  #text(at: number, count: number): string {
    const bytes = this.#bytes
    const beyond = at + count - bytes.length
    if (beyond <= 0) return bytes.toString('utf8', at, at + count)
    // A character may wrap around the end.
    return Buffer.concat([bytes.subarray(at), bytes.subarray(0, beyond)]).toString()
  }
}
