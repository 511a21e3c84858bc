import { NONE } from '../balance/policy.js'
import type { Pool } from '../balance/pool.js'
import { invariant } from '../base/invariant.js'
import type { Outcome } from '../kernel/calls.js'
import { SO_ERROR, SOL_SOCKET } from '../kernel/constants.js'
import { errorText } from '../kernel/errno.js'
import { FAILED, HUNG_UP, type Interest, PEER_ENDED, READABLE, URGENT } from '../reactor/poller.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import { Connection, NO_FD } from './connection.js'
import type { RelayContext } from './context.js'
import type { Dialling } from './opening/dialling.js'
import type { PhaseHandler } from './phase-handler.js'
import { PHASE_HANDLERS } from './phase-handlers.js'
import { type EndReason, MAY_BECOME, type Phase } from './phases.js'
import { Direction } from './transfer/direction.js'

const INPUT = READABLE | URGENT | PEER_ENDED | FAILED | HUNG_UP
/** Readiness that a connection remembers, because the kernel reports it once. */
const EXCEPTIONAL = URGENT | PEER_ENDED | FAILED

/**
 * One client and its remote: a record of fixed shape that is used again and again. It owns both descriptors and the
 * timer, and it alone changes what the loop watches and waits for; what to do about events says the handler of its
 * phase. What sessions share is in `relay`.
 */
export class Session implements TimerOwner {
  readonly relay: RelayContext
  /** The number of this record, whatever session it is of. */
  readonly record: number
  readonly client: Connection = new Connection(this, true)
  readonly remote: Connection = new Connection(this, false)
  readonly toRemote: Direction = new Direction(this.client, this.remote)
  readonly toClient: Direction = new Direction(this.remote, this.client)
  /** The one moment that is waited for; `phase` says for what. */
  readonly timer: Timer = new Timer(this)
  phase: Phase = 'closed'
  /** Of the phase. */
  #handler: PhaseHandler = PHASE_HANDLERS.closed
  /** Place in the relay's list of open sessions. */
  index = 0
  /** Counts the sessions of a reactor from 1; behind `idPrefix` it makes the session's id. */
  sequence = 0
  birthChild = 0
  /** The first part of its id: which reactor it began on, and when that began. */
  idPrefix = ''
  listenerSlot = 0
  remoteSlot = NONE
  acceptedAtMs = 0
  /** When bytes last moved, either way. */
  lastActiveMs = 0
  /** When the kernel is told to look after the remote's socket (keepalive); Infinity: it has been, or never is. */
  keepAliveAtMs = Number.POSITIVE_INFINITY
  /** A remote has answered: the session relays, or did. */
  wasConnected = false
  reason: EndReason = 'done'
  /** The error that ends it, as the system or OpenSSL calls it, for the access log; '' while there is none. */
  cause = ''

  greetingDeadlineMs = 0

  /** The question that it waits for an answer to; 0: none. */
  questionToken = 0
  /** Of the listener, or as a classic master has said. */
  realm = ''
  /** The name of its listener where that is not one of ours; '' otherwise. */
  listener = ''
  /** Whom its certificate or key names, where modules were asked about that. */
  user = ''
  /** What a module has said of a client that it refuses. */
  comment = ''

  /** Lent to it while it dials. */
  #dialling: Dialling | undefined = undefined

  /** Who has ended without the other side, which is one of SCTP, being told. */
  heldEnd: Connection | undefined = undefined

  // A broken side: what the other still has to get.
  broken: Connection | undefined = undefined
  undelivered = 0
  pollMs = 0

  constructor(relay: RelayContext, record: number) {
    this.relay = relay
    this.record = record
  }

  /** The client's socket address; zeros where nobody asked to note it. */
  get peer(): Uint8Array {
    return this.relay.peers.at(this.record)
  }

  get dialling(): Dialling {
    if (this.#dialling === undefined)
      throw new Error('a session that does not dial knows nothing of attempts')
    return this.#dialling
  }

  beginDialling(pool: Pool): Dialling {
    this.#dialling = this.relay.diallings.lend(pool)
    return this.#dialling
  }

  endDialling(): void {
    if (this.#dialling !== undefined) this.relay.diallings.giveBack(this.#dialling)
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

  /** The phase of a session that is made of a record without going through the steps before it. */
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

  /** Gives a direction a turn, unless it is done or has one coming. */
  run(way: Direction): void {
    if (!way.isDone && !way.isQueued) this.#handler.onTurn(this, way)
  }

  // Nothing but the following methods asks anything of the loop for a session.

  /** Watches a socket of this session; on failure (a negated errno) nothing has changed. */
  watch(connection: Connection): Outcome {
    return this.relay.loop.watch(connection.fd, connection, 'stream')
  }

  /** Takes a socket that stays open out of the loop. */
  unwatch(connection: Connection): void {
    this.relay.loop.unwatch(connection.fd, connection)
  }

  /** The socket had nothing, or no room: reports `interest` once it has. */
  again(connection: Connection, interest: Interest): void {
    this.relay.loop.again(connection.fd, connection, interest)
  }

  /** No wake-ups for bytes or room at this socket until `again`. */
  pauseReads(connection: Connection): void {
    this.relay.loop.pauseReads(connection.fd, connection)
  }

  /** Another turn for a direction, after everybody else had theirs. */
  runLater(way: Direction): void {
    this.relay.loop.later(way)
  }

  /** Another turn within 100 µs, or when anything else happens. */
  runSoon(way: Direction): void {
    this.relay.loop.soon(way)
  }

  /** Replaces what the timer waits for. */
  setTimer(atMs: number): void {
    this.relay.loop.timers.set(this.timer, atMs)
  }

  unsetTimer(): void {
    this.relay.loop.timers.unset(this.timer)
  }

  /** Ends both sides with a reset: the relay's own decision, which no peer may take for a clean end. */
  cut(reason: EndReason): void {
    const { calls } = this.relay.system
    if (this.client.fd !== NO_FD) calls.resetOnClose(this.client.fd)
    if (this.remote.fd !== NO_FD) calls.resetOnClose(this.remote.fd)
    this.close(reason)
  }

  /** The same because of an error, which the access log names; the first one does. */
  fail(reason: EndReason, errno: number): void {
    this.blame(errno)
    this.cut(reason)
  }

  /** Notes the error that will end it, unless there was one before. */
  blame(errno: number): void {
    if (this.cause === '') this.cause = errorText(errno)
  }

  /** Closes both sockets as they are and gives the record back. */
  close(reason: EndReason): void {
    this.reason = reason
    this.enter('closed')
    this.unsetTimer()
    this.endDialling()
    if (this.questionToken !== 0) this.relay.questions.withdraw(this)
    this.closeConnection(this.client)
    this.closeConnection(this.remote)
    this.dropHeld(this.toRemote)
    this.dropHeld(this.toClient)
    this.relay.sessionClosed(this)
  }

  /** Gives up what a direction holds. */
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

  /** Makes the record ready for another session. */
  clear(): void {
    this.client.clear()
    this.remote.clear()
    this.toRemote.clear()
    this.toClient.clear()
    this.remoteSlot = NONE
    this.keepAliveAtMs = Number.POSITIVE_INFINITY
    this.wasConnected = false
    this.user = ''
    this.listener = ''
    this.comment = ''
    this.cause = ''
    this.broken = undefined
    this.heldEnd = undefined
  }

  #note(connection: Connection, readiness: number): void {
    if ((readiness & PEER_ENDED) !== 0) connection.hasPeerEnded = true
    if ((readiness & URGENT) !== 0) connection.hasUrgent = true
    if ((readiness & FAILED) === 0 || connection.error !== 0) return
    const errno = this.relay.system.calls.getOption(connection.fd, SOL_SOCKET, SO_ERROR)
    if (errno > 0) connection.fail(errno)
  }
}
