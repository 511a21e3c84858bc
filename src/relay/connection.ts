import type { Calls, Fd } from '../kernel/calls.js'
import { IPPROTO_TCP, TCP_NODELAY } from '../kernel/constants.js'
import { add, COUNT } from '../observe/counters.js'
import { NO_TOKEN, type Watcher } from '../reactor/loop.js'
import type { TlsChannel } from '../tls/channel.js'
import type { TlsFacts } from '../tls/channel-facts.js'
import type { ClientHello } from '../wire/client-hello.js'
import { describeClient } from './peer-name.js'
import type { Session } from './session.js'
import type { NamedPeer } from './throttled-warnings.js'
import type { Direction } from './transfer/direction.js'
import { TCP } from './transfer/tcp-transport.js'
import { TLS, TLS_OVER_UNIX } from './transfer/tls-transport.js'
import type { Endpoint, Transport } from './transfer/transport.js'

export const NO_FD: Fd = -1

/**
 * One socket of a session, the client's or the remote's; a record for the session's whole life in the pool. A
 * token of the loop leads straight here.
 */
export class Connection implements Watcher, Endpoint, NamedPeer {
  token = NO_TOKEN
  fd: Fd = NO_FD
  readonly session: Session
  readonly isClient: boolean
  /** What its socket can do, and the calls that differ. */
  transport: Transport = TCP
  /** Whether it speaks Multipath TCP, where that was asked for. */
  isMptcp: boolean | undefined = undefined
  /** Where TLS is spoken; set by `speakTls` together with the transport. */
  tls: TlsChannel | undefined = undefined
  /** TLS that ends without close_notify was cut. */
  isTruncationReset = true
  /** What its handshake led to, where an access log wants to know. */
  tlsFacts: TlsFacts | undefined = undefined
  /** What was read of the client's TLS, which is passed on unopened. */
  hello: ClientHello | undefined = undefined
  /** Reading has to wait until the socket is writable: an answer to the peer has to leave first. */
  readsWhenWritable = false
  /** Writing has to wait for the rest of what the peer has begun to say. */
  writesWhenReadable = false
  /** There may be something to read: the loop said so, and no read has come up short since. */
  mayRead = false
  /** The peer has said that it will send no more; what it sent may still be unread. */
  hasPeerEnded = false
  /** Urgent data is about: a read stops at its mark, so a short one does not mean drained. */
  hasUrgent = false
  /** It was let in as a client without TLS before it said anything: its first bytes are checked. */
  mustBePlain = false
  /** A small send may wait until the peer has acknowledged the one before it (Nagle): TCP_NODELAY is not set yet. */
  mayDelay = false
  /** The first error of this socket (a positive errno), kept because the kernel tells it once. 0: none. */
  error = 0

  constructor(session: Session, isClient: boolean) {
    this.session = session
    this.isClient = isClient
  }

  /** Bytes that come from this peer. */
  get reads(): Direction {
    return this.isClient ? this.session.toRemote : this.session.toClient
  }

  /** Bytes that go to this peer. */
  get writes(): Direction {
    return this.isClient ? this.session.toClient : this.session.toRemote
  }

  get other(): Connection {
    return this.isClient ? this.session.remote : this.session.client
  }

  onReady(readiness: number): void {
    this.session.onReady(this, readiness)
  }

  /** From here on nothing that is sent waits. One send alone never does: most requests are over before this is needed. */
  neverDelay(calls: Calls): void {
    if (!this.mayDelay) return
    this.mayDelay = false
    calls.setOption(this.fd, IPPROTO_TCP, TCP_NODELAY, 1)
  }

  /** TLS begins on this socket; the channel is the connection's from here on. */
  speakTls(channel: TlsChannel, isTruncationReset: boolean): void {
    channel.trustsShortReceive = this.transport.shortReadDrains
    this.tls = channel
    this.transport = this.transport.hasReset ? TLS : TLS_OVER_UNIX
    this.isTruncationReset = isTruncationReset
  }

  /** Frees what the transport holds beside the descriptor. */
  endTls(): void {
    this.tls?.free()
    this.tls = undefined
  }

  noteCause(cause: string): void {
    if (this.session.cause === '') this.session.cause = cause
  }

  onProtocolError(reason: string): void {
    const { counters, loop, warnings } = this.session.relay
    this.noteCause(reason)
    add(counters, COUNT.tlsErrors, 1)
    warnings.reportTlsFailure(loop.nowMs, this, reason)
  }

  /** This peer in log lines: `192.0.2.7:5012`, or `remote db1`. */
  describe(): string {
    const { peer, relay, remoteSlot } = this.session
    return this.isClient ? describeClient(peer) : `remote ${relay.remotes.at(remoteSlot).name}`
  }

  /** Notes an error; the first one counts. */
  fail(errno: number): void {
    if (this.error === 0) this.error = errno
  }

  clear(): void {
    this.fd = NO_FD
    this.tls = undefined
    this.tlsFacts = undefined
    this.hello = undefined
    this.readsWhenWritable = false
    this.writesWhenReadable = false
    this.isMptcp = undefined
    this.transport = TCP
    this.mayRead = false
    this.hasPeerEnded = false
    this.hasUrgent = false
    this.mustBePlain = false
    this.mayDelay = false
    this.error = 0
  }
}
