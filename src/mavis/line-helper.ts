import type { ByteString } from '../base/byte-string.js'
import { AnswerReader, type HelperAnswer } from '../wire/mavis-answer.js'
import { Helper } from './helper.js'
import { serialProblem, shown } from './helper-answer.js'
import type { HelperStarter } from './helper-starter.js'
import type { PendingQuery } from './pending-query.js'

export interface LineHelperEvents {
  /** It has answered, and takes the next pending. */
  onFree(worker: LineHelper): void
  /** It takes no more. `unanswered`: the pending that it had, which may have ended meanwhile. Told once. */
  onEnd(worker: LineHelper, unanswered: PendingQuery | undefined): void
}

interface Task {
  readonly pending: PendingQuery
  readonly serial: ByteString
  readonly timer: NodeJS.Timeout
}

/** A helper that is asked one pending at a time. */
export class LineHelper {
  readonly #events: LineHelperEvents
  readonly #helper: Helper
  readonly #reader = new AnswerReader()
  #task: Task | undefined

  /** Starts a helper, which the starter allows. `timeoutMs`: for one answer. */
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

  /** Settles when its process is reaped. */
  get gone(): Promise<void> {
    return this.#helper.gone
  }

  /** It waits for the answer to nothing. */
  ask(pending: PendingQuery): void {
    const { serial } = pending.query
    const timer = setTimeout(() => this.#onLate(pending), this.#helper.timeoutMs)
    this.#task = { pending, serial, timer }
    this.#helper.write(pending.bytes)
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
    if (this.#helper.hasEnded) return
    if (this.#task === undefined) {
      this.#helper.endMisbehaved('answers what nobody has asked.')
      return
    }
    const reading = this.#reader.push(bytes)
    if (reading.kind === 'answer') this.#onAnswer(this.#task, reading)
    else if (reading.kind !== 'need-more') this.#onUnreadable(this.#task, reading.kind)
  }

  #onAnswer({ pending, serial }: Task, { code, surplusBytes, values }: HelperAnswer): void {
    const trouble = serialProblem(values, serial)
    if (trouble !== undefined) {
      this.#helper.endMisbehaved(trouble)
      return
    }
    this.#release()
    const answer = this.#helper.countAnswer(values, code)
    if (surplusBytes > 0) this.#helper.endMisbehaved('answers what nobody has asked.')
    else this.#events.onFree(this)
    pending.settle(values, answer)
  }

  #onUnreadable({ pending }: Task, kind: 'too-long' | 'malformed'): void {
    const what = kind === 'too-long' ? 'too long an answer' : 'a malformed answer'
    const where = kind === 'too-long' ? '' : `: '${shown(this.#reader.badLine)}'`
    pending.fail(`a helper gives ${what}`)
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
    this.#reader.clear()
    return task?.pending
  }
}
