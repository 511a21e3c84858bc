import type { Fd, Outcome } from './outcome.js'
import type { Region } from './region.js'
import type { SctpCalls } from './sctp.js'

export type { Fd, Outcome } from './outcome.js'

/**
 * The system calls of the program, handed in as a value: `linuxCalls()` in the product, a fake kernel in the
 * simulation. No call throws, no call blocks, EINTR is an outcome like any other.
 */
export interface Calls {
  /** recv(2), non-blocking: bytes read, 0 at the end of the stream. */
  recv(fd: Fd, into: Region, offset: number, bytesMax: number): Outcome
  /** The same, and the bytes stay where they are (MSG_PEEK). */
  peek(fd: Fd, into: Region, offset: number, bytesMax: number): Outcome
  /** send(2), non-blocking, without SIGPIPE: bytes taken, which may be fewer. */
  send(fd: Fd, from: Region, offset: number, byteCount: number): Outcome
  /**
   * splice(2), non-blocking, from a socket into a pipe or from a pipe into a socket: bytes moved, which may be fewer, 0
   * at the end of the stream. -EAGAIN: the source has nothing, or the sink, be it socket or pipe, has no room.
   */
  splice(from: Fd, to: Fd, bytesMax: number): Outcome
  /** pipe2(2), non-blocking: the end to read from is left in `ends[0]`, the one to write to in `ends[1]`. */
  openPipe(ends: Int32Array): Outcome
  /** F_SETPIPE_SZ: the bytes that the pipe takes from now on. */
  resizePipe(fd: Fd, byteCount: number): Outcome
  /** accept4(2): a non-blocking descriptor; the peer's socket address is left in `peer`. */
  accept(fd: Fd, peer: Region): Outcome
  socket(family: number, type: number, protocol: number): Outcome
  bind(fd: Fd, address: Region, byteCount: number): Outcome
  listen(fd: Fd, backlog: number): Outcome
  /** connect(2): 0, or -EINPROGRESS while it goes on. */
  connect(fd: Fd, address: Region, byteCount: number): Outcome
  /** getsockname(2): the length of the address left in `address`. */
  localAddress(fd: Fd, address: Region): Outcome
  /** Whether getsockname(2) answers exactly the address in `address`. */
  isLocalAddress(fd: Fd, address: Region, byteCount: number): boolean
  setOption(fd: Fd, level: number, name: number, value: number): Outcome
  /** setsockopt(2) with a text value, as SO_BINDTODEVICE takes. */
  setTextOption(fd: Fd, level: number, name: number, value: string): Outcome
  getOption(fd: Fd, level: number, name: number): Outcome
  /** SO_LINGER with zero seconds: the next close sends a reset. */
  resetOnClose(fd: Fd): Outcome
  /** SIOCOUTQ: bytes that the peer has not acknowledged yet. */
  unsentBytes(fd: Fd): Outcome
  shutdownWrite(fd: Fd): Outcome
  close(fd: Fd): Outcome
  readonly sctp: SctpCalls
  /** Gives the pages of a region of shared memory back to the system; the next use finds zeros. */
  discard(region: Region): Outcome
}
