import type { ByteString } from '../base/byte-string.js'
import { AnswerReader, type HelperAnswer } from '../wire/mavis-answer.js'
import { Helper } from './helper.js'
import { serialTrouble, shown } from './helper-answer.js'
import type { HelperStarter } from './helper-starter.js'
import type { OpenQuestion } from './pending-query.js'

export interface WorkerEvents {
  /** It has answered, and takes the next question. */
  onFree(worker: Worker): void
  /** It takes no more. `unanswered`: the question that it had, which may have ended meanwhile. Told once. */
  onOver(worker: Worker, unanswered: OpenQuestion | undefined): void
}

interface Task {
  readonly question: OpenQuestion
  readonly serial: ByteString
  readonly timer: NodeJS.Timeout
}

/** A helper that is asked one question at a time. */
export class Worker {
  readonly #events: WorkerEvents
  readonly #helper: Helper
  readonly #reader = new AnswerReader()
  #task: Task | undefined

  /** Starts a helper, which the starter allows. `timeoutMs`: for one answer. */
  constructor(starter: HelperStarter, moduleName: string, timeoutMs: number, events: WorkerEvents) {
    this.#events = events
    this.#helper = new Helper(starter, moduleName, timeoutMs, {
      onBytes: (bytes) => this.#onBytes(bytes),
      onRoom() {},
      onOver: () => events.onOver(this, this.#release()),
    })
  }

  get pid(): number | undefined {
    return this.#helper.pid
  }

  /** Settles when its process is reaped. */
  get gone(): Promise<void> {
    return this.#helper.gone
  }

  /** It waits for the answer to nothing. */
  ask(question: OpenQuestion): void {
    const { serial } = question.query
    const timer = setTimeout(() => this.#onLate(question), this.#helper.timeoutMs)
    this.#task = { question, serial, timer }
    this.#helper.write(question.bytes)
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
    if (this.#helper.isOver) return
    if (this.#task === undefined) {
      this.#helper.endMisbehaved('answers what nobody has asked.')
      return
    }
    const reading = this.#reader.push(bytes)
    if (reading.kind === 'answer') this.#onAnswer(this.#task, reading)
    else if (reading.kind !== 'need-more') this.#onUnreadable(this.#task, reading.kind)
  }

  #onAnswer({ question, serial }: Task, { code, surplusBytes, values }: HelperAnswer): void {
    const trouble = serialTrouble(values, serial)
    if (trouble !== undefined) {
      this.#helper.endMisbehaved(trouble)
      return
    }
    this.#release()
    const answer = this.#helper.countAnswer(values, code)
    if (surplusBytes > 0) this.#helper.endMisbehaved('answers what nobody has asked.')
    else this.#events.onFree(this)
    question.settle(values, answer)
  }

  #onUnreadable({ question }: Task, kind: 'too-long' | 'malformed'): void {
    const what = kind === 'too-long' ? 'too long an answer' : 'a malformed answer'
    const where = kind === 'too-long' ? '' : `: '${shown(this.#reader.badLine)}'`
    question.fail(`a helper gives ${what}`)
    this.#helper.endMisbehaved(`${what}${where}.`)
  }

  #onLate(question: OpenQuestion): void {
    question.expire()
    this.#helper.endLate()
  }

  #release(): OpenQuestion | undefined {
    const task = this.#task
    clearTimeout(task?.timer)
    this.#task = undefined
    this.#reader.clear()
    return task?.question
  }
}
