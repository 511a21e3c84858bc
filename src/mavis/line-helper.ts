/** A helper process that answers one query at a time, in lines of text (`external`). */
import type { ByteString } from '../base/byte-string.js'
import { AnswerReader, type HelperAnswer } from '../wire/mavis-answer.js'
import { Helper } from './helper.js'
import { excerpt, serialProblem } from './helper-answer.js'
import type { HelperStarter } from './helper-starter.js'
import type { PendingQuery } from './pending-query.js'

export interface LineHelperEvents {
  /** It has answered and can take the next query. */
  onFree(helper: LineHelper): void
  /** It takes no more queries. `unanswered`: its query, which may have ended meanwhile. Called once. */
  onEnd(helper: LineHelper, unanswered: PendingQuery | undefined): void
}

/** It wrote before it was asked, or more than one answer. */
const UNEXPECTED = 'output without a query.'

interface Task {
  readonly pending: PendingQuery
  readonly serial: ByteString
  readonly timer: NodeJS.Timeout
}

export class LineHelper {
  readonly #events: LineHelperEvents
  readonly #helper: Helper
  readonly #reader = new AnswerReader()
  /** The query in progress. */
  #task: Task | undefined

  /** Starts the process; `starter.mayStart()` has allowed it. `timeoutMs`: for one answer. */
  constructor(starter: HelperStarter, moduleName: string, timeoutMs: number, events: LineHelperEvents) {
    this.#events = events
    this.#helper = new Helper(starter, moduleName, timeoutMs, {
      onBytes: (bytes) => this.#onBytes(bytes),
      onDrain() {},
      onEnd: () => events.onEnd(this, this.#release()),
    })
  }

  get pid(): number | undefined {
    return this.#helper.pid
  }

  /** Settles when the process is reaped. */
  get gone(): Promise<void> {
    return this.#helper.gone
  }

  /** Sends a query; none may be open here. */
  ask(pending: PendingQuery): void {
    const { serial } = pending.query
    const timer = setTimeout(() => this.#onLate(pending), this.#helper.timeoutMs)
    this.#task = { pending, serial, timer }
    this.#helper.write(pending.bytes)
  }

  /** Lets the process end: closes its standard input. */
  dismiss(): void {
    this.#helper.dismiss()
  }

  /** Ends the process by SIGTERM, then SIGKILL. */
  stop(): void {
    this.#helper.stop()
  }

  #onBytes(bytes: Uint8Array): void {
    if (this.#helper.hasEnded) return
    if (this.#task === undefined) {
      this.#helper.endMisbehaved(UNEXPECTED)
      return
    }
    const reading = this.#reader.push(bytes)
    if (reading.kind === 'answer') this.#onAnswer(this.#task, reading)
    else if (reading.kind !== 'need-more') this.#onUnreadable(this.#task, reading.kind)
  }

  #onAnswer({ pending, serial }: Task, { code, surplusBytes, values }: HelperAnswer): void {
    const problem = serialProblem(values, serial)
    if (problem !== undefined) {
      this.#helper.endMisbehaved(problem)
      return
    }
    // Before the callbacks, which may give it the next query.
    this.#release()
    const answer = this.#helper.countAnswer(values, code)
    // The answer itself is valid; what follows it would be taken for the next one.
    if (surplusBytes > 0) this.#helper.endMisbehaved(UNEXPECTED)
    else this.#events.onFree(this)
    pending.settle(values, answer)
  }

  #onUnreadable({ pending }: Task, kind: 'too-long' | 'malformed'): void {
    const what = kind === 'too-long' ? 'answer too long' : 'malformed answer'
    const where = kind === 'too-long' ? '' : `: '${excerpt(this.#reader.badLine)}'`
    pending.fail(`a helper failed: ${what}`)
    this.#helper.endMisbehaved(`${what}${where}.`)
  }

  #onLate(pending: PendingQuery): void {
    pending.expire()
    this.#helper.endLate()
  }

  #release(): PendingQuery | undefined {
    const task = this.#task
    clearTimeout(task?.timer)
    this.#task = undefined
    // Drops a partial answer: none of it belongs to the next query.
    this.#reader.clear()
    return task?.pending
  }
}
