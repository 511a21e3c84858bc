/** Carries log lines from a reactor's ring in shared memory to the log and its files. */
import type { ChildCells } from '../cells/cells.js'
import type { Boundary } from '../observe/boundary.js'
import { COUNT, countIn } from '../observe/counters.js'
import { ACCESS, KEY, LogRingReader, REMOTE } from '../observe/log-ring.js'
import { decodeEvidence, type RemoteEvidence } from '../observe/remote-evidence.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** The ring is polled at this interval until it is empty; then the writer wakes the reader. */
const LINGER_MS = 20

/** Lines in one turn: half a million per second, without starving other children. */
const LINES_PER_DRAIN = 10_000

/** Rate limit of this file's own warnings. */
const REPORT_EVERY_MS = 1_000

/** Sinks for lines that do not go to the log. */
export interface LineSinks {
  /** Lines of the access log. */
  access(line: string): void
  /** Lines of the TLS key log. */
  key(line: string): void
  /** What sessions observed of a remote. */
  remote(evidence: RemoteEvidence): void
}

/** The writer's name in warnings, and how many lines are accepted from it. */
export interface DrainLimits {
  readonly writer: string
  /** Lines for the log per second; further ones are suppressed, so that a compromised child cannot fill the disk. */
  readonly logLinesPerSecond: number
}

const NO_LIMITS: DrainLimits = { writer: 'this process', logLinesPerSecond: Number.POSITIVE_INFINITY }

/** Drains the ring of one reactor. Under load it polls, and the reactor need not wake it. */
export class LogDrain {
  readonly #reader: LogRingReader
  readonly #counters: Float64Array
  readonly #say: Say
  readonly #sinks: LineSinks
  readonly #boundary: Boundary
  readonly #limits: DrainLimits
  #timer: NodeJS.Timeout | undefined
  /** Counts of dropped lines and broken records at the last report. */
  #droppedBefore = 0
  #brokenBefore = 0
  /** Start of the second in which log lines are counted. */
  #sinceMs = Number.NEGATIVE_INFINITY
  #logLines = 0
  #suppressed = 0
  #reportedMs = Number.NEGATIVE_INFINITY

  constructor(cells: ChildCells, say: Say, sinks: LineSinks, boundary: Boundary, limits = NO_LIMITS) {
    this.#boundary = boundary
    this.#reader = new LogRingReader(cells)
    this.#counters = cells.counters
    this.#say = say
    this.#sinks = sinks
    this.#limits = limits
    this.#drain()
  }

  /** The reactor has woken us: drains now, unless the timer will. */
  drain(): void {
    if (this.#timer === undefined) this.#drain()
  }

  /** Drains the rest, once the reactor has stopped writing. */
  close(): void {
    clearTimeout(this.#timer)
    this.#carry(Number.POSITIVE_INFINITY)
    this.#reportProblems()
  }

  #drain(): void {
    const count = this.#carry(LINES_PER_DRAIN)
    // `sleep` is false if the reactor has written meanwhile.
    if (count === 0 && !this.#hasProblems() && this.#reader.sleep()) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#drain()
    }, LINGER_MS)
  }

  /** Carries up to `linesMax` lines and returns their number. After an exception it is retried later. */
  #carry(linesMax: number): number {
    // After an exception it is not 0, so that `#drain` polls again instead of waiting to be woken.
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
      if (kind === ACCESS) this.#sinks.access(text)
      else if (kind === KEY) this.#sinks.key(text)
      else if (++this.#logLines > this.#limits.logLinesPerSecond) this.#suppressed++
      else if (kind === REMOTE) this.#carryEvidence(text)
      else this.#say(severity, text)
    }
    this.#endSecond()
    return lines.length
  }

  /** Malformed evidence is ignored: only a faulty or compromised child writes it. */
  #carryEvidence(text: string): void {
    const evidence = decodeEvidence(text)
    if (evidence !== undefined) this.#sinks.remote(evidence)
  }

  #endSecond(): void {
    const nowMs = performance.now()
    if (nowMs - this.#sinceMs >= REPORT_EVERY_MS) {
      this.#sinceMs = nowMs
      this.#logLines = 0
    }
    if (nowMs - this.#reportedMs >= REPORT_EVERY_MS && this.#hasProblems()) {
      this.#reportedMs = nowMs
      this.#reportProblems()
    }
  }

  #hasProblems(): boolean {
    const isDropping = countIn(this.#counters, COUNT.logLinesDropped) !== this.#droppedBefore
    return isDropping || this.#suppressed > 0 || this.#reader.brokenCount > this.#brokenBefore
  }

  #reportProblems(): void {
    const { logLinesPerSecond, writer } = this.#limits
    const dropped = countIn(this.#counters, COUNT.logLinesDropped)
    const newlyDropped = dropped - this.#droppedBefore
    this.#droppedBefore = dropped
    if (newlyDropped > 0) this.#say(WARNING, `${newlyDropped} log lines were dropped: the log ring was full`)
    if (this.#suppressed > 0)
      this.#say(
        WARNING,
        `${this.#suppressed} log lines of ${writer} were dropped: more than ${logLinesPerSecond} per second`,
      )
    this.#suppressed = 0
    if (this.#reader.brokenCount > this.#brokenBefore)
      this.#say(WARNING, `the log ring of ${writer} was corrupt: its lines were dropped`)
    this.#brokenBefore = this.#reader.brokenCount
  }
}
