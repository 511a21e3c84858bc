import type { ChildCells } from '../cells/cells.js'
import type { Boundary } from '../observe/boundary.js'
import { COUNT } from '../observe/counters.js'
import { ACCESS, KEY, LogRingReader, REMOTE } from '../observe/log-ring.js'
import { decodeEvidence, type RemoteEvidence } from '../observe/remote-evidence.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** After the last line the ring is looked at once more this much later, before the writer has to wake us. */
const LINGER_MS = 20

/** Where lines go that are not for the log. */
export interface LineSinks {
  /** Of the access log. */
  access(line: string): void
  /** Of the TLS key log. */
  key(line: string): void
  /** What sessions have seen of a remote. */
  remote(evidence: RemoteEvidence): void
}

/**
 * Carries the lines of one reactor from its ring to the log. Under load it looks every LINGER_MS and the
 * reactor posts nothing.
 */
export class LogDrain {
  readonly #reader: LogRingReader
  readonly #counters: Float64Array
  readonly #say: Say
  readonly #files: LineSinks
  readonly #boundary: Boundary
  #timer: NodeJS.Timeout | undefined
  #droppedBefore = 0

  constructor(cells: ChildCells, say: Say, files: LineSinks, boundary: Boundary) {
    this.#boundary = boundary
    this.#reader = new LogRingReader(cells)
    this.#counters = cells.counters
    this.#say = say
    this.#files = files
    this.drain()
  }

  /** The reactor has woken us, or may be gone: everything that is there is written. */
  drain(): void {
    const count = this.#carry()
    if (count === 0 && this.#reader.sleep()) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.drain()
    }, LINGER_MS)
  }

  /** Carries what is left, once the reactor writes no more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#carry()
  }

  /** Lines carried. What cannot be read is looked at again later: the next lines may be sound. */
  #carry(): number {
    let count = 1
    const carry = () => {
      count = this.#carryLines()
    }
    this.#boundary.run('the log ring of a child', carry, () => {})
    return count
  }

  #carryLines(): number {
    const lines = this.#reader.drain()
    for (const { kind, severity, text } of lines) {
      if (kind === ACCESS) this.#files.access(text)
      else if (kind === KEY) this.#files.key(text)
      else if (kind === REMOTE) this.#carryEvidence(text)
      else this.#say(severity, text)
    }
    this.#tellDropped()
    return lines.length
  }

  #carryEvidence(text: string): void {
    const evidence = decodeEvidence(text)
    if (evidence !== undefined) this.#files.remote(evidence)
  }

  #tellDropped(): void {
    const dropped = this.#counters[COUNT.logLinesDropped] as number
    // The child writes this number: of what is no sum (NaN, infinity) nothing is logged, however often it is read.
    if (!Number.isFinite(dropped) || dropped <= this.#droppedBefore) return
    this.#say(
      WARNING,
      `${dropped - this.#droppedBefore} log lines were dropped: they came faster than they were written`,
    )
    this.#droppedBefore = dropped
  }
}
