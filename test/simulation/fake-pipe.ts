import { EAGAIN } from '../../src/kernel/errno.js'
import { ByteQueue } from './byte-queue.js'
import type { FakeSocket } from './fake-socket.js'

/** A pipe of the relay: one queue of bytes of any session. */
export class FakePipe {
  readonly readEnd: number
  readonly writeEnd: number
  readonly bytes = new ByteQueue()
  capacity = 65_536

  constructor(readEnd: number, writeEnd: number) {
    this.readEnd = readEnd
    this.writeEnd = writeEnd
  }

  /** splice(2) from a socket; `most` also stands for slots, which a few bytes may fill. */
  fillFrom(socket: FakeSocket, most: number): number {
    const room = Math.min(most, this.capacity - this.bytes.length)
    if (room <= 0) return -EAGAIN
    const got = new Uint8Array(Math.min(room, Math.max(1, socket.received.length)))
    const count = socket.recv(got)
    this.bytes.push(got.subarray(0, Math.max(0, count)))
    return count
  }

  /** splice(2) into a socket. */
  emptyInto(socket: FakeSocket, wanted: number, most: number): number {
    if (this.bytes.length === 0) return -EAGAIN
    const took = socket.send(this.bytes.bytes.subarray(0, wanted), most)
    if (took > 0) this.bytes.take(took)
    return took
  }
}
