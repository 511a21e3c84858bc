import { encodeQuery, TEXT_BYTES_MAX } from '../wire/mavis-answer.js'
import { HelperStarter } from './helper-starter.js'
import { LineHelper, type LineHelperEvents } from './line-helper.js'
import { type Code, FINAL, type Module, type ModuleServices, type Query } from './module.js'
import {
  CLOSING,
  DEATHS_MAX,
  HELPERS_DIED,
  NO_HELPER,
  PendingQuery,
  refuse,
  TOO_LONG,
} from './pending-query.js'
import type { CommonModuleSettings, ExternalSettings } from './settings.js'

/** Module `external`: asks helper processes, each one query at a time; further queries wait in order. */
export class External implements Module {
  readonly #settings: ExternalSettings & CommonModuleSettings
  readonly #services: ModuleServices
  readonly #starter: HelperStarter
  readonly #helperEvents: LineHelperEvents
  /** Queries without an answer, by the query of the chain. */
  readonly #pending = new Map<Query, PendingQuery>()
  /** The pending queries that no helper is working on, in order. */
  readonly #backlog = new Set<PendingQuery>()
  /** Helpers that work on a query or can take one. */
  readonly #helpers = new Set<LineHelper>()
  /** Those of them that work on nothing; the one that became idle first is asked next. */
  readonly #idle = new Set<LineHelper>()
  /** Helpers that are ending and not reaped yet. */
  readonly #ending = new Set<LineHelper>()
  /** From `releaseIdle` until the next query. */
  #isReleased = false
  /** `close` was called: no helper is started any more. */
  #isClosed = false

  constructor(settings: ExternalSettings & CommonModuleSettings, services: ModuleServices) {
    this.#settings = settings
    this.#services = services
    this.#starter = new HelperStarter('external', settings, services)
    this.#helperEvents = {
      onFree: (helper) => this.#onFree(helper),
      onEnd: (helper, unanswered) => this.#onEnd(helper, unanswered),
    }
    this.#startFew()
  }

  /** Processes of the helpers in use. */
  get pids(): number[] {
    return [...this.#helpers].flatMap(({ pid }) => pid ?? [])
  }

  ask(query: Query, answer: (code: Code) => void): void {
    const bytes = Buffer.from(encodeQuery(query.values), 'latin1')
    const refusal = this.#refusalOf(bytes)
    if (refusal !== undefined) {
      refuse(query, refusal)
      answer(FINAL)
      return
    }
    this.#isReleased = false
    const { timeoutMs } = this.#services
    const pending = new PendingQuery(query, bytes, answer, timeoutMs, () => this.#drop(pending))
    this.#pending.set(query, pending)
    this.#startFew()
    this.#place(pending, this.#firstIdle() ?? this.#start())
  }

  /** A helper that works on the query finishes it; the answer is dropped. */
  withdraw(query: Query): void {
    this.#pending.get(query)?.withdraw()
  }

  releaseIdle(): void {
    this.#isReleased = true
    for (const helper of [...this.#idle]) helper.dismiss()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    // A copy, because `fail` removes the query.
    for (const pending of [...this.#pending.values()]) pending.fail(CLOSING)
    for (const helper of [...this.#helpers]) helper.stop()
    for (const helper of this.#ending) helper.stop()
    await Promise.all([...this.#ending].map(({ gone }) => gone))
  }

  #refusalOf({ length }: Uint8Array): string | undefined {
    if (this.#isClosed) return CLOSING
    if (length <= TEXT_BYTES_MAX) return undefined
    this.#starter.logTooLong()
    return TOO_LONG
  }

  /** Gives the query to that helper, or queues it. */
  #place(pending: PendingQuery, helper: LineHelper | undefined): void {
    if (helper !== undefined) this.#give(pending, helper)
    // A helper takes it when it is free.
    else if (this.#helpers.size > 0) this.#backlog.add(pending)
    else pending.fail(NO_HELPER)
  }

  #give(pending: PendingQuery, helper: LineHelper): void {
    this.#backlog.delete(pending)
    this.#idle.delete(helper)
    helper.ask(pending)
  }

  #drop(pending: PendingQuery): void {
    this.#pending.delete(pending.query)
    this.#backlog.delete(pending)
  }

  #firstIdle(): LineHelper | undefined {
    const [helper] = this.#idle
    return helper
  }

  #firstWaiting(): PendingQuery | undefined {
    const [pending] = this.#backlog
    return pending
  }

  /** Starts helpers up to `childs min`. */
  #startFew(): void {
    while (this.#helpers.size < this.#settings.childrenMin) {
      const helper = this.#start()
      if (helper === undefined) return
      this.#idle.add(helper)
    }
  }

  /** Starts one more helper, if the limits allow it; the caller has a query for it. */
  #start(): LineHelper | undefined {
    const { childrenMax, name, timeoutMs = this.#services.timeoutMs } = this.#settings
    if (this.#isClosed || this.#helpers.size >= childrenMax) return undefined
    // Bounds the number of processes that SIGKILL does not end (uninterruptible sleep).
    if (this.#helpers.size + this.#ending.size >= childrenMax * 2) return undefined
    if (!this.#starter.mayStart()) return undefined
    const helper = new LineHelper(this.#starter, name, timeoutMs, this.#helperEvents)
    this.#helpers.add(helper)
    return helper
  }

  #onFree(helper: LineHelper): void {
    const pending = this.#firstWaiting()
    if (pending !== undefined) this.#give(pending, helper)
    else if (this.#isReleased) helper.dismiss()
    else this.#idle.add(helper)
  }

  #onEnd(helper: LineHelper, unanswered: PendingQuery | undefined): void {
    // It counts as ending until its process is reaped.
    this.#helpers.delete(helper)
    this.#idle.delete(helper)
    this.#ending.add(helper)
    helper.gone.then(() => this.#onExited(helper))
    if (this.#isClosed) return
    // The query may have timed out or been withdrawn meanwhile.
    if (unanswered?.isOpen) this.#askAgain(unanswered)
    this.#replace()
  }

  #onExited(helper: LineHelper): void {
    this.#ending.delete(helper)
    this.#replace()
  }

  /** Starts helpers in place of those that have ended, if they are needed. */
  #replace(): void {
    this.#serveBacklog()
    if (!this.#isReleased) this.#startFew()
  }

  /** Prefers a new process: a helper that has run for long may end for reasons of its own. */
  #askAgain(pending: PendingQuery): void {
    pending.deaths++
    if (pending.deaths < DEATHS_MAX) this.#place(pending, this.#start() ?? this.#firstIdle())
    else pending.fail(HELPERS_DIED)
  }

  /** Starts helpers for queued queries that an ended helper would have taken. */
  #serveBacklog(): void {
    for (let pending = this.#firstWaiting(); pending !== undefined; pending = this.#firstWaiting()) {
      const helper = this.#start()
      if (helper !== undefined) this.#give(pending, helper)
      // These helpers take the other queries when they are free.
      else if (this.#helpers.size > 0) return
      else pending.fail(NO_HELPER)
    }
  }
}
