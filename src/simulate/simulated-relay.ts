/**
 * The relay of a simulation: access rules, routes, pools and policies are those that serve clients; sockets, clock and
 * remotes are not.
 */
import type { RouteFacts } from '../admission/route-facts.js'
import { NO_ROUTE, REJECT_CLOSE } from '../admission/router.js'
import { reachedLimit } from '../balance/attempt-limit.js'
import { hasToWait } from '../balance/has-to-wait.js'
import { pickSticky } from '../balance/pick-sticky.js'
import { FULL, NONE } from '../balance/policy.js'
import { SlotSet } from '../balance/slot-set.js'
import { ByteMeter } from './byte-meter.js'
import {
  type Chooser,
  type Decision,
  LATER,
  LEFT_OUT,
  NO_REMOTE,
  QUEUE_FULL,
  QUEUE_TIMEOUT,
  REJECTED,
  UNKNOWN_LISTENER,
  WAITING,
} from './decision.js'
import { LoggedRemotes } from './logged-remotes.js'
import { PoolQueues } from './pool-queues.js'
import type { RelayModel, SimulatedPool, StickyMemory } from './relay-model.js'
import { NO_ROW, type Rows } from './rows.js'
import type { Trace } from './trace.js'
import { TraceFacts } from './trace-facts.js'
import { type TraceListener, TraceListeners } from './trace-listeners.js'

/** Connect times are not in a log: for policies that measure them all remotes answer as fast. */
const CONNECT_MS = 1

export class SimulatedRelay implements Chooser {
  pool = NO_ROW
  againMs = 0
  decision: Decision = LEFT_OUT
  readonly #model: RelayModel
  readonly #trace: Trace
  readonly #listeners: TraceListeners
  readonly #facts: TraceFacts
  readonly #logged: LoggedRemotes
  readonly #rows: Rows
  readonly #meter: ByteMeter
  readonly #queues: PoolQueues
  /** Remotes that a client has tried in this round. Empty between events. */
  #tried = new SlotSet()
  /** By connection that waits in a queue, if there are any. They are few: a failure makes others skip the remote. */
  readonly #triedBefore = new Map<number, SlotSet>()
  /** By slot, 1: it refuses connections. */
  readonly #isDown: Uint8Array
  /** By connection: its pool, its attempts, and what its pool and listener allow for connecting to a remote. */
  readonly #poolOf: Int32Array
  readonly #attempts: Int32Array
  readonly #attemptsMax: Float64Array
  readonly #roundsLeft: Float64Array
  readonly #deadlineMs: Float64Array

  constructor(model: RelayModel, trace: Trace, rows: Rows) {
    this.#model = model
    this.#trace = trace
    this.#listeners = new TraceListeners(model.listeners, trace.words)
    this.#facts = new TraceFacts(trace)
    this.#logged = new LoggedRemotes(trace, rows)
    this.#rows = rows
    this.#meter = new ByteMeter(model.use.length)
    this.#isDown = new Uint8Array(model.use.length)
    this.#queues = new PoolQueues(trace.count, rows.pools.length)
    this.#poolOf = new Int32Array(trace.count)
    this.#attempts = new Int32Array(trace.count)
    this.#attemptsMax = new Float64Array(trace.count)
    this.#roundsLeft = new Float64Array(trace.count)
    this.#deadlineMs = new Float64Array(trace.count)
  }

  decide(connection: number, nowMs: number): Decision {
    this.pool = NO_ROW
    const listener = this.#listeners.at(this.#trace.listener[connection] as number)
    if (listener === undefined) return UNKNOWN_LISTENER
    if (this.#logged.endedEarly(connection)) return LEFT_OUT
    const facts = this.#facts.of(connection, listener)
    if (!this.#admits(connection, listener, facts, nowMs)) return REJECTED
    const pool = this.#poolFor(connection, listener, facts, nowMs)
    if (pool < 0) return pool
    this.pool = pool
    const served = this.#model.pools[pool] as SimulatedPool
    if (served.allows?.(facts) === false) return REJECT_CLOSE
    served.pool.countClient()
    const { dialRetries = served.dialRetries, dialTimeoutMs = served.dialTimeoutMs } = listener
    this.#poolOf[connection] = pool
    this.#attemptsMax[connection] = listener.attemptsMax ?? served.attemptsMax
    this.#roundsLeft[connection] = dialRetries
    this.#deadlineMs[connection] = nowMs + dialTimeoutMs
    return this.#choose(connection, facts, false, nowMs)
  }

  decideAgain(connection: number, nowMs: number): Decision {
    this.pool = this.#poolOf[connection] as number
    if (nowMs >= (this.#deadlineMs[connection] as number)) return NO_REMOTE
    return this.#choose(connection, this.#factsOf(connection), false, nowMs)
  }

  get nextMs(): number {
    return this.#queues.nextMs
  }

  nextServed(nowMs: number): number {
    for (let pool = this.#queues.takeDue(nowMs); pool !== NO_ROW; pool = this.#queues.takeDue(nowMs)) {
      this.pool = pool
      const connection = this.#serveNext(pool, nowMs)
      if (connection !== NO_ROW) {
        this.#queues.wakeBy(pool, nowMs)
        return connection
      }
      this.#wakeLater(pool, nowMs)
    }
    return NO_ROW
  }

  began(connection: number, row: number, nowMs: number): void {
    if (this.#isMetered(row))
      this.#meter.begin(row, this.#bytes(connection), this.#lengthMs(connection), nowMs)
  }

  ended(connection: number, row: number, nowMs: number): void {
    this.#memoryOf(connection, row)?.left(row, nowMs)
    if (this.#isMetered(row)) this.#meter.end(row, this.#bytes(connection), this.#lengthMs(connection), nowMs)
    this.#queues.wakeBy(this.#poolOf[connection] as number, nowMs)
  }

  setDown(row: number, isDown: boolean, nowMs: number): void {
    this.#isDown[row] = isDown ? 1 : 0
    this.#meter.clear(row)
    // Its sessions have ended; the clients that wait do not know that it is down.
    this.#queues.wakeBy(this.#rows.remotes[row]?.pool ?? 0, nowMs)
  }

  /** Rules for users of Unix sockets, and those about certificates, need more than the log has: what they decided then holds. */
  #admits(connection: number, listener: TraceListener, facts: RouteFacts, nowMs: number): boolean {
    const isByLog = facts.addressByteCount === 0 || (listener.usesLoggedRules && this.#trace.isLog)
    return isByLog ? this.#logged.refusal(connection) !== REJECTED : this.#model.admits(facts, nowMs)
  }

  /** The index of the pool, or the decision of the routes. */
  #poolFor(connection: number, listener: TraceListener, facts: RouteFacts, nowMs: number): Decision {
    if (listener.pool !== undefined) return listener.pool
    if (!listener.usesLoggedPools || !this.#trace.isLog) return this.#route(facts, nowMs)
    const logged = this.#rows.loggedPool[connection] as number
    if (logged >= 0) return logged < this.#model.pools.length ? logged : NO_ROUTE
    return this.#logged.refusal(connection)
  }

  #route(facts: RouteFacts, nowMs: number): Decision {
    const { admitsRouted, router } = this.#model
    const pool = router.route(facts, nowMs)
    return router.matched < 0 || admitsRouted(facts, router.matched, nowMs) ? pool : REJECTED
  }

  /** `isTurn`: it was the first one that waited. */
  #choose(connection: number, facts: RouteFacts, isTurn: boolean, nowMs: number): Decision {
    const slot = this.#dial(connection, facts, isTurn, nowMs)
    // The back-off of a remote may have begun or ended.
    this.#queues.wakeBy(this.pool, nowMs)
    if (slot === FULL) return this.#enqueue(connection, nowMs)
    return slot === NONE ? this.#waitForRound(connection, nowMs) : slot
  }

  /** Tries remotes as `relay/opening/attempts.ts` does: the slot of the first one that accepts, FULL, NONE or NO_REMOTE. */
  #dial(connection: number, facts: RouteFacts, isTurn: boolean, nowMs: number): number {
    const before = this.#triedBefore.get(connection)
    const tried = before ?? this.#tried
    const served = this.#model.pools[this.pool] as SimulatedPool
    const { pool } = served
    const memory = served.memoryOf(facts)
    const key = served.hashOf === undefined ? 0 : served.hashOf(facts)
    const isWaitedFor = this.#queues.countOf(this.pool) > 0
    let hasTried = before !== undefined
    let mayOvertake = isTurn
    if (pool.observes === 'bytes') this.#meter.report(pool, nowMs)
    for (;;) {
      let slot = FULL
      if (this.#isAtLimit(connection, served, nowMs) && pool.hasUntried(tried)) slot = NO_REMOTE
      else if (mayOvertake || !hasToWait(pool, tried, hasTried, isWaitedFor, nowMs)) {
        slot =
          memory === undefined ? pool.pick(tried, nowMs, key) : pickSticky(pool, memory, tried, nowMs, key)
      }
      if (slot < 0 || this.#connects(connection, slot, served, nowMs)) {
        if (hasTried) this.#keepTried(connection, tried, slot === FULL)
        return slot
      }
      tried.add(slot)
      hasTried = true
      mayOvertake = false
    }
  }

  /** Whether one more attempt is more than may be. */
  #isAtLimit(connection: number, { retryBudget }: SimulatedPool, nowMs: number): boolean {
    const attempts = this.#attempts[connection] as number
    return reachedLimit(attempts, this.#attemptsMax[connection] as number, retryBudget, nowMs) !== undefined
  }

  /** An attempt to connect. */
  #connects(connection: number, slot: number, { pool, retryBudget }: SimulatedPool, nowMs: number): boolean {
    const { health, verdict } = this.#model
    const attempts = this.#attempts[connection] as number
    this.#attempts[connection] = attempts + 1
    retryBudget?.count(attempts, nowMs)
    const isUp = this.#isDown[slot] === 0
    if (isUp) health.succeeded(slot)
    else health.failed(slot, nowMs, nowMs)
    if (isUp !== (verdict[slot] === 0)) this.#model.reportEvidence(slot, isUp, nowMs)
    if (isUp && pool.observes === 'connect-ms') pool.observe(slot, CONNECT_MS, nowMs)
    return isUp
  }

  /** A client that waits in a queue does not try the same remotes again; in a new round it does. */
  #keepTried(connection: number, tried: SlotSet, isQueued: boolean): void {
    if (!isQueued) this.#triedBefore.delete(connection)
    if (tried !== this.#tried) return
    if (!isQueued) tried.clear()
    else {
      this.#triedBefore.set(connection, tried)
      this.#tried = new SlotSet()
    }
  }

  #enqueue(connection: number, nowMs: number): Decision {
    const { queueSize } = this.#model.pools[this.pool] as SimulatedPool
    if (this.#queues.countOf(this.pool) >= queueSize) {
      this.#triedBefore.delete(connection)
      return QUEUE_FULL
    }
    this.#queues.append(this.pool, connection, nowMs)
    this.#queues.wakeBy(this.pool, nowMs)
    return WAITING
  }

  /**
   * Serves the first waiting client that a remote has room for, as `relay/opening/pool-queue.ts` does; otherwise times out the
   * head of the queue if it is due. Returns the connection, or NO_ROW.
   */
  #serveNext(pool: number, nowMs: number): number {
    const queues = this.#queues
    const served = this.#model.pools[pool] as SimulatedPool
    const first = queues.firstOf(pool)
    let before = NO_ROW
    for (let connection = first; connection !== NO_ROW; connection = queues.after(connection)) {
      const tried = this.#triedBefore.get(connection)
      if (served.pool.outlook(tried ?? this.#tried, nowMs) !== FULL) {
        queues.remove(pool, connection, before)
        const waitedMs = nowMs - queues.queuedAtMs(connection)
        this.#deadlineMs[connection] = (this.#deadlineMs[connection] as number) + waitedMs
        this.decision = this.#choose(connection, this.#factsOf(connection), true, nowMs)
        return connection
      }
      // Others have a choice only if this one has used up a part of it.
      if (tried === undefined) break
      before = connection
    }
    if (first === NO_ROW || nowMs < queues.queuedAtMs(first) + served.queueTimeoutMs) return NO_ROW
    queues.remove(pool, first, NO_ROW)
    this.#triedBefore.delete(first)
    this.decision = QUEUE_TIMEOUT
    return first
  }

  /** All wait for the same time, so the first one is the first that may have waited for too long. */
  #wakeLater(pool: number, nowMs: number): void {
    const first = this.#queues.firstOf(pool)
    if (first === NO_ROW) return
    const { pool: own, queueTimeoutMs } = this.#model.pools[pool] as SimulatedPool
    this.#queues.wakeBy(pool, this.#queues.queuedAtMs(first) + queueTimeoutMs)
    for (let i = 0; i < own.members.length; i++) {
      const untilMs = this.#model.health.backOffUntilMs(own.members[i] as number)
      if (untilMs > nowMs) this.#queues.wakeBy(pool, untilMs)
    }
  }

  #waitForRound(connection: number, nowMs: number): Decision {
    const rounds = this.#roundsLeft[connection] as number
    const isAtMax = (this.#attempts[connection] as number) >= (this.#attemptsMax[connection] as number)
    if (rounds === 0 || isAtMax) return NO_REMOTE
    this.#roundsLeft[connection] = rounds - 1
    this.againMs = Math.min(nowMs + this.#model.roundPauseMs, this.#deadlineMs[connection] as number)
    return LATER
  }

  #factsOf(connection: number): RouteFacts {
    const listener = this.#listeners.at(this.#trace.listener[connection] as number) as TraceListener
    return this.#facts.of(connection, listener)
  }

  #memoryOf(connection: number, row: number): StickyMemory | undefined {
    const pool = this.#model.pools[this.#rows.remotes[row]?.pool ?? NO_ROW]
    return pool?.memoryOf(this.#factsOf(connection))
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
