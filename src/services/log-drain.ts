import type { ChildCells } from '../cells/cells.js'
import type { Boundary } from '../observe/boundary.js'
import { COUNT, countIn } from '../observe/counters.js'
import { ACCESS, KEY, LogRingReader, REMOTE } from '../observe/log-ring.js'
import { decodeEvidence, type RemoteEvidence } from '../observe/remote-evidence.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** After the last line the ring is looked at once more this much later, before the writer has to wake us. */
const LINGER_MS = 20

/** Lines in one turn: half a million a second, and a ring full of empty ones does not hold up other children. */
const LINES_PER_DRAIN = 10_000

/** What a child does wrong is reported at this rhythm. */
const TELL_EVERY_MS = 1_000

/** Where lines go that are not for the log. */
export interface LineSinks {
  /** Of the access log. */
  access(line: string): void
  /** Of the TLS key log. */
  key(line: string): void
  /** What sessions have seen of a remote. */
  remote(evidence: RemoteEvidence): void
}

/** How the reader of a ring names its writer, and how much it takes from it. */
export interface DrainLimits {
  readonly writer: string
  /** Lines for the log that are carried on within a second: a child that was taken over must not fill the disk. */
  readonly logLinesPerSecond: number
}

const NO_LIMITS: DrainLimits = { writer: 'this process', logLinesPerSecond: Number.POSITIVE_INFINITY }

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
  readonly #limits: DrainLimits
  #timer: NodeJS.Timeout | undefined
  #droppedBefore = 0
  #brokenBefore = 0
  /** Since when lines for the log are counted. */
  #sinceMs = Number.NEGATIVE_INFINITY
  #logLines = 0
  #suppressed = 0
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(cells: ChildCells, say: Say, files: LineSinks, boundary: Boundary, limits = NO_LIMITS) {
    this.#boundary = boundary
    this.#reader = new LogRingReader(cells)
    this.#counters = cells.counters
    this.#say = say
    this.#files = files
    this.#limits = limits
    this.#drain()
  }

  /** The reactor has woken us: everything that is there is written, now or by the timer that runs. */
  drain(): void {
    if (this.#timer === undefined) this.#drain()
  }

  /** Carries what is left, once the reactor writes no more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#carry(Number.POSITIVE_INFINITY)
    this.#tellTrouble()
  }

  #drain(): void {
    const count = this.#carry(LINES_PER_DRAIN)
    if (count === 0 && !this.#hasTrouble() && this.#reader.sleep()) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#drain()
    }, LINGER_MS)
  }

  /** Lines carried, at most `linesMax`. What cannot be read is looked at again later: the next lines may be sound. */
  #carry(linesMax: number): number {
    let count = 1
    const carry = () => {
      count = this.#carryLines(linesMax)
    }
    this.#boundary.run('the log ring of a child', carry, () => {})
    return count
  }

  #carryLines(linesMax: number): number {
    const lines = this.#reader.drain(linesMax)
    for (const { kind, severity, text } of lines) {
      if (kind === ACCESS) this.#files.access(text)
      else if (kind === KEY) this.#files.key(text)
      else if (++this.#logLines > this.#limits.logLinesPerSecond) this.#suppressed++
      else if (kind === REMOTE) this.#carryEvidence(text)
      else this.#say(severity, text)
    }
    this.#tellOfSecond()
    return lines.length
  }

  /** Evidence that cannot be decoded is ignored: only a child that broke the rules writes it. */
  #carryEvidence(text: string): void {
    const evidence = decodeEvidence(text)
    if (evidence !== undefined) this.#files.remote(evidence)
  }

  #tellOfSecond(): void {
    const nowMs = performance.now()
    if (nowMs - this.#sinceMs >= TELL_EVERY_MS) {
      this.#sinceMs = nowMs
      this.#logLines = 0
    }
    if (nowMs - this.#toldMs >= TELL_EVERY_MS && this.#hasTrouble()) {
      this.#toldMs = nowMs
      this.#tellTrouble()
    }
  }

  #hasTrouble(): boolean {
    const isDropping = countIn(this.#counters, COUNT.logLinesDropped) !== this.#droppedBefore
    return isDropping || this.#suppressed > 0 || this.#reader.brokenCount > this.#brokenBefore
  }

  #tellTrouble(): void {
    const { logLinesPerSecond, writer } = this.#limits
    const dropped = countIn(this.#counters, COUNT.logLinesDropped)
    const newlyDropped = dropped - this.#droppedBefore
    this.#droppedBefore = dropped
    if (newlyDropped > 0)
      this.#say(WARNING, `${newlyDropped} log lines were dropped: they came faster than they were written`)
    if (this.#suppressed > 0)
      this.#say(
        WARNING,
        `${this.#suppressed} log lines of ${writer} were suppressed: more than ${logLinesPerSecond} in a second`,
      )
    this.#suppressed = 0
    if (this.#reader.brokenCount > this.#brokenBefore)
      this.#say(WARNING, `the log ring of ${writer} was corrupt: lines in it are lost`)
    this.#brokenBefore = this.#reader.brokenCount
  }
}
