/**
 * The system calls of the data path as an interface. Start reading this folder here: `linux-calls.ts` implements it
 * on `ffi.ts`, `region.ts` and `memory.ts` are the memory that calls take, `sockaddr.ts` converts addresses; the
 * `openssl-*` files wrap the OpenSSL functions that Node exports, the others one kernel feature each.
 */
import type { Fd, Outcome } from './outcome.js'
import type { Region } from './region.js'
import type { SctpCalls } from './sctp.js'

export type { Fd, Outcome } from './outcome.js'

/**
 * Passed as a value: `linuxCalls()` in the product, a fake kernel in the simulation. No call throws, no call blocks,
 * EINTR is returned like any other errno.
 */
export interface Calls {
  /** recv(2), non-blocking: the number of bytes, 0 at the end of the stream. */
  recv(fd: Fd, into: Region, offset: number, bytesMax: number): Outcome
  /** Like `recv`, but leaves the bytes in the socket (MSG_PEEK). */
  peek(fd: Fd, into: Region, offset: number, bytesMax: number): Outcome
  /** send(2), non-blocking, without SIGPIPE: the number of bytes taken, which may be fewer than given. */
  send(fd: Fd, from: Region, offset: number, byteCount: number): Outcome
  /** Like `send`, but an incomplete segment may wait for what the next call adds to it, such as FIN (MSG_MORE). */
  sendMore(fd: Fd, from: Region, offset: number, byteCount: number): Outcome
  /**
   * splice(2), non-blocking, from a socket into a pipe or from a pipe into a socket: the number of bytes moved, which
   * may be fewer; 0 at the end of the stream. -EAGAIN: the source is empty or the sink is full; splice does not say
   * which.
   */
  splice(from: Fd, to: Fd, bytesMax: number): Outcome
  /** pipe2(2), non-blocking: stores the read end in `ends[0]`, the write end in `ends[1]`. */
  openPipe(ends: Int32Array): Outcome
  /** F_SETPIPE_SZ: returns the new capacity in bytes. */
  resizePipe(fd: Fd, byteCount: number): Outcome
  /** accept4(2): a non-blocking descriptor; stores the peer's socket address in `peer`. */
  accept(fd: Fd, peer: Region): Outcome
  /** socket(2): a non-blocking descriptor with FD_CLOEXEC, which the caller closes. */
  socket(family: number, type: number, protocol: number): Outcome
  /** `byteCount` is the length of the struct; the region may be longer. */
  bind(fd: Fd, address: Region, byteCount: number): Outcome
  /** listen(2); the kernel cuts the backlog to net.core.somaxconn. */
  listen(fd: Fd, backlog: number): Outcome
  /** connect(2): 0, or -EINPROGRESS while the connection is being established. */
  connect(fd: Fd, address: Region, byteCount: number): Outcome
  /** getsockname(2): stores the address in `address` and returns its length. */
  localAddress(fd: Fd, address: Region): Outcome
  /** Whether the socket is bound to exactly the address in `address` (getsockname(2)). */
  isLocalAddress(fd: Fd, address: Region, byteCount: number): boolean
  /** setsockopt(2) with an int. */
  setOption(fd: Fd, level: number, name: number, value: number): Outcome
  /** setsockopt(2) with a text value, as SO_BINDTODEVICE takes. */
  setTextOption(fd: Fd, level: number, name: number, value: string): Outcome
  /** getsockopt(2): the value itself, so only for options that are never negative. */
  getOption(fd: Fd, level: number, name: number): Outcome
  /** SO_LINGER with zero seconds: the next close sends a reset. */
  resetOnClose(fd: Fd): Outcome
  /** SIOCOUTQ: bytes in the send queue that the peer has not acknowledged. */
  unsentBytes(fd: Fd): Outcome
  /** shutdown(2) with SHUT_WR: sends FIN after the bytes in the send queue; reading still works. */
  shutdownWrite(fd: Fd): Outcome
  /** close(2). The descriptor is free whatever the result is: never call it twice. */
  close(fd: Fd): Outcome
  readonly sctp: SctpCalls
  /** MADV_REMOVE: frees the pages of a region of shared memory; the next access reads zeros. */
  discard(region: Region): Outcome
}
