import { TEXT_BYTES_MAX } from '../wire/mavis-answer.js'
import { encodeFrame } from '../wire/mavis-frames.js'
import { FrameWorker } from './frame-helper.js'
import { HelperStarter } from './helper-starter.js'
import { type Code, FINAL, type Module, type ModuleServices, type Query } from './module.js'
import { DEATHS_MAX, NO_HELPER, OpenQuestion, refuse } from './pending-query.js'
import type { CommonModuleSettings, ExternalMtSettings } from './settings.js'

/** Processes that were told to end. */
const ENDING_MAX = 4

/** Asks one helper process many questions at a time. */
export class ExternalMt implements Module {
  readonly #settings: ExternalMtSettings & CommonModuleSettings
  readonly #services: ModuleServices
  readonly #starter: HelperStarter
  readonly #questions = new Map<Query, OpenQuestion>()
  /** Of those, the ones that the worker has not been sent. */
  #backlog = new Set<OpenQuestion>()
  #worker: FrameWorker | undefined
  /** Those that are not reaped yet. */
  readonly #ending = new Set<FrameWorker>()
  #isResting = false
  #isClosed = false

  constructor(settings: ExternalMtSettings & CommonModuleSettings, services: ModuleServices) {
    this.#settings = settings
    this.#services = services
    const options = { program: settings.program, home: undefined, uid: undefined, gid: undefined }
    this.#starter = new HelperStarter('external-mt', options, services)
    this.#ready()
  }

  /** Of the process that is asked. */
  get pids(): number[] {
    return this.#worker?.pid === undefined ? [] : [this.#worker.pid]
  }

  ask(query: Query, answer: (code: Code) => void): void {
    const bytes = encodeFrame(query.values)
    this.#isResting = false
    const worker = this.#ready()
    const refusal = this.#refusalOf(query, bytes, worker)
    if (refusal !== undefined) {
      refuse(query, refusal)
      answer(FINAL)
      return
    }
    const { timeoutMs } = this.#services
    const question = new OpenQuestion(query, bytes, answer, timeoutMs, () => this.#forget(question))
    this.#questions.set(query, question)
    this.#backlog.add(question)
    this.#serveBacklog()
  }

  /** The helper goes on to work on it; what it says then is not passed on. */
  withdraw(query: Query): void {
    this.#questions.get(query)?.withdraw()
  }

  rest(): void {
    this.#isResting = true
    if (this.#questions.size === 0) this.#worker?.dismiss()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const question of [...this.#questions.values()]) question.fail('the module closes')
    this.#worker?.stop()
    for (const worker of this.#ending) worker.stop()
    await Promise.all([...this.#ending].map(({ gone }) => gone))
  }

  #refusalOf(query: Query, { length }: Uint8Array, worker: FrameWorker | undefined): string | undefined {
    if (this.#isClosed) return 'the module closes'
    if (worker === undefined) return NO_HELPER
    if (worker.knows(query.serial)) return 'another question has the same serial'
    if (length <= TEXT_BYTES_MAX) return undefined
    this.#starter.tellTooLong()
    return 'the query is too long'
  }

  /** The worker, started if there is none; undefined: it cannot be started. */
  #ready(): FrameWorker | undefined {
    if (this.#worker !== undefined || this.#isClosed) return this.#worker
    // Processes that do not even end when they are killed are not replaced for ever.
    if (this.#ending.size >= ENDING_MAX || !this.#starter.mayStart()) return undefined
    const { name, timeoutMs = this.#services.timeoutMs } = this.#settings
    this.#worker = new FrameWorker(this.#starter, name, timeoutMs, {
      onRoom: () => this.#serveBacklog(),
      onOver: (worker, unanswered) => this.#onOver(worker, unanswered),
    })
    return this.#worker
  }

  #serveBacklog(): void {
    for (const question of this.#backlog) {
      const worker = this.#ready()
      if (worker === undefined) question.fail(NO_HELPER)
      else if (!worker.hasRoom) return
      else if (worker.knows(question.query.serial)) question.fail('another question has the same serial')
      else this.#send(question, worker)
    }
  }

  #send(question: OpenQuestion, worker: FrameWorker): void {
    this.#backlog.delete(question)
    worker.ask(question)
  }

  #forget(question: OpenQuestion): void {
    this.#questions.delete(question.query)
    this.#backlog.delete(question)
  }

  #onOver(worker: FrameWorker, unanswered: readonly OpenQuestion[]): void {
    this.#worker = undefined
    this.#ending.add(worker)
    worker.gone.then(() => this.#onGone(worker))
    if (this.#isClosed) return
    const open = unanswered.filter(({ isOpen }) => isOpen)
    for (const question of open) question.deaths++
    this.#backlog = new Set([...open, ...this.#backlog])
    for (const question of open)
      if (question.deaths >= DEATHS_MAX) question.fail('helpers end without an answer')
    this.#serveBacklog()
    if (!this.#isResting) this.#ready()
  }

  #onGone(worker: FrameWorker): void {
    this.#ending.delete(worker)
    if (!this.#isResting) this.#ready()
  }
}
