import type { ByteString } from '../base/byte-string.js'
import { AnswerReader, type HelperAnswer } from '../wire/mavis-answer.js'
import { answerCode, codeTrouble, serialTrouble, shown, signAnswer } from './helper-answer.js'
import type { HelperProcess } from './helper-process.js'
import type { HelperEnd, HelperStarter } from './helper-starter.js'
import type { OpenQuestion } from './open-question.js'

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
  readonly #starter: HelperStarter
  readonly #moduleName: string
  /** For one answer. */
  readonly #timeoutMs: number
  readonly #events: WorkerEvents
  readonly #helper: HelperProcess
  readonly #reader = new AnswerReader()
  #task: Task | undefined
  #answeredCount = 0
  #isOver = false

  /** Undefined: helpers die too soon. */
  static start(
    starter: HelperStarter,
    moduleName: string,
    timeoutMs: number,
    events: WorkerEvents,
  ): Worker | undefined {
    let worker: Worker | undefined
    const helper = starter.start({
      onBytes: (bytes) => worker?.onBytes(bytes),
      onRoom() {},
      onOver: () => worker?.end('died'),
    })
    if (helper !== undefined) worker = new Worker(starter, helper, moduleName, timeoutMs, events)
    return worker
  }

  private constructor(
    starter: HelperStarter,
    helper: HelperProcess,
    moduleName: string,
    timeoutMs: number,
    events: WorkerEvents,
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

  /** It waits for the answer to nothing. */
  ask(question: OpenQuestion): void {
    const { serial } = question.query
    this.#task = { question, serial, timer: setTimeout(() => this.#onLate(), this.#timeoutMs) }
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
    if (this.#isOver) return
    if (this.#task === undefined) {
      this.#misbehave('answers what nobody has asked. Terminating.')
      return
    }
    const reading = this.#reader.push(bytes)
    if (reading.kind === 'answer') this.#onAnswer(this.#task, reading)
    else if (reading.kind !== 'need-more') this.#onUnreadable(this.#task, reading.kind)
  }

  end(end: HelperEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    const question = this.#release()
    if (end !== 'dismissed') this.#helper.stop()
    this.#starter.ended(this.#helper, end, this.#answeredCount)
    this.#events.onOver(this, question)
  }

  #onAnswer({ question, serial }: Task, { code, surplusBytes, values }: HelperAnswer): void {
    const trouble = serialTrouble(values, serial)
    if (trouble !== undefined) {
      this.#misbehave(trouble)
      return
    }
    this.#release()
    this.#answeredCount++
    const answer = answerCode(code)
    const codeProblem = codeTrouble(code)
    if (codeProblem !== undefined) this.#starter.complain(this.#helper, codeProblem)
    signAnswer(values, answer, this.#moduleName)
    if (surplusBytes > 0) this.#misbehave('answers what nobody has asked. Terminating.')
    else this.#events.onFree(this)
    question.settle(values, answer)
  }

  #onUnreadable({ question }: Task, kind: 'too-long' | 'malformed'): void {
    const what = kind === 'too-long' ? 'too long an answer' : 'a malformed answer'
    const where = kind === 'too-long' ? '' : `: '${shown(this.#reader.badLine)}'`
    question.fail(`a helper gives ${what}`)
    this.#misbehave(`${what}${where}. Terminating.`)
  }

  #onLate(): void {
    this.#task?.question.expire()
    this.#starter.complain(this.#helper, `no answer within ${this.#timeoutMs / 1_000} s. Terminating.`)
    this.end('late')
  }

  #misbehave(how: string): void {
    this.#starter.complain(this.#helper, how)
    this.end('misbehaved')
  }

  #release(): OpenQuestion | undefined {
    const task = this.#task
    clearTimeout(task?.timer)
    this.#task = undefined
    this.#reader.clear()
    return task?.question
  }
}
