import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { FrameReader, type FrameReading } from '../wire/mavis-frames.js'
import { answerCode, codeTrouble, MISSING_SERIAL, signAnswer } from './helper-answer.js'
import type { HelperProcess } from './helper-process.js'
import type { HelperEnd, HelperStarter } from './helper-starter.js'
import type { OpenQuestion } from './open-question.js'

/** Of questions that the helper has not taken from its pipe: enough to keep it busy. */
const WAITING_BYTES_MAX = 262_144

export interface FrameWorkerEvents {
  /** It takes more questions. */
  onRoom(): void
  /** It takes no more. `unanswered`: what it had been asked, in order; some may have ended. Told once. */
  onOver(unanswered: readonly OpenQuestion[]): void
}

interface Sent {
  readonly question: OpenQuestion
  readonly timer: NodeJS.Timeout
  /** How many answers there had been before. */
  readonly answersBefore: number
}

/** A helper that is asked many questions at a time. */
export class FrameWorker {
  readonly #starter: HelperStarter
  readonly #moduleName: string
  /** For one answer. */
  readonly #timeoutMs: number
  readonly #events: FrameWorkerEvents
  readonly #helper: HelperProcess
  readonly #reader = new FrameReader()
  readonly #sent = new Map<ByteString, Sent>()
  #answeredCount = 0
  #isOver = false

  /** Undefined: helpers die too soon. */
  static start(
    starter: HelperStarter,
    moduleName: string,
    timeoutMs: number,
    events: FrameWorkerEvents,
  ): FrameWorker | undefined {
    let worker: FrameWorker | undefined
    const helper = starter.start({
      onBytes: (bytes) => worker?.onBytes(bytes),
      onRoom: () => events.onRoom(),
      onOver: () => worker?.end('died'),
    })
    if (helper !== undefined) worker = new FrameWorker(starter, helper, moduleName, timeoutMs, events)
    return worker
  }

  private constructor(
    starter: HelperStarter,
    helper: HelperProcess,
    moduleName: string,
    timeoutMs: number,
    events: FrameWorkerEvents,
  ) {
    this.#starter = starter
    this.#helper = helper
    this.#moduleName = moduleName
    this.#timeoutMs = timeoutMs
    this.#events = events
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

  /** Answers are told apart by the serials of their questions. */
  knows(serial: ByteString): boolean {
    return this.#sent.has(serial)
  }

  ask(question: OpenQuestion): void {
    const { serial } = question.query
    const timer = setTimeout(() => this.#onLate(serial), this.#timeoutMs)
    this.#sent.set(serial, { question, timer, answersBefore: this.#answeredCount })
    this.#helper.write(question.bytes)
  }

  /** It is not needed any more: it may finish. */
  dismiss(): void {
    this.#helper.finish()
    this.end('dismissed')
  }

  /** It has to end, whatever it does. */
  stop(): void {
    this.#helper.stop()
    this.end('dismissed')
  }

  onBytes(bytes: Uint8Array): void {
    for (const reading of this.#reader.push(bytes)) {
      if (this.#isOver) return
      if (reading.kind === 'frame') this.#onFrame(reading)
      else
        this.#misbehave(`${reading.kind === 'too-long' ? 'too long an' : 'a malformed'} answer. Terminating.`)
    }
  }

  end(end: HelperEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    const sent = [...this.#sent.values()]
    this.#sent.clear()
    for (const { timer } of sent) clearTimeout(timer)
    if (end !== 'dismissed') this.#helper.stop()
    this.#starter.ended(this.#helper, end, this.#answeredCount)
    this.#events.onOver(sent.map(({ question }) => question))
  }

  #onFrame({ code, values }: Extract<FrameReading, { kind: 'frame' }>): void {
    const serial = values[AV.SERIAL]
    if (serial === undefined) {
      this.#misbehave(MISSING_SERIAL)
      return
    }
    const sent = this.#sent.get(serial)
    // An answer that comes too late, or twice: the others do not suffer from it.
    if (sent === undefined) {
      this.#starter.complain(this.#helper, 'answers what nobody asks (any more)')
      return
    }
    this.#sent.delete(serial)
    clearTimeout(sent.timer)
    this.#answeredCount++
    const answer = answerCode(code)
    const codeProblem = codeTrouble(code)
    if (codeProblem !== undefined) this.#starter.complain(this.#helper, codeProblem)
    signAnswer(values, answer, this.#moduleName)
    sent.question.settle(values, answer)
  }

  /** Where others are answered meanwhile, one question hangs, not the helper. */
  #onLate(serial: ByteString): void {
    const sent = this.#sent.get(serial)
    if (sent === undefined) return
    this.#sent.delete(serial)
    sent.question.expire()
    if (sent.answersBefore < this.#answeredCount) return
    this.#starter.complain(this.#helper, `no answer within ${this.#timeoutMs / 1_000} s. Terminating.`)
    this.end('late')
  }

  #misbehave(how: string): void {
    this.#starter.complain(this.#helper, how)
    this.end('misbehaved')
  }
}
