import { EAGAIN, ECONNRESET, EPIPE } from '../../src/kernel/errno.js'
import type { Chance } from './chance.js'
import { FakeSocket } from './fake-socket.js'

/** What one send(2) of the peer left in the receive queue. */
interface Write {
  byteCount: number
  /** Some descriptors are still attached to its first byte (SCM_RIGHTS). */
  hasDescriptors: boolean
}

/**
 * One stream socket of the Unix domain, as Linux implements it (net/unix/af_unix.c, and observed behaviour). It
 * differs from TCP in that:
 * - recv(2) stops behind a write that carried descriptors, with more bytes in the queue;
 * - it connects at once, and bytes for a server that has not accepted yet wait in the server's queue;
 * - sent bytes count until the peer has read them, and the socket is writable again below a quarter of its capacity;
 * - there is no reset: after close(2), and SO_LINGER, the peer reads all bytes and then an end, or ECONNRESET if the
 *   closed socket had unread bytes;
 * - after the peer has closed, send(2) returns EPIPE and shutdown(2) succeeds.
 */
export class FakeUnixSocket extends FakeSocket {
  override readonly hasReset = false
  readonly #chance: Chance
  /** The probability that a write of the peer carries descriptors. */
  readonly #descriptors: number
  /** The boundaries in `received`. */
  #writes: Write[] = []
  #isEndAnError = false

  constructor(fd: number, sendCapacity: number, chance: Chance, descriptors: number) {
    super(fd, sendCapacity)
    this.#chance = chance
    this.#descriptors = descriptors
  }

  protected override get hasSpace(): boolean {
    return this.unsent.length * 4 <= this.sendCapacity
  }

  override peek(into: Uint8Array): number {
    const writes = this.#writes.map((write) => ({ ...write }))
    const outcome = super.peek(into)
    this.#writes = writes
    return outcome
  }

  /** unix_stream_read_generic(): descriptors are detached with the first byte, and end the read with the last one. */
  protected override takeReceived(most: number): number {
    let taken = 0
    for (let write = this.#writes[0]; write !== undefined && taken < most; write = this.#writes[0]) {
      const { hasDescriptors } = write
      const count = Math.min(write.byteCount, most - taken)
      taken += count
      write.byteCount -= count
      write.hasDescriptors = false
      if (write.byteCount > 0) break
      this.#writes.shift()
      if (hasDescriptors) break
    }
    return taken
  }

  /** Only a full queue makes a write short. */
  override send(from: Uint8Array): number {
    if (this.isShut || this.state === 'broken') return -EPIPE
    const count = Math.min(from.length, this.sendCapacity - this.unsent.length)
    if (count <= 0) return -EAGAIN
    this.unsent.push(from.subarray(0, count))
    return count
  }

  override connect(): number {
    this.state = 'open'
    return 0
  }

  override shutdownWrite(): number {
    this.isShut = true
    this.hasEdge = true
    return 0
  }

  override close(): void {
    this.isClosed = true
    this.isShut = true
    this.#isEndAnError = this.received.length > 0
  }

  /** The peer reads up to `most` bytes, and the end behind the last one. */
  override carry(most: number): void {
    const { peer } = this
    if (this.state !== 'open' || peer === undefined) return
    const bytes = this.unsent.take(most)
    if (bytes.length > 0) {
      peer.onBytes(bytes)
      this.hasEdge ||= this.hasSpace
    }
    if (!this.isShut || this.unsent.length > 0 || this.isEndSent) return
    this.isEndSent = true
    if (this.#isEndAnError) peer.onReset()
    else peer.onEnd()
  }

  override get isCarrying(): boolean {
    if (this.state !== 'open' || this.peer === undefined) return false
    return this.unsent.length > 0 || (this.isShut && !this.isEndSent)
  }

  /** The peer writes: EPIPE if the relay has closed, but what it sent before can still be read. */
  override arrive(bytes: Uint8Array): void {
    if (this.isClosed) {
      this.peer?.onReset()
      return
    }
    super.arrive(bytes)
    this.#writes.push({ byteCount: bytes.length, hasDescriptors: this.#chance.is(this.#descriptors) })
  }

  /** The peer closes. Bytes that it has not read are lost, which is an error of this socket. */
  override arriveClose(): boolean {
    if (this.state === 'broken') return false
    const losesBytes = this.unsent.length > 0
    this.arriveReset(losesBytes ? ECONNRESET : 0)
    return losesBytes
  }

  /** The server closes its listener before it has accepted this connection. */
  override arriveReset(errno = ECONNRESET): void {
    super.arriveReset(errno === 0 ? 0 : ECONNRESET)
  }
}
