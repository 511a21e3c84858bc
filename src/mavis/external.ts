import { encodeQuestion, TEXT_BYTES_MAX } from '../wire/mavis-answer.js'
import { HelperStarter } from './helper-starter.js'
import { LineHelper, type LineHelperEvents } from './line-helper.js'
import { type Code, FINAL, type Module, type ModuleServices, type Query } from './module.js'
import { DEATHS_MAX, NO_HELPER, PendingQuery, refuse } from './pending-query.js'
import type { CommonModuleSettings, ExternalSettings } from './settings.js'

/** Asks helper processes, each of them one pending at a time; what they have no time for yet waits in order. */
export class External implements Module {
  readonly #settings: ExternalSettings & CommonModuleSettings
  readonly #services: ModuleServices
  readonly #starter: HelperStarter
  readonly #workerEvents: LineHelperEvents
  readonly #pending = new Map<Query, PendingQuery>()
  /** Of those, the ones that no worker has. */
  readonly #backlog = new Set<PendingQuery>()
  /** Those that are asked or can be. */
  readonly #workers = new Set<LineHelper>()
  readonly #idle = new Set<LineHelper>()
  /** Those that are not reaped yet. */
  readonly #ending = new Set<LineHelper>()
  #isIdle = false
  #isClosed = false

  constructor(settings: ExternalSettings & CommonModuleSettings, services: ModuleServices) {
    this.#settings = settings
    this.#services = services
    this.#starter = new HelperStarter('external', settings, services)
    this.#workerEvents = {
      onFree: (worker) => this.#onFree(worker),
      onEnd: (worker, unanswered) => this.#onEnd(worker, unanswered),
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
    this.#isIdle = false
    const { timeoutMs } = this.#services
    const pending = new PendingQuery(query, bytes, answer, timeoutMs, () => this.#forget(pending))
    this.#pending.set(query, pending)
    this.#startFew()
    this.#place(pending, this.#firstIdle() ?? this.#start())
  }

  /** A helper that works on it goes on to do so; what it says then is not passed on. */
  withdraw(query: Query): void {
    this.#pending.get(query)?.withdraw()
  }

  releaseIdle(): void {
    this.#isIdle = true
    for (const worker of [...this.#idle]) worker.dismiss()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const pending of [...this.#pending.values()]) pending.fail('the module closes')
    for (const worker of [...this.#workers]) worker.stop()
    for (const worker of this.#ending) worker.stop()
    await Promise.all([...this.#ending].map(({ gone }) => gone))
  }

  #refusalOf({ length }: Uint8Array): string | undefined {
    if (this.#isClosed) return 'the module closes'
    if (length <= TEXT_BYTES_MAX) return undefined
    this.#starter.logTooLong()
    return 'the query is too long'
  }

  /** Gives it to that worker, or has it wait for one. */
  #place(pending: PendingQuery, worker: LineHelper | undefined): void {
    if (worker !== undefined) this.#give(pending, worker)
    else if (this.#workers.size > 0) this.#backlog.add(pending)
    else pending.fail(NO_HELPER)
  }

  #give(pending: PendingQuery, worker: LineHelper): void {
    this.#backlog.delete(pending)
    this.#idle.delete(worker)
    worker.ask(pending)
  }

  #forget(pending: PendingQuery): void {
    this.#pending.delete(pending.query)
    this.#backlog.delete(pending)
  }

  #firstIdle(): LineHelper | undefined {
    const [worker] = this.#idle
    return worker
  }

  #firstWaiting(): PendingQuery | undefined {
    const [pending] = this.#backlog
    return pending
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
  #start(): LineHelper | undefined {
    const { childrenMax, name, timeoutMs = this.#services.timeoutMs } = this.#settings
    if (this.#isClosed || this.#workers.size >= childrenMax) return undefined
    // Processes that do not even end when they are killed are not replaced for ever.
    if (this.#workers.size + this.#ending.size >= childrenMax * 2) return undefined
    if (!this.#starter.mayStart()) return undefined
    const worker = new LineHelper(this.#starter, name, timeoutMs, this.#workerEvents)
    this.#workers.add(worker)
    return worker
  }

  #onFree(worker: LineHelper): void {
    const pending = this.#firstWaiting()
    if (pending !== undefined) this.#give(pending, worker)
    else if (this.#isIdle) worker.dismiss()
    else this.#idle.add(worker)
  }

  #onEnd(worker: LineHelper, unanswered: PendingQuery | undefined): void {
    this.#workers.delete(worker)
    this.#idle.delete(worker)
    this.#ending.add(worker)
    worker.gone.then(() => this.#onGone(worker))
    if (this.#isClosed) return
    if (unanswered?.isOpen) this.#askAgain(unanswered)
    this.#replace()
  }

  #onGone(worker: LineHelper): void {
    this.#ending.delete(worker)
    this.#replace()
  }

  /** Others for those who have ended, if they are needed. */
  #replace(): void {
    this.#serveBacklog()
    if (!this.#isIdle) this.#startFew()
  }

  /** A process that has done nothing yet is asked before all others: what has worked long may end for any reason. */
  #askAgain(pending: PendingQuery): void {
    pending.deaths++
    if (pending.deaths < DEATHS_MAX) this.#place(pending, this.#start() ?? this.#firstIdle())
    else pending.fail('helpers end without an answer')
  }

  /** Somebody has ended who would have taken from it. */
  #serveBacklog(): void {
    for (let pending = this.#firstWaiting(); pending !== undefined; pending = this.#firstWaiting()) {
      const worker = this.#start()
      if (worker !== undefined) this.#give(pending, worker)
      else if (this.#workers.size > 0) return
      else pending.fail(NO_HELPER)
    }
  }
}
