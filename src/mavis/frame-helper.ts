import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { FrameReader, type FrameReading } from '../wire/mavis-frames.js'
import { Helper } from './helper.js'
import { MISSING_SERIAL } from './helper-answer.js'
import type { HelperStarter } from './helper-starter.js'
import type { PendingQuery } from './pending-query.js'

/** Of #pending that the helper has not taken from its pipe: enough to keep it busy. */
const WAITING_BYTES_MAX = 262_144

export interface FrameHelperEvents {
  /** It takes more #pending. */
  onDrain(): void
  /** It takes no more. `unanswered`: what it had been asked, in order; some may have ended. Told once. */
  onEnd(worker: FrameHelper, unanswered: readonly PendingQuery[]): void
}

interface Sent {
  readonly pending: PendingQuery
  readonly timer: NodeJS.Timeout
  /** How many answers there had been before. */
  readonly answersBefore: number
}

/** A helper that is asked many queries at a time. */
export class FrameHelper {
  readonly #helper: Helper
  readonly #reader = new FrameReader()
  readonly #sent = new Map<ByteString, Sent>()

  /** Starts a helper, which the starter allows. `timeoutMs`: for one answer. */
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

  /** Settles when its process is reaped. */
  get gone(): Promise<void> {
    return this.#helper.gone
  }

  get hasRoom(): boolean {
    return this.#helper.waitingBytes < WAITING_BYTES_MAX
  }

  /** Answers are told apart by the serials of their #pending. */
  knows(serial: ByteString): boolean {
    return this.#sent.has(serial)
  }

  ask(pending: PendingQuery): void {
    const { serial } = pending.query
    const timer = setTimeout(() => this.#onLate(serial), this.#helper.timeoutMs)
    this.#sent.set(serial, { pending, timer, answersBefore: this.#helper.answeredCount })
    this.#helper.write(pending.bytes)
  }

  /** It is not needed any more: it may finish. */
  dismiss(): void {
    this.#helper.dismiss()
  }

  /** It has to end, whatever it does. */
  stop(): void {
    this.#helper.stop()
  }

  #onBytes(bytes: Uint8Array): void {
    // One that was told to end may go on writing for a while.
    if (this.#helper.hasEnded) return
    for (const reading of this.#reader.push(bytes)) {
      if (this.#helper.hasEnded) return
      if (reading.kind === 'frame') this.#onFrame(reading)
      else
        this.#helper.endMisbehaved(`${reading.kind === 'too-long' ? 'too long an' : 'a malformed'} answer.`)
    }
  }

  #onFrame({ code, values }: Extract<FrameReading, { kind: 'frame' }>): void {
    const serial = values[AV.SERIAL]
    if (serial === undefined) {
      this.#helper.endMisbehaved(MISSING_SERIAL)
      return
    }
    const sent = this.#sent.get(serial)
    // An answer that comes too late, or twice: the others do not suffer from it.
    if (sent === undefined) {
      this.#helper.logProblem('answers what nobody asks (any more)')
      return
    }
    this.#sent.delete(serial)
    clearTimeout(sent.timer)
    sent.pending.settle(values, this.#helper.countAnswer(values, code))
  }

  /** Where others are answered meanwhile, one pending hangs, not the helper. */
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
