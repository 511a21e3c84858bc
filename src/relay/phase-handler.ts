/** How a phase of a session handles events. Each phase has one row in `phase-handlers.ts`. */
import type { Connection } from './connection.js'
import type { Session } from './session.js'
import type { Direction } from './transfer/direction.js'

export interface PhaseHandler {
  /** One of the two sockets is ready; the connection's own fields are up to date. */
  onReady(session: Session, connection: Connection, readiness: number): void
  /** The session's one timer has expired. */
  onTimer(session: Session): void
  /** A direction has a turn: it requested one, or its socket is ready. */
  onTurn(session: Session, way: Direction): void
}

/** A phase before `relaying`. Each one has its place in the order of `OPENING_PHASES` (`phase-handlers.ts`). */
export interface OpeningHandler extends PhaseHandler {
  /** Whether the session's listener or the configuration has this phase, given what is known of the client by now. */
  isNeeded(session: Session): boolean
  /** Starts the phase; it goes on to the next one by `advance`, possibly at once. */
  begin(session: Session): void
}
