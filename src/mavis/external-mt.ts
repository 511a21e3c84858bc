/** Module `external-mt`: asks one helper process many queries at a time. */
import { TEXT_BYTES_MAX } from '../wire/mavis-answer.js'
import { encodeFrame } from '../wire/mavis-frames.js'
import { FrameHelper } from './frame-helper.js'
import { HelperStarter } from './helper-starter.js'
import { type Code, FINAL, type Module, type ModuleServices, type Query } from './module.js'
import {
  CLOSING,
  DEATHS_MAX,
  DUPLICATE_SERIAL,
  HELPERS_DIED,
  NO_HELPER,
  PendingQuery,
  refuse,
  TOO_LONG,
} from './pending-query.js'
import type { CommonModuleSettings, ExternalMtSettings } from './settings.js'

/** Processes that are ending. More are only left when SIGKILL does not end them (uninterruptible sleep). */
const ENDING_MAX = 4

export class ExternalMt implements Module {
  readonly #settings: ExternalMtSettings & CommonModuleSettings
  readonly #services: ModuleServices
  readonly #starter: HelperStarter
  /** Queries without an answer, both those sent and those in the backlog. */
  readonly #pending = new Map<Query, PendingQuery>()
  /** The pending queries that were not sent to the helper yet, in order. */
  #backlog = new Set<PendingQuery>()
  /** The helper that takes queries; undefined: none can be started now, or it was released. */
  #helper: FrameHelper | undefined
  /** Helpers that are ending and not reaped yet. */
  readonly #ending = new Set<FrameHelper>()
  /** From `releaseIdle` until the next query. */
  #isReleased = false
  #isClosed = false

  constructor(settings: ExternalMtSettings & CommonModuleSettings, services: ModuleServices) {
    this.#settings = settings
    this.#services = services
    const options = { program: settings.program, home: undefined, uid: undefined, gid: undefined }
    this.#starter = new HelperStarter('external-mt', options, services)
    // Started before the first query, so that its start-up time delays no client.
    this.#ready()
  }

  /** The process of the helper in use. */
  get pids(): number[] {
    return this.#helper?.pid === undefined ? [] : [this.#helper.pid]
  }

  ask(query: Query, answer: (code: Code) => void): void {
    const bytes = encodeFrame(query.values)
    this.#isReleased = false
    const helper = this.#ready()
    const refusal = this.#refusalOf(query, bytes, helper)
    if (refusal !== undefined) {
      refuse(query, refusal)
      answer(FINAL)
      return
    }
    const { timeoutMs } = this.#services
    const pending = new PendingQuery(query, bytes, answer, timeoutMs, () => this.#drop(pending))
    this.#pending.set(query, pending)
    this.#backlog.add(pending)
    this.#serveBacklog()
  }

  /** The helper finishes the query; its answer is dropped. */
  withdraw(query: Query): void {
    this.#pending.get(query)?.withdraw()
  }

  releaseIdle(): void {
    this.#isReleased = true
    if (this.#pending.size === 0) this.#helper?.dismiss()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    // A copy, because `fail` removes the query.
    for (const pending of [...this.#pending.values()]) pending.fail(CLOSING)
    this.#helper?.stop()
    for (const helper of this.#ending) helper.stop()
    await Promise.all([...this.#ending].map(({ gone }) => gone))
  }

  #refusalOf(query: Query, { length }: Uint8Array, helper: FrameHelper | undefined): string | undefined {
    if (this.#isClosed) return CLOSING
    if (helper === undefined) return NO_HELPER
    if (helper.knows(query.serial)) return DUPLICATE_SERIAL
    if (length <= TEXT_BYTES_MAX) return undefined
    this.#starter.logTooLong()
    return TOO_LONG
  }

  /** The helper, started if necessary; undefined when it cannot be started. */
  #ready(): FrameHelper | undefined {
    if (this.#helper !== undefined || this.#isClosed) return this.#helper
    // Both limits bound the number of processes that a broken program causes.
    if (this.#ending.size >= ENDING_MAX || !this.#starter.mayStart()) return undefined
    const { name, timeoutMs = this.#services.timeoutMs } = this.#settings
    this.#helper = new FrameHelper(this.#starter, name, timeoutMs, {
      onDrain: () => this.#serveBacklog(),
      onEnd: (helper, unanswered) => this.#onEnd(helper, unanswered),
    })
    return this.#helper
  }

  #serveBacklog(): void {
    for (const pending of this.#backlog) {
      const helper = this.#ready()
      if (helper === undefined) pending.fail(NO_HELPER)
      else if (!helper.hasRoom) return
      else if (helper.knows(pending.query.serial)) pending.fail(DUPLICATE_SERIAL)
      else this.#send(pending, helper)
    }
  }

  #send(pending: PendingQuery, helper: FrameHelper): void {
    this.#backlog.delete(pending)
    helper.ask(pending)
  }

  #drop(pending: PendingQuery): void {
    this.#pending.delete(pending.query)
    this.#backlog.delete(pending)
  }

  #onEnd(helper: FrameHelper, unanswered: readonly PendingQuery[]): void {
    this.#helper = undefined
    this.#ending.add(helper)
    helper.gone.then(() => this.#onExited(helper))
    if (this.#isClosed) return
    const open = unanswered.filter(({ isOpen }) => isOpen)
    for (const pending of open) pending.deaths++
    // Its queries come first, in their order: they have waited longest.
    this.#backlog = new Set([...open, ...this.#backlog])
    // After the backlog is complete: `fail` may cause new queries.
    for (const pending of open) if (pending.deaths >= DEATHS_MAX) pending.fail(HELPERS_DIED)
    this.#serveBacklog()
    if (!this.#isReleased) this.#ready()
  }

  #onExited(helper: FrameHelper): void {
    this.#ending.delete(helper)
    if (!this.#isReleased) this.#ready()
  }
}
