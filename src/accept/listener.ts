import type { Fd } from '../kernel/calls.js'
import { EAGAIN, ECONNABORTED, EINTR, EPROTO } from '../kernel/errno.js'
import type { Region } from '../kernel/region.js'
import { add, COUNT } from '../observe/counters.js'
import { type ListeningContext, ListeningSocket } from './listening-socket.js'

/** The longest queue that listen(2) makes with the usual net.core.somaxconn. */
const QUEUE_MAX = 4096

/** Where an accepted client goes: to the relay of this reactor, or to another process. */
export type Deliver = (fd: Fd, listenerSlot: number, peer: Region) => void

/** Lengths of the kernel's queue: as ever, and while there is no room. */
export interface QueueLengths {
  readonly backlog: number
  readonly overloadBacklog: number
}

const SAME_LENGTH: QueueLengths = { backlog: 0, overloadBacklog: 0 }

/** What listeners of one reactor share. */
export interface AcceptContext extends ListeningContext {
  readonly deliver: Deliver
  /** Where accept(2) leaves the client's address. */
  readonly peer: Region
}

/** One listening socket of a protocol with connections. */
export class Listener extends ListeningSocket {
  readonly #queue: QueueLengths
  readonly #context: AcceptContext

  constructor(context: AcceptContext, slot: number, name: string, fd: Fd, queue: QueueLengths = SAME_LENGTH) {
    super(context, slot, name, fd)
    this.#queue = queue
    this.#context = context
  }

  shrinkQueue(): void {
    const { backlog, overloadBacklog } = this.#queue
    if (overloadBacklog < backlog) this.#context.system.calls.listen(this.fd, overloadBacklog)
  }

  restoreQueue(): void {
    const { backlog, overloadBacklog } = this.#queue
    if (overloadBacklog < backlog) this.#context.system.calls.listen(this.fd, backlog)
  }

  /** A queue can be refilled as fast as it is emptied: more than it holds is not taken. */
  protected takeQueue(): void {
    for (let taken = 0; taken < QUEUE_MAX && this.#context.hasRoom(); taken++) {
      if (!this.takeOne()) return
    }
  }

  protected takeOne(overload?: 'close' | 'reset'): boolean {
    const { deliver, peer, system } = this.#context
    const fd = system.calls.accept(this.fd, peer)
    if (fd >= 0) {
      this.endShortage()
      if (overload === undefined) deliver(fd, this.slot, peer)
      else this.#closeAtLimit(fd, overload)
      return true
    }
    // A client that left while it waited (accept(2), "Error handling") is no reason to stop.
    if (fd === -ECONNABORTED || fd === -EPROTO || fd === -EINTR) return true
    if (fd !== -EAGAIN) this.beginShortage(-fd)
    return false
  }

  #closeAtLimit(fd: Fd, overload: 'close' | 'reset'): void {
    const { counters, system } = this.#context
    add(counters, COUNT.turnedAway, 1)
    if (overload === 'reset') system.calls.resetOnClose(fd)
    system.calls.close(fd)
  }
}
