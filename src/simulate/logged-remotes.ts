/** What happened to the connections of a trace, as its lines say. */
import { NO_ROUTE, REJECT_CLOSE } from '../admission/router.js'
import {
  type Chooser,
  type Decision,
  LEFT_OUT,
  NO_REMOTE,
  QUEUE_FULL,
  QUEUE_TIMEOUT,
  REJECTED,
  WAITING,
} from './decision.js'
import { EventHeap } from './event-heap.js'
import { NO_ROW, type Rows } from './rows.js'
import type { Trace } from './trace.js'

/** The value of `end=` for a session that ended in order; generated connections have it too. */
export const DONE = 'done'

/** Ends of clients that got no remote, by the decision behind them. */
const REFUSED: Readonly<Record<string, Decision>> = {
  'no-remote': NO_REMOTE,
  'dial-timeout': NO_REMOTE,
  'attempts-max': NO_REMOTE,
  'retry-budget': NO_REMOTE,
  'queue-full': QUEUE_FULL,
  'queue-timeout': QUEUE_TIMEOUT,
  'no-route': NO_ROUTE,
  'rejected-by-route': REJECT_CLOSE,
  'name-not-allowed': REJECT_CLOSE,
  rejected: REJECTED,
  'listener-rule': REJECTED,
  'route-rule': REJECTED,
}

export class LoggedRemotes implements Chooser {
  pool = NO_ROW
  decision: Decision = LEFT_OUT
  readonly #waiting = new EventHeap()
  readonly #trace: Trace
  readonly #rows: Rows
  /** By the word of `end`. */
  readonly #refusals: readonly Decision[]
  readonly #done: number

  constructor(trace: Trace, rows: Rows) {
    this.#trace = trace
    this.#rows = rows
    this.#refusals = trace.words.texts.map((text) =>
      Object.hasOwn(REFUSED, text) ? (REFUSED[text] ?? LEFT_OUT) : LEFT_OUT,
    )
    this.#done = trace.words.idOf(DONE)
  }

  /** The log does not say when a client waited: it was mostly at the beginning. */
  decide(connection: number, nowMs: number): Decision {
    const queuedMs = this.#trace.queuedMs[connection] as number
    if (queuedMs === 0) return this.#outcome(connection)
    this.pool = this.#rows.loggedPool[connection] as number
    this.#waiting.push(nowMs + queuedMs, connection)
    return WAITING
  }

  get nextMs(): number {
    return this.#waiting.nextMs
  }

  nextServed(): number {
    const connection = this.#waiting.pop()
    this.decision = this.#outcome(connection)
    return connection
  }

  #outcome(connection: number): Decision {
    this.pool = this.#rows.loggedPool[connection] as number
    const row = this.#rows.logged[connection] as number
    return row === NO_ROW ? this.refusal(connection) : row
  }

  /** Why the client got no remote; LEFT_OUT: for a reason that routes and pools do not change. */
  refusal(connection: number): Decision {
    return this.#refusals[this.#trace.end[connection] as number] as Decision
  }

  /** Whether the connection ended before a remote was chosen: it cannot be simulated. */
  endedEarly(connection: number): boolean {
    return (
      this.#rows.logged[connection] === NO_ROW &&
      this.#trace.end[connection] !== this.#done &&
      this.refusal(connection) === LEFT_OUT
    )
  }
}
