/** What a phase of a session does about events. Each phase has one row in `phase-handlers.ts`. */
import type { Connection } from './connection.js'
import type { Session } from './session.js'
import type { Direction } from './transfer/direction.js'

export interface PhaseHandler {
  /** One of the two sockets is ready; the connection's own fields are up to date. */
  onReady(session: Session, connection: Connection, readiness: number): void
  /** The session's one timer has expired. */
  onTimer(session: Session): void
  /** A direction has a turn: it asked for one, or something that it waited for has happened. */
  onTurn(session: Session, way: Direction): void
}
