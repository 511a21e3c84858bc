import type { ChildCells } from '../cells/cells.js'
import { add, COUNT } from './counters.js'
import { WARNING } from './severity.js'

/** What a line is for. */
export const LOG = 0
export const ACCESS = 1
export const KEY = 2
/** Evidence of a remote. */
export const REMOTE = 3

/** One line on its way from a reactor to the head. */
export interface RingLine {
  readonly kind: number
  readonly severity: number
  readonly text: string
}

/** Where things lie in the head of a ring. Positions count bytes, modulo twice the size of the ring. */
const WRITTEN = 0
const READ = 1
const IS_READER_ASLEEP = 2

/** u16 length of the text, u8 kind, u8 severity. */
const RECORD_HEAD_BYTES = 4
/** Longer lines are cut: what strangers put into one has to be cut before, or the end is lost. */
export const LINE_BYTES_MAX = 4096

/** Twice the size tells a full ring from an empty one. */
function wrapped(position: number, size: number): number {
  return position >= size * 2 ? position - size * 2 : position
}

function filled(head: Int32Array, size: number): number {
  const bytes = Atomics.load(head, WRITTEN) - Atomics.load(head, READ)
  return bytes < 0 ? bytes + size * 2 : bytes
}

function isPosition(value: number, size: number): boolean {
  return value >= 0 && value < size * 2
}

/**
 * The writing end: one thread. A line that does not fit is dropped and counted; the data path never waits for
 * a log. `wake` is called when the reader sleeps.
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
    Atomics.store(this.#head, WRITTEN, wrapped(position + total, size))
    if (Atomics.exchange(this.#head, IS_READER_ASLEEP, 0) === 1) this.#wake()
  }

  #copyIn(record: Uint8Array, total: number, at: number): void {
    const first = Math.min(total, this.#bytes.length - at)
    this.#bytes.set(record.subarray(0, first), at)
    if (first < total) this.#bytes.set(record.subarray(first, total), 0)
  }
}

/** The reading end: the head's control thread. */
export class LogRingReader {
  readonly #head: Int32Array
  readonly #bytes: Buffer

  constructor(cells: ChildCells) {
    this.#head = cells.ringHead
    const { buffer, byteLength, byteOffset } = cells.ringBytes
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength)
  }

  /** The lines written so far. */
  drain(): RingLine[] {
    const lines: RingLine[] = []
    const size = this.#bytes.length
    let left = filled(this.#head, size)
    let position = Atomics.load(this.#head, READ)
    const isSound = isPosition(position, size) && isPosition(Atomics.load(this.#head, WRITTEN), size)
    if (!isSound || left > size) return this.#startOver()
    while (left > 0) {
      const written = this.#byte(position) | (this.#byte(position + 1) << 8)
      if (RECORD_HEAD_BYTES + written > left) return [...lines, ...this.#startOver()]
      const kind = this.#byte(position + 2)
      const severity = this.#byte(position + 3)
      lines.push({ kind, severity, text: this.#text((position + RECORD_HEAD_BYTES) % size, written) })
      position = wrapped(position + RECORD_HEAD_BYTES + written, size)
      left -= RECORD_HEAD_BYTES + written
    }
    Atomics.store(this.#head, READ, position)
    return lines
  }

  /** A child may run as another user and write what it likes into its ring: it cannot harm its reader. */
  #startOver(): RingLine[] {
    const writtenTo = Atomics.load(this.#head, WRITTEN)
    Atomics.store(this.#head, READ, isPosition(writtenTo, this.#bytes.length) ? writtenTo : 0)
    if (!isPosition(writtenTo, this.#bytes.length)) Atomics.store(this.#head, WRITTEN, 0)
    return [{ kind: LOG, severity: WARNING, text: 'the log ring of a child is broken: its lines are lost' }]
  }

  /** Asks the writer to wake the reader for the next line. False when lines came meanwhile: drain again. */
  sleep(): boolean {
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
    // A character may lie across the end.
    return Buffer.concat([bytes.subarray(at), bytes.subarray(0, beyond)]).toString()
  }
}
