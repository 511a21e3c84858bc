/** A socket of a session, with its state. */
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
 * One socket of a session, the client's or the remote's. The record is reused with the session's record; a token of
 * the loop refers to it directly.
 */
export class Connection implements Watcher, Endpoint, NamedPeer {
  token = NO_TOKEN
  fd: Fd = NO_FD
  readonly session: Session
  readonly isClient: boolean
  /** Traits of the kind of socket, and the calls that differ. */
  transport: Transport = TCP
  /** Whether it uses Multipath TCP; undefined where that was not requested. */
  isMptcp: boolean | undefined = undefined
  /** The TLS channel; set by `speakTls` together with the transport. */
  tls: TlsChannel | undefined = undefined
  /** TLS that ends without close_notify counts as a reset. */
  isTruncationReset = true
  /** Results of the handshake, kept for the access log. */
  tlsFacts: TlsFacts | undefined = undefined
  /** The ClientHello of a client whose TLS is passed through. */
  hello: ClientHello | undefined = undefined
  /** TLS has to write before it can read on: read when the socket is writable. */
  readsWhenWritable = false
  /** TLS has to read before it can write on: write when the socket is readable. */
  writesWhenReadable = false
  /** The socket may be readable: the loop reported it and no short read has drained it since. */
  mayRead = false
  /** The peer has sent FIN; bytes before it may still be unread. */
  hasPeerEnded = false
  /** There is urgent data: a read stops at its mark, so a short read does not mean drained. */
  hasUrgent = false
  /** Accepted as plain while it was silent: its first bytes are checked for TLS (`opening/late-tls.ts`). */
  mustBePlain = false
  /** TCP_NODELAY is not set yet: a small send may wait for an acknowledgement (Nagle). */
  mayDelay = false
  /** The first error of this socket (a positive errno), kept because the kernel reports it only once. 0: none. */
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

  /**
   * Sets TCP_NODELAY. Called before the second send, since the first never waits and many sessions send only once.
   */
  neverDelay(calls: Calls): void {
    if (!this.mayDelay) return
    this.mayDelay = false
    calls.setOption(this.fd, IPPROTO_TCP, TCP_NODELAY, 1)
  }

  /** Starts TLS on this socket; the connection owns the channel from here on. */
  speakTls(channel: TlsChannel, isTruncationReset: boolean): void {
    channel.trustsShortReceive = this.transport.shortReadDrains
    this.tls = channel
    this.transport = this.transport.hasReset ? TLS : TLS_OVER_UNIX
    this.isTruncationReset = isTruncationReset
  }

  /** Frees the TLS channel. */
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

  /** Records an error, unless there is one already. */
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
