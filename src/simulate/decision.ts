/** What becomes of a connection: the row of its remote, or one of these negative numbers. */
import { NO_ROUTE, REJECT_CLOSE, REJECT_RESET } from '../admission/router.js'

export type Decision = number

/** Remotes of its pool failed, as often as `dial retries`, `attempts max` and `retry budget` allow, or until `dial timeout`. */
export const NO_REMOTE = -4
/** An access rule rejects the client. */
export const REJECTED = -5
/** It is decided later, when the chooser says so by `againMs`. */
export const LATER = -6
/** It is not simulated: it ended before a remote was chosen, for a reason that routes and pools do not change. */
export const LEFT_OUT = -7
/** The same: its listener is not in the configuration. */
export const UNKNOWN_LISTENER = -8

/** As many clients wait in the queue of its pool as may. */
export const QUEUE_FULL = -9
/** No remote of its pool has had room for as long as it may wait. */
export const QUEUE_TIMEOUT = -10
/** It waits in the queue of its pool until `nextServed` returns it. */
export const WAITING = -11

/** One more than the number of negative decisions, for counters by their absolute values. */
export const DECISIONS = 12

/** Why clients are refused, by decision. */
export const REFUSALS = {
  rejected: [REJECTED],
  noRoute: [NO_ROUTE],
  rejectedByRoute: [REJECT_CLOSE, REJECT_RESET],
} as const

export type Refusal = keyof typeof REFUSALS

/** Chooses the remotes of the connections of a trace, which it gets in order of time. */
export interface Chooser {
  /** The pool of the last decision, or NO_ROW. */
  readonly pool: number
  decide(connection: number, nowMs: number): Decision
  /** A connection for which the last answer was LATER, at the time `againMs`. */
  decideAgain?(connection: number, nowMs: number): Decision
  /** When to ask again after LATER. */
  readonly againMs?: number
  /** When `nextServed` is to be called, also because of events since then; Infinity: not yet. */
  readonly nextMs?: number
  /** Decides a WAITING connection whose time has come, and returns it; NO_ROW: there is none. `decision` is the decision. */
  nextServed?(nowMs: number): number
  readonly decision?: Decision
  /** The session of a connection has begun or ended. */
  began?(connection: number, row: number, nowMs: number): void
  ended?(connection: number, row: number, nowMs: number): void
  /** A remote goes down or comes back. */
  setDown?(row: number, isDown: boolean, nowMs: number): void
}
