/**
 * What a session has to know of the kind of socket that a connection uses, and the calls that differ. One file beside
 * this one for each kind: `tcp-transport.ts`, `unix-transport.ts`, `sctp-transport.ts`, `tls-transport.ts`. Nothing
 * else in the relay asks what kind a socket is.
 */
import type { Calls, Fd, Outcome } from '../../kernel/calls.js'
import type { Region } from '../../kernel/region.js'
import type { TlsChannel } from '../../tls/channel.js'

export type TransportName = 'tcp' | 'unix' | 'sctp' | 'tls' | 'tls-unix'

/** The part of a `Connection` that a transport reads and writes. */
export interface Endpoint {
  readonly fd: Fd
  readonly tls: TlsChannel | undefined
  /** TLS that ends without close_notify counts as a reset. */
  readonly isTruncationReset: boolean
  readonly error: number
  readonly hasPeerEnded: boolean
  readonly hasUrgent: boolean
  mayRead: boolean
  readsWhenWritable: boolean
  writesWhenReadable: boolean
  /** Why the session will end, in words for the access log; the first cause counts. */
  noteCause(cause: string): void
  /** The peer broke the protocol of the transport; `reason` has the library's words. */
  onProtocolError(reason: string): void
}

/** Traits first, then calls. Transports are constants: a connection refers to the one of its kind. */
export interface Transport {
  readonly name: TransportName
  /** A short read has drained the socket. Otherwise `receive` itself sets `mayRead`. */
  readonly shortReadDrains: boolean
  /** One direction can end while the other goes on. */
  readonly hasHalfClose: boolean
  /** splice(2) can move its bytes. */
  readonly canSplice: boolean
  /** The peer can distinguish a reset from a regular end. */
  readonly hasReset: boolean
  /** Messages have boundaries, which are kept between two such sockets. */
  readonly keepsMessages: boolean
  /** Runs over TCP: TCP_NODELAY and keepalive apply. */
  readonly isTcp: boolean
  /** A session can be frozen with it: all of its state is in descriptors and in the record. */
  readonly canFreeze: boolean
  /** As recv(2): bytes, 0 at the end, or a negated errno. -EINTR: try again, in another turn if this one is spent. */
  receive(source: Endpoint, calls: Calls, into: Region, bytesMax: number): Outcome
  /** As send(2): bytes taken, fewer where the socket is full, or a negated errno. */
  send(sink: Endpoint, calls: Calls, from: Region, offset: number, byteCount: number): Outcome
  /** As `send`, for the last bytes: the caller ends this direction at once, so both can leave in one segment. */
  sendLast(sink: Endpoint, calls: Calls, from: Region, offset: number, byteCount: number): Outcome
  /** Sends the protocol's own end (close_notify) before shutdown(2): 0, -EAGAIN while blocked, or a negated errno. */
  sendEnd(sink: Endpoint): Outcome
  /** Bytes that the peer has not acknowledged yet, or a negated errno. */
  unsentBytes(calls: Calls, fd: Fd): Outcome
}
