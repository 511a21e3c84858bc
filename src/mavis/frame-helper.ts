/** A helper process that answers many queries at a time, in frames with a binary head (`external-mt`). */
import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { FrameReader, type FrameReading } from '../wire/mavis-frames.js'
import { Helper } from './helper.js'
import { MISSING_SERIAL } from './helper-answer.js'
import type { HelperStarter } from './helper-starter.js'
import type { PendingQuery } from './pending-query.js'

/** Bytes queued for the helper's standard input: enough to keep it busy, and bounded if it does not read. */
const QUEUED_BYTES_MAX = 262_144

export interface FrameHelperEvents {
  /** Its standard input has room again. */
  onDrain(): void
  /** It takes no more queries. `unanswered`: its queries in order, some of which may have ended. Called once. */
  onEnd(helper: FrameHelper, unanswered: readonly PendingQuery[]): void
}

interface Sent {
  readonly pending: PendingQuery
  readonly timer: NodeJS.Timeout
  /** The helper's answers before this query was sent. */
  readonly answersBefore: number
}

export class FrameHelper {
  readonly #helper: Helper
  readonly #reader = new FrameReader()
  /** Queries that were sent and not answered, by serial. */
  readonly #sent = new Map<ByteString, Sent>()

  /** Starts the process; `starter.mayStart()` has allowed it. `timeoutMs`: for one answer. */
  constructor(starter: HelperStarter, moduleName: string, timeoutMs: number, events: FrameHelperEvents) {
    this.#helper = new Helper(starter, moduleName, timeoutMs, {
      onBytes: (bytes) => this.#onBytes(bytes),
      onDrain: () => events.onDrain(),
      onEnd: () => events.onEnd(this, this.#releaseAll()),
    })
  }

  get pid(): number | undefined {
    return this.#helper.pid
  }

  /** Settles when the process is reaped. */
  get gone(): Promise<void> {
    return this.#helper.gone
  }

  get hasRoom(): boolean {
    return this.#helper.waitingBytes < QUEUED_BYTES_MAX
  }

  /** Whether a query with this serial is open here: answers are matched by serial. */
  knows(serial: ByteString): boolean {
    return this.#sent.has(serial)
  }

  ask(pending: PendingQuery): void {
    const { serial } = pending.query
    // The time limit of the module; that of MAVIS runs in the pending query.
    const timer = setTimeout(() => this.#onLate(serial), this.#helper.timeoutMs)
    this.#sent.set(serial, { pending, timer, answersBefore: this.#helper.answeredCount })
    this.#helper.write(pending.bytes)
  }

  /** Lets the process end: closes its standard input. */
  dismiss(): void {
    this.#helper.dismiss()
  }

  /** Ends the process by SIGTERM, then SIGKILL. */
  stop(): void {
    this.#helper.stop()
  }

  #onBytes(bytes: Uint8Array): void {
    // A helper that is ending may still write.
    if (this.#helper.hasEnded) return
    for (const reading of this.#reader.push(bytes)) {
      if (this.#helper.hasEnded) return
      if (reading.kind === 'frame') this.#onFrame(reading)
      else
        this.#helper.endMisbehaved(`${reading.kind === 'too-long' ? 'answer too long' : 'malformed answer'}.`)
    }
  }

  #onFrame({ code, values }: Extract<FrameReading, { kind: 'frame' }>): void {
    const serial = values[AV.SERIAL]
    if (serial === undefined) {
      this.#helper.endMisbehaved(MISSING_SERIAL)
      return
    }
    const sent = this.#sent.get(serial)
    // Late or duplicate: logged, and no reason to end a helper that has other queries.
    if (sent === undefined) {
      this.#helper.logProblem('answer without an open query.')
      return
    }
    this.#sent.delete(serial)
    clearTimeout(sent.timer)
    sent.pending.settle(values, this.#helper.countAnswer(values, code))
  }

  /** Ends the helper only if it has answered nothing since: otherwise one query hangs, not the helper. */
  #onLate(serial: ByteString): void {
    const sent = this.#sent.get(serial)
    if (sent === undefined) return
    this.#sent.delete(serial)
    sent.pending.expire()
    if (sent.answersBefore === this.#helper.answeredCount) this.#helper.endLate()
  }

  #releaseAll(): readonly PendingQuery[] {
    const sent = [...this.#sent.values()]
    this.#sent.clear()
    for (const { timer } of sent) clearTimeout(timer)
    return sent.map(({ pending }) => pending)
  }
}
