import { TEXT_BYTES_MAX } from '../wire/mavis-answer.js'
import { encodeFrame } from '../wire/mavis-frames.js'
import { FrameHelper } from './frame-helper.js'
import { HelperStarter } from './helper-starter.js'
import { type Code, FINAL, type Module, type ModuleServices, type Query } from './module.js'
import { DEATHS_MAX, NO_HELPER, PendingQuery, refuse } from './pending-query.js'
import type { CommonModuleSettings, ExternalMtSettings } from './settings.js'

/** Processes that were told to end. */
const ENDING_MAX = 4

/** Asks one helper process many queries at a time. */
export class ExternalMt implements Module {
  readonly #settings: ExternalMtSettings & CommonModuleSettings
  readonly #services: ModuleServices
  readonly #starter: HelperStarter
  readonly #pending = new Map<Query, PendingQuery>()
  /** Of those, the ones that the worker has not been sent. */
  #backlog = new Set<PendingQuery>()
  #worker: FrameHelper | undefined
  /** Those that are not reaped yet. */
  readonly #ending = new Set<FrameHelper>()
  #isIdle = false
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
    this.#isIdle = false
    const worker = this.#ready()
    const refusal = this.#refusalOf(query, bytes, worker)
    if (refusal !== undefined) {
      refuse(query, refusal)
      answer(FINAL)
      return
    }
    const { timeoutMs } = this.#services
    const pending = new PendingQuery(query, bytes, answer, timeoutMs, () => this.#forget(pending))
    this.#pending.set(query, pending)
    this.#backlog.add(pending)
    this.#serveBacklog()
  }

  /** The helper goes on to work on it; what it says then is not passed on. */
  withdraw(query: Query): void {
    this.#pending.get(query)?.withdraw()
  }

  releaseIdle(): void {
    this.#isIdle = true
    if (this.#pending.size === 0) this.#worker?.dismiss()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const pending of [...this.#pending.values()]) pending.fail('the module closes')
    this.#worker?.stop()
    for (const worker of this.#ending) worker.stop()
    await Promise.all([...this.#ending].map(({ gone }) => gone))
  }

  #refusalOf(query: Query, { length }: Uint8Array, worker: FrameHelper | undefined): string | undefined {
    if (this.#isClosed) return 'the module closes'
    if (worker === undefined) return NO_HELPER
    if (worker.knows(query.serial)) return 'another pending has the same serial'
    if (length <= TEXT_BYTES_MAX) return undefined
    this.#starter.logTooLong()
    return 'the query is too long'
  }

  /** The worker, started if there is none; undefined: it cannot be started. */
  #ready(): FrameHelper | undefined {
    if (this.#worker !== undefined || this.#isClosed) return this.#worker
    // Processes that do not even end when they are killed are not replaced for ever.
    if (this.#ending.size >= ENDING_MAX || !this.#starter.mayStart()) return undefined
    const { name, timeoutMs = this.#services.timeoutMs } = this.#settings
    this.#worker = new FrameHelper(this.#starter, name, timeoutMs, {
      onDrain: () => this.#serveBacklog(),
      onEnd: (worker, unanswered) => this.#onEnd(worker, unanswered),
    })
    return this.#worker
  }

  #serveBacklog(): void {
    for (const pending of this.#backlog) {
      const worker = this.#ready()
      if (worker === undefined) pending.fail(NO_HELPER)
      else if (!worker.hasRoom) return
      else if (worker.knows(pending.query.serial)) pending.fail('another pending has the same serial')
      else this.#send(pending, worker)
    }
  }

  #send(pending: PendingQuery, worker: FrameHelper): void {
    this.#backlog.delete(pending)
    worker.ask(pending)
  }

  #forget(pending: PendingQuery): void {
    this.#pending.delete(pending.query)
    this.#backlog.delete(pending)
  }

  #onEnd(worker: FrameHelper, unanswered: readonly PendingQuery[]): void {
    this.#worker = undefined
    this.#ending.add(worker)
    worker.gone.then(() => this.#onGone(worker))
    if (this.#isClosed) return
    const open = unanswered.filter(({ isOpen }) => isOpen)
    for (const pending of open) pending.deaths++
    this.#backlog = new Set([...open, ...this.#backlog])
    for (const pending of open)
      if (pending.deaths >= DEATHS_MAX) pending.fail('helpers end without an answer')
    this.#serveBacklog()
    if (!this.#isIdle) this.#ready()
  }

  #onGone(worker: FrameHelper): void {
    this.#ending.delete(worker)
    if (!this.#isIdle) this.#ready()
  }
}
