import { encodeQuestion, TEXT_BYTES_MAX } from '../wire/mavis-answer.js'
import { HelperStarter } from './helper-starter.js'
import { Worker, type WorkerEvents } from './line-helper.js'
import { type Code, FINAL, type Module, type ModuleServices, type Query } from './module.js'
import { DEATHS_MAX, NO_HELPER, OpenQuestion, refuse } from './pending-query.js'
import type { CommonModuleSettings, ExternalSettings } from './settings.js'

/** Asks helper processes, each of them one question at a time; what they have no time for yet waits in order. */
export class External implements Module {
  readonly #settings: ExternalSettings & CommonModuleSettings
  readonly #services: ModuleServices
  readonly #starter: HelperStarter
  readonly #workerEvents: WorkerEvents
  readonly #questions = new Map<Query, OpenQuestion>()
  /** Of those, the ones that no worker has. */
  readonly #backlog = new Set<OpenQuestion>()
  /** Those that are asked or can be. */
  readonly #workers = new Set<Worker>()
  readonly #idle = new Set<Worker>()
  /** Those that are not reaped yet. */
  readonly #ending = new Set<Worker>()
  #isResting = false
  #isClosed = false

  constructor(settings: ExternalSettings & CommonModuleSettings, services: ModuleServices) {
    this.#settings = settings
    this.#services = services
    this.#starter = new HelperStarter('external', settings, services)
    this.#workerEvents = {
      onFree: (worker) => this.#onFree(worker),
      onOver: (worker, unanswered) => this.#onOver(worker, unanswered),
    }
    this.#startFew()
  }

  /** Of the processes that are asked or can be. */
  get pids(): number[] {
    return [...this.#workers].flatMap(({ pid }) => pid ?? [])
  }

  ask(query: Query, answer: (code: Code) => void): void {
    const bytes = Buffer.from(encodeQuestion(query.values), 'latin1')
    const refusal = this.#refusalOf(bytes)
    if (refusal !== undefined) {
      refuse(query, refusal)
      answer(FINAL)
      return
    }
    this.#isResting = false
    const { timeoutMs } = this.#services
    const question = new OpenQuestion(query, bytes, answer, timeoutMs, () => this.#forget(question))
    this.#questions.set(query, question)
    this.#startFew()
    this.#place(question, this.#firstIdle() ?? this.#start())
  }

  /** A helper that works on it goes on to do so; what it says then is not passed on. */
  withdraw(query: Query): void {
    this.#questions.get(query)?.withdraw()
  }

  rest(): void {
    this.#isResting = true
    for (const worker of [...this.#idle]) worker.dismiss()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const question of [...this.#questions.values()]) question.fail('the module closes')
    for (const worker of [...this.#workers]) worker.stop()
    for (const worker of this.#ending) worker.stop()
    await Promise.all([...this.#ending].map(({ gone }) => gone))
  }

  #refusalOf({ length }: Uint8Array): string | undefined {
    if (this.#isClosed) return 'the module closes'
    if (length <= TEXT_BYTES_MAX) return undefined
    this.#starter.tellTooLong()
    return 'the query is too long'
  }

  /** Gives it to that worker, or has it wait for one. */
  #place(question: OpenQuestion, worker: Worker | undefined): void {
    if (worker !== undefined) this.#give(question, worker)
    else if (this.#workers.size > 0) this.#backlog.add(question)
    else question.fail(NO_HELPER)
  }

  #give(question: OpenQuestion, worker: Worker): void {
    this.#backlog.delete(question)
    this.#idle.delete(worker)
    worker.ask(question)
  }

  #forget(question: OpenQuestion): void {
    this.#questions.delete(question.query)
    this.#backlog.delete(question)
  }

  #firstIdle(): Worker | undefined {
    const [worker] = this.#idle
    return worker
  }

  #firstWaiting(): OpenQuestion | undefined {
    const [question] = this.#backlog
    return question
  }

  /** As many as there are at least. */
  #startFew(): void {
    while (this.#workers.size < this.#settings.childrenMin) {
      const worker = this.#start()
      if (worker === undefined) return
      this.#idle.add(worker)
    }
  }

  /** One more, if there may be; the caller has work for it. */
  #start(): Worker | undefined {
    const { childrenMax, name, timeoutMs = this.#services.timeoutMs } = this.#settings
    if (this.#isClosed || this.#workers.size >= childrenMax) return undefined
    // Processes that do not even end when they are killed are not replaced for ever.
    if (this.#workers.size + this.#ending.size >= childrenMax * 2) return undefined
    if (!this.#starter.mayStart()) return undefined
    const worker = new Worker(this.#starter, name, timeoutMs, this.#workerEvents)
    this.#workers.add(worker)
    return worker
  }

  #onFree(worker: Worker): void {
    const question = this.#firstWaiting()
    if (question !== undefined) this.#give(question, worker)
    else if (this.#isResting) worker.dismiss()
    else this.#idle.add(worker)
  }

  #onOver(worker: Worker, unanswered: OpenQuestion | undefined): void {
    this.#workers.delete(worker)
    this.#idle.delete(worker)
    this.#ending.add(worker)
    worker.gone.then(() => this.#onGone(worker))
    if (this.#isClosed) return
    if (unanswered?.isOpen) this.#askAgain(unanswered)
    this.#replace()
  }

  #onGone(worker: Worker): void {
    this.#ending.delete(worker)
    this.#replace()
  }

  /** Others for those who have ended, if they are needed. */
  #replace(): void {
    this.#serveBacklog()
    if (!this.#isResting) this.#startFew()
  }

  /** A process that has done nothing yet is asked before all others: what has worked long may end for any reason. */
  #askAgain(question: OpenQuestion): void {
    question.deaths++
    if (question.deaths < DEATHS_MAX) this.#place(question, this.#start() ?? this.#firstIdle())
    else question.fail('helpers end without an answer')
  }

  /** Somebody has ended who would have taken from it. */
  #serveBacklog(): void {
    for (let question = this.#firstWaiting(); question !== undefined; question = this.#firstWaiting()) {
      const worker = this.#start()
      if (worker !== undefined) this.#give(question, worker)
      else if (this.#workers.size > 0) return
      else question.fail(NO_HELPER)
    }
  }
}
