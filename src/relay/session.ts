/** The session: one client and its remote. */
import type { Limiter } from '../admission/limiter.js'
import { NONE } from '../balance/policy.js'
import type { Pool } from '../balance/pool.js'
import { invariant } from '../base/invariant.js'
import type { Outcome } from '../kernel/calls.js'
import { SO_ERROR, SOL_SOCKET } from '../kernel/constants.js'
import { errorText } from '../kernel/errno.js'
import { FAILED, HUNG_UP, type Interest, PEER_ENDED, READABLE, URGENT } from '../reactor/poller.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import type { ProxyTlvs } from '../wire/proxy/tlvs.js'
import { NO_PROTOCOL } from '../wire/sniff/detect.js'
import type { PlainOpening } from '../wire/starttls/server/plain-opening.js'
import { Connection, NO_FD } from './connection.js'
import type { RelayContext } from './context.js'
import { BY_DEFAULT } from './opening/decided-by.js'
import type { Dialling } from './opening/dialling.js'
import type { Lookup } from './opening/host-lookups.js'
import type { LimitPlaces } from './opening/limit-places.js'
import type { LimitQueue } from './opening/limit-queue.js'
import { endTokenWait, leaveLimitQueue } from './opening/limiting.js'
import { leaveQueue } from './opening/queued.js'
import type { PhaseHandler } from './phase-handler.js'
import { OPENING_HANDLERS, PHASE_HANDLERS } from './phase-handlers.js'
import { type EndReason, MAY_BECOME, OPENING_PHASES, type OpeningPhase, type Phase } from './phases.js'
import type { RelayPool } from './relay-pools.js'
import type { DialTarget } from './remotes.js'
import { DEFAULT_SESSION_OPTIONS, type SessionOptions } from './session-options.js'
import type { StickyClient } from './stickiness.js'
import { Direction } from './transfer/direction.js'
import type { SessionGuard } from './transfer/session-guard.js'

const INPUT = READABLE | URGENT | PEER_ENDED | FAILED | HUNG_UP
/** Readiness that a connection stores, because the kernel reports it once. */
const EXCEPTIONAL = URGENT | PEER_ENDED | FAILED

/**
 * One client and its remote: a reusable record of fixed shape. It owns both descriptors and the timer, and only it
 * changes what the loop watches, except for parallel attempts while it dials; events go to the handler of its phase.
 * `relay` is what sessions share.
 */
export class Session implements TimerOwner {
  readonly relay: RelayContext
  /** The number of this record, the same for all sessions that use it. */
  readonly record: number
  readonly client: Connection = new Connection(this, true)
  readonly remote: Connection = new Connection(this, false)
  readonly toRemote: Direction = new Direction(this.client, this.remote)
  readonly toClient: Direction = new Direction(this.remote, this.client)
  /** The only timer; its meaning depends on the phase. */
  readonly timer: Timer = new Timer(this)
  phase: Phase = 'closed'
  /** The handler of the phase. */
  #handler: PhaseHandler = PHASE_HANDLERS.closed
  /** Index in the relay's list of open sessions. */
  index = 0
  /** Number among the sessions of a reactor, from 1; the second part of the session's id. */
  sequence = 0
  /** The slot of the child that accepted the client, also after another child has resumed the session. */
  birthChild = 0
  /** The first part of its id: the reactor that it started on, and that reactor's start time. */
  idPrefix = ''
  listenerSlot = 0
  remoteSlot = NONE
  /** The name of its pool in the access log; '': none. */
  pool = ''
  /** Its pool, if that observes bytes. */
  meteredPool: Pool | undefined = undefined
  /** Those of its pool and its listener, from dialling on. */
  options: SessionOptions = DEFAULT_SESSION_OPTIONS
  acceptedAtMs = 0
  /** How long it has waited for a remote with room. */
  queuedMs = 0
  /** When bytes last moved in either direction. */
  lastActiveMs = 0
  /** When keepalive is enabled on the remote's socket; Infinity: already enabled, or not configured. */
  keepAliveAtMs = Number.POSITIVE_INFINITY
  /** A remote was connected. */
  wasConnected = false
  reason: EndReason = 'done'
  /** The error that ends it, in words of the kernel or OpenSSL, for the access log; '' without one. */
  cause = ''

  /** The peer that has sent a PROXY header for the client, for the access log; '' if the client itself is connected. */
  via = ''
  /** A PROXY header has named the client: `peer` is not the address of the connection. */
  isNamed = false
  /** Its PROXY header says where its client has connected to. */
  hasDestination = false
  /** What the header says besides addresses. */
  tlvs: ProxyTlvs | undefined = undefined

  /** What is spoken with its client until that asks for TLS; undefined: not in the phase `starttls`. */
  plainOpening: PlainOpening | undefined = undefined
  /** When the greeting must be complete, in the time of the loop. */
  greetingDeadlineMs = 0

  /** What the client speaks: a number of `PROTOCOL_NAMES`, or NO_PROTOCOL. Known from `detecting` on. */
  protocol = NO_PROTOCOL
  /** The key for stickiness in the client's first bytes (`Detection.keys`); '' if there is none. Untrusted. */
  clientKey = ''

  /** Its pool, if that was chosen before `dialling`: where there are dynamic routes. */
  service: RelayPool | undefined = undefined
  /** The lookup that it waits for. */
  lookup: Lookup | undefined = undefined
  /** What it dials instead of a remote of the pool; undefined without a dynamic route. */
  target: DialTarget | undefined = undefined
  /** The same with the port, for the access log; '' until it is connected. */
  host = ''

  /** The open question to MAVIS; 0: none. */
  questionToken = 0
  /** The realm of its listener, or the one that a classic master sent. */
  realm = ''
  /** The listener's name for clients from a classic master; '' otherwise. */
  listener = ''
  /** The user of its certificate or key, if MAVIS was asked about users. */
  user = ''
  /** Of a client that a route rejected: file and line of the route; '' otherwise. */
  rule = ''
  /** The index of the route that chose its pool, BY_DEFAULT or BY_LISTENER. */
  decidedBy = BY_DEFAULT
  /** How it got its remote, with `access log detail = full`; '' otherwise. */
  why = ''
  /** Its failed attempts to connect to remotes, for the access log; '' without any. */
  failedAttempts = ''
  /** The comment of the MAVIS module that rejected the client. */
  comment = ''

  /** Undefined: its pool is not sticky, or nothing distinguishes the client. */
  sticky: StickyClient | undefined = undefined

  /** Its places of limits; undefined: its record has never had one. */
  limitPlaces: LimitPlaces | undefined = undefined
  /** Index of the limit that is applied next. */
  limitStep = 0
  /** Where it waits for a place of a limit. */
  limitQueue: LimitQueue | undefined = undefined
  /** The limit whose token it waits for. */
  limitWait: Limiter | undefined = undefined
  /** Its peer may send a PROXY header, so nothing was decided by the address of the peer. */
  hasProxyHeader = false
  /** Of the last session of this record with limits. */
  guard: SessionGuard | undefined = undefined
  /** This session has limits of bytes or times. */
  isGuarded = false

  /** State of dialling; lent to the session during that phase. */
  #dialling: Dialling | undefined = undefined

  /** The side whose FIN is held back, because the other side is SCTP, which has no half-close. */
  heldEnd: Connection | undefined = undefined

  // One side has failed: delivery of its last bytes to the other one.
  broken: Connection | undefined = undefined
  /** Bytes that the other side had not acknowledged at the last poll. */
  undelivered = 0
  /** Time until the next poll: for these bytes, or for more of the client's first bytes. */
  pollMs = 0

  constructor(relay: RelayContext, record: number) {
    this.relay = relay
    this.record = record
  }

  /** The client's socket address; zeros if it was not stored. */
  get peer(): Uint8Array {
    return this.relay.peers.at(this.record)
  }

  /** Where its client has connected to, as a socket address; undefined: to the socket of this session. */
  get clientDestination(): Uint8Array | undefined {
    return this.hasDestination ? this.relay.destinations.at(this.record) : undefined
  }

  get dialling(): Dialling {
    if (this.#dialling === undefined) throw new Error('dialling state of a session that is not dialling')
    return this.#dialling
  }

  beginDialling(service: RelayPool): Dialling {
    this.#dialling = this.relay.diallings.lend(service)
    return this.#dialling
  }

  endDialling(): void {
    if (this.#dialling === undefined) return
    this.failedAttempts = this.#dialling.failedAttempts.text
    this.#dialling.parallel.close(this.relay)
    this.relay.diallings.giveBack(this.#dialling)
    this.#dialling = undefined
  }

  get id(): string {
    return `${this.idPrefix}-${this.sequence}`
  }

  enter(next: Phase): void {
    invariant(MAY_BECOME[this.phase].includes(next), 'a session cannot go from', this.phase, next)
    if (this.relay.trace.isOn) this.relay.trace.say(`session ${this.id}: ${this.phase} -> ${next}`)
    this.resume(next)
  }

  /** Enters the next phase that it needs on its way to a remote, and starts it. */
  advance(): void {
    this.unsetTimer()
    const next = this.#nextPhase()
    this.enter(next)
    OPENING_HANDLERS[next].begin(this)
  }

  /** Every session needs the last one. */
  #nextPhase(): OpeningPhase {
    let i = OPENING_PHASES.indexOf(this.phase as OpeningPhase) + 1
    while (!OPENING_HANDLERS[OPENING_PHASES[i] as OpeningPhase].isNeeded(this)) i++
    return OPENING_PHASES[i] as OpeningPhase
  }

  /** Sets the phase without checking the transition: for thawed sessions. */
  resume(phase: Phase): void {
    this.phase = phase
    this.#handler = PHASE_HANDLERS[phase]
  }

  /** One of the two sockets is ready. */
  onReady(connection: Connection, readiness: number): void {
    if ((readiness & INPUT) !== 0) connection.mayRead = true
    if ((readiness & EXCEPTIONAL) !== 0) this.#note(connection, readiness)
    this.#handler.onReady(this, connection, readiness)
  }

  onTimer(): void {
    this.#handler.onTimer(this)
  }

  /** Gives a direction a turn, unless it is done or already queued for one. */
  run(way: Direction): void {
    if (!way.isDone && !way.isQueued) this.#handler.onTurn(this, way)
  }

  // Only the following methods use the loop for a session.

  /** Watches a socket of this session; a negated errno if that failed, without side effects. */
  watch(connection: Connection): Outcome {
    return this.relay.loop.watch(connection.fd, connection, 'stream')
  }

  /** Stops watching a socket, which stays open. */
  unwatch(connection: Connection): void {
    this.relay.loop.unwatch(connection.fd, connection)
  }

  /** Re-arms after EAGAIN: the loop reports `interest` once. */
  again(connection: Connection, interest: Interest): void {
    this.relay.loop.again(connection.fd, connection, interest)
  }

  /** Suppresses readiness events for this socket until `again`. */
  pauseReads(connection: Connection): void {
    this.relay.loop.pauseReads(connection.fd, connection)
  }

  /** Queues another turn for a direction, after all others. */
  runLater(way: Direction): void {
    this.relay.loop.later(way)
  }

  /** Queues another turn within 100 µs, or at the next event. */
  runSoon(way: Direction): void {
    this.relay.loop.soon(way)
  }

  /** A direction reads nothing until then, and neither does its kernel once its buffer is full. */
  sleep(way: Direction, timer: Timer, untilMs: number): void {
    const { source } = way
    // Not if the other direction waits for the same socket to become writable.
    if (!source.writes.isBlocked) this.pauseReads(source)
    // What arrives meanwhile is not reported.
    source.mayRead = true
    this.relay.loop.timers.set(timer, untilMs)
  }

  /** Sets the timer, replacing its time. */
  setTimer(atMs: number): void {
    this.relay.loop.timers.set(this.timer, atMs)
  }

  unsetTimer(): void {
    this.relay.loop.timers.unset(this.timer)
  }

  /** Resets both sides: for ends decided by the relay, which must not look like a clean end to a peer. */
  cut(reason: EndReason): void {
    const { calls } = this.relay.system
    if (this.client.fd !== NO_FD) calls.resetOnClose(this.client.fd)
    if (this.remote.fd !== NO_FD) calls.resetOnClose(this.remote.fd)
    this.close(reason)
  }

  /** Ends a session with nothing to deliver in order: FIN, after close_notify where there is TLS. */
  endIdle(reason: EndReason): void {
    // Best effort: a side that fails here is closed anyway.
    for (const side of [this.client, this.remote]) side.transport.sendEnd(side)
    this.close(reason)
  }

  /** Whether it relays, without data since then and with nothing to deliver or to read. */
  isIdleSince(ms: number): boolean {
    const { lastActiveMs, phase, toClient, toRemote } = this
    return phase === 'relaying' && lastActiveMs <= ms && !toClient.hasWork && !toRemote.hasWork
  }

  /** Resets both sides because of an error, which becomes the cause in the access log. */
  fail(reason: EndReason, errno: number): void {
    this.blame(errno)
    this.cut(reason)
  }

  /** Records the cause of the end; the first one is kept. */
  blame(errno: number): void {
    if (this.cause === '') this.cause = errorText(errno)
  }

  /** Closes both sockets and frees the record. */
  close(reason: EndReason): void {
    this.reason = reason
    if (this.phase === 'queued') leaveQueue(this)
    this.enter('closed')
    this.unsetTimer()
    this.endDialling()
    if (this.questionToken !== 0) this.relay.questions.withdraw(this)
    this.stopWaiting()
    leaveLimitQueue(this)
    endTokenWait(this)
    this.endLimits()
    this.closeConnection(this.client)
    this.closeConnection(this.remote)
    this.dropHeld(this.toRemote)
    this.dropHeld(this.toClient)
    this.relay.sessionClosed(this)
  }

  /** Leaves the lookup that it waits for, if any. */
  stopWaiting(): void {
    this.lookup?.waiting.delete(this)
    this.lookup = undefined
  }

  /** Nothing limits it any more. */
  endLimits(): void {
    if (this.isGuarded) this.guard?.end()
    this.isGuarded = false
  }

  /** Drops the bytes that a direction holds. */
  dropHeld(way: Direction): void {
    way.drop(this.relay.blocks, this.relay.pipes)
  }

  closeConnection(connection: Connection): void {
    if (connection.fd === NO_FD) return
    this.relay.loop.forget(connection.fd, connection)
    connection.endTls()
    this.relay.system.calls.close(connection.fd)
    connection.fd = NO_FD
  }

  /** Resets the record for the next session. */
  clear(): void {
    this.client.clear()
    this.remote.clear()
    this.toRemote.clear()
    this.toClient.clear()
    this.remoteSlot = NONE
    this.pool = ''
    this.service = undefined
    this.target = undefined
    this.host = ''
    this.meteredPool = undefined
    this.sticky = undefined
    this.keepAliveAtMs = Number.POSITIVE_INFINITY
    this.wasConnected = false
    this.queuedMs = 0
    this.user = ''
    this.listener = ''
    this.comment = ''
    this.rule = ''
    this.decidedBy = BY_DEFAULT
    this.why = ''
    this.failedAttempts = ''
    this.cause = ''
    this.broken = undefined
    this.heldEnd = undefined
    this.protocol = NO_PROTOCOL
    this.clientKey = ''
    this.via = ''
    this.isNamed = false
    this.hasDestination = false
    this.tlvs = undefined
    this.plainOpening = undefined
    this.hasProxyHeader = false
  }

  #note(connection: Connection, readiness: number): void {
    if ((readiness & PEER_ENDED) !== 0) connection.hasPeerEnded = true
    if ((readiness & URGENT) !== 0) connection.hasUrgent = true
    if ((readiness & FAILED) === 0 || connection.error !== 0) return
    // This clears the error (socket(7), SO_ERROR), so the connection keeps it.
    const errno = this.relay.system.calls.getOption(connection.fd, SOL_SOCKET, SO_ERROR)
    if (errno > 0) connection.fail(errno)
  }
}
