/**
 * The relay of a simulation: access rules, routes, pools and policies are those that serve clients; sockets, clock and
 * remotes are not.
 */
import type { AccessList } from '../admission/access-list.js'
import type { RouteFacts } from '../admission/route-facts.js'
import { NO_ROUTE, REJECT_CLOSE, type Router } from '../admission/router.js'
import { type ClientMemory, pickSticky } from '../balance/pick-sticky.js'
import { FULL, NONE } from '../balance/policy.js'
import type { Pool } from '../balance/pool.js'
import type { RemoteHealth } from '../balance/remote-health.js'
import { SlotSet } from '../balance/slot-set.js'
import { ByteMeter } from './byte-meter.js'
import {
  type Chooser,
  type Decision,
  LATER,
  LEFT_OUT,
  NO_REMOTE,
  REJECTED,
  UNKNOWN_LISTENER,
} from './decision.js'
import { LoggedRemotes } from './logged-remotes.js'
import { NO_ROW, type Rows } from './rows.js'
import type { Trace } from './trace.js'
import { TraceFacts } from './trace-facts.js'
import { type TraceListener, TraceListeners } from './trace-listeners.js'

/** A client of a sticky pool. */
export interface StickyMemory extends ClientMemory {
  /** Its session with a remote has ended. */
  left(slot: number, nowMs: number): void
}

export interface SimulatedPool {
  readonly pool: Pool
  /** Undefined: the pool, or this client, is not sticky. */
  memoryOf(facts: RouteFacts): StickyMemory | undefined
  /** Undefined: it serves every client that is routed to it. */
  readonly allows: ((facts: RouteFacts) => boolean) | undefined
  /** The hash that its policy chooses by; undefined: it does not hash. */
  readonly hashOf: ((facts: RouteFacts) => number) | undefined
  readonly dialRetries: number
  readonly dialTimeoutMs: number
}

/** The parts of the program that decide. */
export interface RelayModel {
  readonly listeners: readonly TraceListener[]
  readonly accessList: AccessList
  readonly router: Router
  /** By index. */
  readonly pools: readonly SimulatedPool[]
  readonly health: RemoteHealth
  /** Sessions by slot; the policies read it. */
  readonly use: Int32Array
  /** By slot, 1: it is known to be down. */
  readonly verdict: ArrayLike<number>
  /** Reports an attempt that contradicts the verdict. */
  reportEvidence(slot: number, isUp: boolean, nowMs: number): void
  /** Pause between two rounds over all remotes. */
  readonly roundPauseMs: number
}

/** A client that waits for the next round, because all remotes of its pool have failed. */
interface Waiting {
  readonly pool: number
  readonly deadlineMs: number
  roundsLeft: number
}

/** Connect times are not in a log: for policies that measure them all remotes answer as fast. */
const CONNECT_MS = 1

export class SimulatedRelay implements Chooser {
  pool = NO_ROW
  againMs = 0
  readonly #model: RelayModel
  readonly #trace: Trace
  readonly #listeners: TraceListeners
  readonly #facts: TraceFacts
  readonly #logged: LoggedRemotes
  readonly #rows: Rows
  readonly #meter: ByteMeter
  readonly #tried = new SlotSet()
  /** By slot, 1: it refuses connections. */
  readonly #isDown: Uint8Array
  readonly #waiting = new Map<number, Waiting>()

  constructor(model: RelayModel, trace: Trace, rows: Rows) {
    this.#model = model
    this.#trace = trace
    this.#listeners = new TraceListeners(model.listeners, trace.words)
    this.#facts = new TraceFacts(trace)
    this.#logged = new LoggedRemotes(trace, rows)
    this.#rows = rows
    this.#meter = new ByteMeter(model.use.length)
    this.#isDown = new Uint8Array(model.use.length)
  }

  decide(connection: number, nowMs: number): Decision {
    this.pool = NO_ROW
    const listener = this.#listeners.at(this.#trace.listener[connection] as number)
    if (listener === undefined) return UNKNOWN_LISTENER
    if (this.#logged.endedEarly(connection)) return LEFT_OUT
    const facts = this.#facts.of(connection, listener)
    if (!this.#admits(connection, facts)) return REJECTED
    const pool = this.#poolFor(connection, listener, facts, nowMs)
    if (pool < 0) return pool
    this.pool = pool
    const served = this.#model.pools[pool] as SimulatedPool
    if (served.allows?.(facts) === false) return REJECT_CLOSE
    served.pool.countClient()
    const slot = this.#dial(served, facts, nowMs)
    if (slot !== NONE) return slot
    const { dialRetries = served.dialRetries, dialTimeoutMs = served.dialTimeoutMs } = listener
    const waiting = { pool, roundsLeft: dialRetries, deadlineMs: nowMs + dialTimeoutMs }
    return this.#wait(connection, waiting, nowMs)
  }

  decideAgain(connection: number, nowMs: number): Decision {
    const waiting = this.#waiting.get(connection)
    const listener = this.#listeners.at(this.#trace.listener[connection] as number)
    if (waiting === undefined || listener === undefined) return LEFT_OUT
    this.#waiting.delete(connection)
    this.pool = waiting.pool
    if (nowMs >= waiting.deadlineMs) return NO_REMOTE
    const served = this.#model.pools[waiting.pool] as SimulatedPool
    const slot = this.#dial(served, this.#facts.of(connection, listener), nowMs)
    return slot === NONE ? this.#wait(connection, waiting, nowMs) : slot
  }

  began(connection: number, row: number, nowMs: number): void {
    if (this.#isMetered(row))
      this.#meter.begin(row, this.#bytes(connection), this.#lengthMs(connection), nowMs)
  }

  ended(connection: number, row: number, nowMs: number): void {
    this.#memoryOf(connection, row)?.left(row, nowMs)
    if (this.#isMetered(row)) this.#meter.end(row, this.#bytes(connection), this.#lengthMs(connection), nowMs)
  }

  setDown(row: number, isDown: boolean): void {
    this.#isDown[row] = isDown ? 1 : 0
    this.#meter.clear(row)
  }

  /** Rules for users of Unix sockets need more than the log has: what they decided then holds. */
  #admits(connection: number, { address, addressAt, addressByteCount }: RouteFacts): boolean {
    if (addressByteCount === 0) return this.#logged.refusal(connection) !== REJECTED
    return this.#model.accessList.admits(address, addressAt, addressByteCount)
  }

  /** The index of the pool, or the decision of the routes. */
  #poolFor(connection: number, listener: TraceListener, facts: RouteFacts, nowMs: number): Decision {
    if (listener.pool !== undefined) return listener.pool
    if (!listener.usesLoggedPools || !this.#trace.isLog) return this.#model.router.route(facts, nowMs)
    const logged = this.#rows.loggedPool[connection] as number
    if (logged >= 0) return logged < this.#model.pools.length ? logged : NO_ROUTE
    return this.#logged.refusal(connection)
  }

  /** Tries the remotes of a pool once each: the slot of the first one that accepts, or NONE. */
  #dial({ hashOf, memoryOf, pool }: SimulatedPool, facts: RouteFacts, nowMs: number): number {
    const { health, verdict } = this.#model
    const memory = memoryOf(facts)
    const key = hashOf === undefined ? 0 : hashOf(facts)
    if (pool.observes === 'bytes') this.#meter.report(pool, nowMs)
    this.#tried.clear()
    for (;;) {
      const slot =
        memory === undefined
          ? pool.pick(this.#tried, nowMs, key)
          : pickSticky(pool, memory, this.#tried, nowMs, key)
      // Where remotes are full, a client is served like one whose remotes are down, as in `relay/opening/attempts.ts`.
      if (slot === NONE || slot === FULL) return NONE
      if (this.#isDown[slot] === 0) {
        health.succeeded(slot)
        if (verdict[slot] !== 0) this.#model.reportEvidence(slot, true, nowMs)
        if (pool.observes === 'connect-ms') pool.observe(slot, CONNECT_MS, nowMs)
        return slot
      }
      this.#tried.add(slot)
      health.failed(slot, nowMs, nowMs)
      if (verdict[slot] === 0) this.#model.reportEvidence(slot, false, nowMs)
    }
  }

  #wait(connection: number, waiting: Waiting, nowMs: number): Decision {
    if (waiting.roundsLeft-- === 0) return NO_REMOTE
    this.#waiting.set(connection, waiting)
    this.againMs = Math.min(nowMs + this.#model.roundPauseMs, waiting.deadlineMs)
    return LATER
  }

  #memoryOf(connection: number, row: number): StickyMemory | undefined {
    const pool = this.#model.pools[this.#rows.remotes[row]?.pool ?? NO_ROW]
    const listener = this.#listeners.at(this.#trace.listener[connection] as number)
    return listener && pool?.memoryOf(this.#facts.of(connection, listener))
  }

  #isMetered(row: number): boolean {
    const { pool = NO_ROW } = this.#rows.remotes[row] ?? {}
    return this.#model.pools[pool]?.pool.observes === 'bytes'
  }

  #bytes(connection: number): number {
    return (this.#trace.toRemote[connection] as number) + (this.#trace.toClient[connection] as number)
  }

  #lengthMs(connection: number): number {
    return this.#trace.lengthMs[connection] as number
  }
}
