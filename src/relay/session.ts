import { NONE } from '../balance/policy.js'
import { invariant } from '../base/invariant.js'
import { SO_ERROR, SOL_SOCKET } from '../kernel/constants.js'
import { EAGAIN } from '../kernel/errno.js'
import { setKeepAlive } from '../kernel/keepalive.js'
import { FAILED, HUNG_UP, ENDED as PEER_ENDED, READABLE, URGENT, WRITABLE } from '../reactor/poller.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import type { TlsChannel } from '../tls/channel.js'
import { endInOrder, hasLeft, passOnFailure, passOnFailureTimer, sinkLeft } from './closing/endings.js'
import { Connection, NO_FD } from './connection.js'
import type { RelayContext } from './context.js'
import { askingReady, askingTimer } from './opening/asking.js'
import { attemptReady, attemptTimer, attemptTurn } from './opening/attempts.js'
import type { Dialling } from './opening/dialling.js'
import { greetingReady, greetingTimer } from './opening/greeting.js'
import { type EndReason, MAY_BECOME, type Phase } from './phases.js'
import * as d from './transfer/direction.js'
import { pumpMessages } from './transfer/messages.js'
import { pump } from './transfer/pump.js'
import { endTls } from './transfer/tls-transport.js'

const INPUT = READABLE | URGENT | PEER_ENDED | FAILED | HUNG_UP
const NEWS = URGENT | PEER_ENDED | FAILED

/**
 * A client of TCP that has said its end may wait for an answer, or be gone; an SCTP server that is told of the end can
 * answer no more. It is told when it has been silent for so long, where `half-close timeout` does not say how long.
 */
const HELD_END_MS = 10_000

/** The kernel's first probe comes after a second at the earliest (`tcp keepalive idle`), by default after two hours. */
const KEEP_ALIVE_AFTER_MS = 1_000

/**
 * One client and its remote: a record of fixed shape that is used again and again. It alone talks to the loop;
 * directions only answer. What sessions share is in `relay`.
 */
export class Session implements TimerOwner {
  readonly relay: RelayContext
  /** The number of this record, whatever session it is of. */
  readonly record: number
  readonly client: Connection = new Connection(this, true)
  readonly remote: Connection = new Connection(this, false)
  readonly toRemote: d.Direction = new d.Direction(this.client, this.remote)
  readonly toClient: d.Direction = new d.Direction(this.remote, this.client)
  /** The one moment that is waited for; `phase` says for what. */
  readonly timer: Timer = new Timer(this)
  phase: Phase = 'closed'
  /** Place in the relay's list of open sessions. */
  index = 0
  /** Counts the sessions of a child from 1; with the slot of the child of its birth it is the session's name. */
  sequence = 0
  birthChild = 0
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

  greetingDeadlineMs = 0

  /** The question that it waits for an answer to; 0: none. */
  questionToken = 0
  /** Of the listener, or as a classic master has said. */
  realm = ''
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

  beginDialling(): Dialling {
    this.#dialling = this.relay.diallings.lend()
    return this.#dialling
  }

  endDialling(): void {
    if (this.#dialling !== undefined) this.relay.diallings.giveBack(this.#dialling)
    this.#dialling = undefined
  }

  get id(): string {
    return `${this.birthChild}-${this.sequence}`
  }

  enter(next: Phase): void {
    invariant(MAY_BECOME[this.phase].includes(next), 'a session cannot go from', this.phase, next)
    if (this.relay.trace.isOn) this.relay.trace.say(`session ${this.id}: ${this.phase} -> ${next}`)
    this.phase = next
  }

  /** The loop has news of one of the two sockets. */
  onReady(connection: Connection, readiness: number): void {
    if ((readiness & INPUT) !== 0) connection.mayRead = true
    if ((readiness & NEWS) !== 0) this.#note(connection, readiness)
    if (this.phase === 'dialling') {
      attemptReady(this, connection, readiness)
      return
    }
    if (this.phase === 'greeting') {
      greetingReady(this)
      return
    }
    if (this.phase === 'asking') {
      askingReady(this)
      return
    }
    if (connection.error !== 0) {
      passOnFailure(this, connection)
      return
    }
    if (connection.readsWhenWritable && (readiness & WRITABLE) !== 0) {
      connection.readsWhenWritable = false
      connection.mayRead = true
    }
    // While the sink is full nothing is read: the direction goes on when that is writable.
    if (!connection.reads.isBlocked) {
      if (connection.mayRead) this.run(connection.reads)
    } else if ((readiness & READABLE) !== 0) this.#hush(connection)
    const unblocks = connection.writesWhenReadable ? READABLE | WRITABLE : WRITABLE
    if ((readiness & unblocks) !== 0 && connection.writes.isBlocked) this.run(connection.writes)
  }

  onTimer(): void {
    if (this.phase === 'dialling') attemptTimer(this)
    else if (this.phase === 'greeting') greetingTimer(this)
    else if (this.phase === 'asking') askingTimer(this)
    else if (this.broken !== undefined) passOnFailureTimer(this)
    else this.#quietTimer()
  }

  /** Moves what can be moved one way, and does what follows. */
  run(way: d.Direction): void {
    // A turn may have been meant for the last session of this record.
    if (this.phase === 'closed' || this.phase === 'asking' || way.isDone || way.isQueued) return
    if (this.phase === 'greeting') {
      greetingReady(this)
      return
    }
    if (this.phase === 'dialling') {
      attemptTurn(this)
      return
    }
    const { relay } = this
    const before = way.bytes
    const { splice } = relay.options
    const { calls } = relay.system
    const pumped = way.isOfMessages
      ? pumpMessages(way, calls, relay.blocks)
      : pump(way, calls, relay.blocks, relay.pipes, splice)
    if (way.bytes !== before) {
      this.lastActiveMs = relay.loop.nowMs
      way.notePace(way.bytes - before, splice, relay.pipes)
    }
    switch (pumped) {
      case d.EMPTY:
        if (way.bytes - before >= splice.restBytes && this.#mayRest(way)) this.#rest(way)
        else this.#waitForSource(way.source)
        return
      case d.BLOCKED:
        this.#waitForSink(way.sink)
        return
      case d.SPENT:
        relay.loop.later(way)
        return
      case d.ENDED:
        this.#wayEnded(way)
        return
      case d.SOURCE_FAILED:
        way.isDone = true
        passOnFailure(this, way.source)
        return
      case d.SINK_FAILED:
        way.isDone = true
        if (hasLeft(way.sink) && this.broken === undefined) sinkLeft(this, way)
        else passOnFailure(this, way.sink)
        return
    }
  }

  /** A remote is there: bytes flow from now on. */
  startRelaying(): void {
    this.enter('relaying')
    this.wasConnected = true
    const isOfMessages = this.client.isSctp && this.remote.isSctp
    this.toRemote.isOfMessages = isOfMessages
    this.toClient.isOfMessages = isOfMessages
    this.lastActiveMs = this.relay.loop.nowMs
    this.keepAliveLater()
    this.waitForQuiet()
    this.run(this.toRemote)
    if (this.phase !== 'closed' && this.remote.mayRead) this.run(this.toClient)
  }

  /** Ends both sides with a reset: the relay's own decision, which no peer may take for a clean end. */
  cut(reason: EndReason): void {
    const { calls } = this.relay.system
    if (this.client.fd !== NO_FD) calls.resetOnClose(this.client.fd)
    if (this.remote.fd !== NO_FD) calls.resetOnClose(this.remote.fd)
    this.close(reason)
  }

  /** Closes both sockets as they are and gives the record back. */
  close(reason: EndReason): void {
    this.reason = reason
    this.enter('closed')
    this.relay.loop.timers.unset(this.timer)
    this.endDialling()
    if (this.questionToken !== 0) this.relay.questions.withdraw(this)
    this.closeConnection(this.client)
    this.closeConnection(this.remote)
    this.dropHeld(this.toRemote)
    this.dropHeld(this.toClient)
    this.relay.sessionClosed(this)
  }

  /** Gives up what a direction holds. */
  dropHeld(way: d.Direction): void {
    way.drop(this.relay.blocks, this.relay.pipes)
  }

  closeConnection(connection: Connection): void {
    if (connection.fd === NO_FD) return
    this.relay.loop.forget(connection.fd, connection)
    connection.tls?.free()
    connection.tls = undefined
    this.relay.system.calls.close(connection.fd)
    connection.fd = NO_FD
  }

  /** Keepalive is for connections that last: most are over before it would be any use. Accepted sockets inherit it. */
  keepAliveLater(): void {
    const { loop, options } = this.relay
    const { isSctp, isUnix } = this.remote
    if (options.keepAlive.isOn && !isUnix && !isSctp) this.keepAliveAtMs = loop.nowMs + KEEP_ALIVE_AFTER_MS
  }

  /** Waits for silence, where silence has a limit in this phase, and until keepalive is due. */
  waitForQuiet(): void {
    const dueMs = Math.min(this.lastActiveMs + this.#quietMs(), this.keepAliveAtMs)
    if (dueMs < Number.POSITIVE_INFINITY) this.relay.loop.timers.set(this.timer, dueMs)
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
    this.comment = ''
    this.broken = undefined
    this.heldEnd = undefined
  }

  /** Nothing to read, for now; with TLS it may have brought what writing has waited for. */
  #waitForSource(source: Connection): void {
    this.relay.loop.again(source.fd, source, source.readsWhenWritable ? WRITABLE : READABLE)
    if (source.writesWhenReadable && source.writes.isBlocked) this.run(source.writes)
  }

  /** Of a stream in full flow; nobody may wait for room at the same socket. */
  #mayRest({ bigRuns, source }: d.Direction): boolean {
    return bigRuns >= this.relay.options.splice.restRuns && !source.writes.isBlocked
  }

  /** To be woken by each segment costs more than a longer run a moment later. */
  #rest(way: d.Direction): void {
    const { loop } = this.relay
    loop.hush(way.source.fd, way.source)
    way.source.mayRead = true
    loop.soon(way)
  }

  #waitForSink(sink: Connection): void {
    this.relay.loop.again(sink.fd, sink, sink.writesWhenReadable ? READABLE : WRITABLE)
  }

  /** In bulk a segment a time would wake the relay for nothing, some ten times until the sink has room. */
  #hush(connection: Connection): void {
    if (connection.reads.isSpliced && !connection.writes.isBlocked)
      this.relay.loop.hush(connection.fd, connection)
  }

  #note(connection: Connection, readiness: number): void {
    if ((readiness & PEER_ENDED) !== 0) connection.hasPeerEnded = true
    if ((readiness & URGENT) !== 0) connection.hasUrgent = true
    if ((readiness & FAILED) === 0 || connection.error !== 0) return
    const errno = this.relay.system.calls.getOption(connection.fd, SOL_SOCKET, SO_ERROR)
    if (errno > 0) connection.fail(errno)
  }

  /** The last byte of one direction has been taken by its sink. */
  #wayEnded(way: d.Direction): void {
    way.isDone = true
    way.demote(this.relay.pipes)
    if (this.broken !== undefined) {
      passOnFailure(this, this.broken)
      return
    }
    if (way.sink.tls !== undefined && !this.#endTls(way, way.sink.tls)) return
    if (way.sink.reads.isDone) {
      this.close('done')
      return
    }
    if (way.source.isSctp) {
      endInOrder(this, way.source)
      return
    }
    if (way.sink.isSctp) this.heldEnd = way.source
    const outcome = way.sink.isSctp ? 0 : this.relay.system.calls.shutdownWrite(way.sink.fd)
    if (outcome < 0) {
      way.sink.fail(-outcome)
      passOnFailure(this, way.sink)
      return
    }
    this.enter('draining')
    // The end is a sign of life: silence is counted from here on.
    this.lastActiveMs = this.relay.loop.nowMs
    this.waitForQuiet()
  }

  /** Tells a TLS peer that nothing more comes; false when that has to wait, or failed. */
  #endTls(way: d.Direction, tls: TlsChannel): boolean {
    const { sink } = way
    const outcome = endTls(sink, tls)
    if (outcome === -EAGAIN) {
      way.isDone = false
      way.isBlocked = true
      this.#waitForSink(sink)
    } else if (outcome < 0) {
      sink.fail(-outcome)
      passOnFailure(this, sink)
    }
    return outcome >= 0
  }

  #quietMs(): number {
    const { idleTimeoutMs, halfCloseTimeoutMs } = this.relay.options
    const idleMs = idleTimeoutMs === 0 ? Number.POSITIVE_INFINITY : idleTimeoutMs
    if (this.phase !== 'draining') return idleMs
    if (halfCloseTimeoutMs !== 0) return Math.min(idleMs, halfCloseTimeoutMs)
    return this.heldEnd === undefined ? idleMs : Math.min(idleMs, HELD_END_MS)
  }

  #quietTimer(): void {
    const { loop, options, system } = this.relay
    if (loop.nowMs >= this.keepAliveAtMs) {
      this.keepAliveAtMs = Number.POSITIVE_INFINITY
      setKeepAlive(system.calls, this.remote.fd, options.keepAlive)
    }
    const quietMs = this.#quietMs()
    if (loop.nowMs - this.lastActiveMs < quietMs) {
      this.waitForQuiet()
      return
    }
    if (this.heldEnd !== undefined && quietMs !== options.idleTimeoutMs) endInOrder(this, this.heldEnd)
    else this.cut(quietMs === options.idleTimeoutMs ? 'idle-timeout' : 'half-close-timeout')
  }
}
