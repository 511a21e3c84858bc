import { EAGAIN, ECONNRESET, EINPROGRESS, ENOTCONN, EPIPE } from '../../src/kernel/errno.js'
import { FAILED, HUNG_UP, PEER_ENDED, READABLE, WRITABLE } from '../../src/reactor/poller.js'
import { ByteQueue } from './byte-queue.js'

/** The other end of a fake socket: a client or a server played by the world. */
export interface Peer {
  /** Bytes have arrived at the peer's kernel, and are thereby acknowledged. */
  onBytes(bytes: Uint8Array): void
  onEnd(): void
  onReset(): void
}

let closings = 0

/**
 * One TCP socket of the relay as the kernel keeps it: a receive queue, a send queue that the network empties
 * bit by bit, and the rules for ends and errors of Linux (tcp(7), and observed behaviour).
 */
export class FakeSocket {
  readonly fd: number
  readonly sendCapacity: number
  peer: Peer | undefined
  /** Sent by the peer, not yet read. */
  readonly received = new ByteQueue()
  /** Taken from the relay, not yet acknowledged by the peer. */
  readonly unsent = new ByteQueue()
  state: 'new' | 'connecting' | 'open' | 'broken' = 'new'
  hasPeerEnded = false
  /** sk_err: reported once, to the first reader. */
  error = 0
  isShut = false
  /** The relay was refused space and waits for EPOLLOUT (SOCK_NOSPACE). */
  wantsSpace = false
  isEndSent = false
  /**
   * The last bytes wait for more (MSG_MORE). The kernel would send them after 200 ms; here never, so a relay that does not
   * end the direction at once is found.
   */
  awaitsMore = false
  willResetOnClose = false
  isClosed = false
  /** In the order in which the relay closes sockets. */
  closeNumber = Number.MAX_SAFE_INTEGER
  /** Something has happened since epoll reported this socket. */
  hasEdge = false
  /** Bytes that had arrived when the peer reset; they must still be delivered. */
  receivedBeforeReset = 0
  totalReceived = 0
  /** The peer of a cut session sees a reset, not a regular end. */
  readonly hasReset: boolean = true

  constructor(fd: number, sendCapacity: number) {
    this.fd = fd
    this.sendCapacity = sendCapacity
  }

  /** What epoll_wait(2) would report now. */
  get readiness(): number {
    if (this.state === 'new') return HUNG_UP | WRITABLE
    if (this.state === 'connecting') return 0
    let bits = 0
    if (this.received.length > 0 || this.hasPeerEnded || this.state === 'broken') bits |= READABLE
    if (this.hasPeerEnded || this.state === 'broken') bits |= PEER_ENDED
    if (this.state === 'broken' || this.hasSpace) bits |= WRITABLE
    if (this.error !== 0) bits |= FAILED
    if (this.state === 'broken' || (this.hasPeerEnded && this.isShut)) bits |= HUNG_UP
    return bits
  }

  /** epoll reports it as writable. */
  protected get hasSpace(): boolean {
    return this.unsent.length < this.sendCapacity
  }

  recv(into: Uint8Array): number {
    if (this.state === 'connecting' || this.state === 'new') return -EAGAIN
    if (this.received.length > 0) {
      const bytes = this.received.take(this.takeReceived(into.length))
      into.set(bytes)
      return bytes.length
    }
    if (this.error !== 0) return -this.takeError()
    return this.hasPeerEnded || this.state === 'broken' ? 0 : -EAGAIN
  }

  peek(into: Uint8Array): number {
    const left = this.received.bytes.slice()
    const outcome = this.recv(into)
    this.received.clear()
    this.received.push(left)
    return outcome
  }

  /** The number of bytes that one recv(2) for at most `most` returns. */
  protected takeReceived(most: number): number {
    return most
  }

  /** `most` stands for a shortage of memory: the kernel takes that much and no more. */
  send(from: Uint8Array, most: number): number {
    if (this.state === 'connecting' || this.state === 'new') return -EAGAIN
    if (this.error !== 0) return -this.takeError()
    if (this.state === 'broken' || this.isShut) return -EPIPE
    const count = Math.min(from.length, this.sendCapacity - this.unsent.length, most)
    if (count < from.length) this.wantsSpace = true
    if (count <= 0) return -EAGAIN
    this.unsent.push(from.subarray(0, count))
    this.awaitsMore = false
    return count
  }

  /** Returns like connect(2). */
  connect(): number {
    this.state = 'connecting'
    return -EINPROGRESS
  }

  takeError(): number {
    const { error } = this
    this.error = 0
    return error
  }

  shutdownWrite(): number {
    if (this.state !== 'open') return -ENOTCONN
    this.isShut = true
    this.hasEdge = true
    return 0
  }

  /** The relay closes. Queued bytes are still delivered, unless it resets or leaves bytes unread. */
  close(): void {
    this.isClosed = true
    this.closeNumber = ++closings
    if (this.state !== 'open') return
    if (!this.willResetOnClose && this.received.length === 0) {
      this.isShut = true
      return
    }
    this.unsent.clear()
    this.state = 'broken'
    this.peer?.onReset()
  }

  /** The network carries up to `most` bytes to the peer, and the end behind the last one. */
  carry(most: number): void {
    if (this.state !== 'open' || (this.awaitsMore && !this.isShut)) return
    const bytes = this.unsent.take(most)
    if (bytes.length > 0) this.peer?.onBytes(bytes)
    if (this.wantsSpace) {
      this.wantsSpace = false
      this.hasEdge = true
    }
    if (this.isShut && this.unsent.length === 0 && !this.isEndSent) {
      this.isEndSent = true
      this.peer?.onEnd()
    }
  }

  get isCarrying(): boolean {
    if (this.state !== 'open') return false
    return this.unsent.length > 0 || this.wantsSpace || (this.isShut && !this.isEndSent)
  }

  /** Bytes of the peer arrive. A closed socket answers them with a reset. */
  arrive(bytes: Uint8Array): void {
    if (this.state !== 'open') return
    if (this.isClosed) {
      this.state = 'broken'
      this.peer?.onReset()
      return
    }
    this.received.push(bytes)
    this.totalReceived += bytes.length
    this.hasEdge = true
  }

  arriveEnd(): void {
    if (this.state !== 'open') return
    this.hasPeerEnded = true
    this.hasEdge = true
  }

  /** The peer closes: it sends FIN, and later bytes are answered with a reset. Returns whether bytes are lost. */
  arriveClose(): boolean {
    this.arriveEnd()
    return false
  }

  /** The peer resets, or is lost (`errno`). Bytes that had arrived can still be read. */
  arriveReset(errno = ECONNRESET): void {
    if (this.state === 'broken') return
    this.receivedBeforeReset = this.totalReceived
    this.state = 'broken'
    this.unsent.clear()
    this.error = errno
    this.hasEdge = true
  }

  /** The remote has answered the handshake. */
  arriveConnected(): void {
    if (this.state !== 'connecting') return
    this.state = 'open'
    this.hasEdge = true
  }
}
