/**
 * Accepts clients. Read this folder from here: `listening-socket.ts` is what all listeners have in common,
 * `datagram-listener.ts` the one for UDP, `connection-limit.ts` pauses them, `access-rules.ts` rejects clients. In a
 * master `dispatcher.ts` chooses a child (`placement.ts`, `sticky-cache.ts`), and the client crosses the wire between
 * `broker-child.ts` in the master and `wire-end.ts` in the child. Children that accept by themselves share the load
 * by `sibling-load.ts`.
 */
import type { Fd } from '../kernel/calls.js'
import { EAGAIN, ECONNABORTED, EINTR, EPROTO } from '../kernel/errno.js'
import type { Region } from '../kernel/region.js'
import { add, COUNT, LISTENER_COUNT } from '../observe/counters.js'
import type { ListenerPlaces } from './listener-places.js'
import { type ListeningContext, ListeningSocket } from './listening-socket.js'

/** The longest queue that listen(2) makes with the default net.core.somaxconn, in connections. */
const QUEUE_MAX = 4096

/** Hands on an accepted client: to the relay of this reactor, or to a child. The descriptor is the receiver's. */
export type Deliver = (fd: Fd, listenerSlot: number, peer: Region) => void

/** Lengths of the kernel's queue: normally, and at the connection limit. */
export interface QueueLengths {
  readonly backlog: number
  readonly overloadBacklog: number
}

const SAME_LENGTH: QueueLengths = { backlog: 0, overloadBacklog: 0 }

/** What the stream listeners of one reactor share. */
export interface AcceptContext extends ListeningContext {
  readonly deliver: Deliver
  /** The limits of single listeners. */
  readonly places: ListenerPlaces
  /** The limit of a single listener is reached: pauses it until it has a place. */
  onListenerFull(listener: Listener): void
  /** Where accept(2) leaves the client's address. */
  readonly peer: Region
}

/** A listening socket of TCP, SCTP or the Unix domain: accepts clients and delivers them. */
export class Listener extends ListeningSocket {
  readonly #queue: QueueLengths
  readonly #context: AcceptContext

  constructor(context: AcceptContext, slot: number, name: string, fd: Fd, queue: QueueLengths = SAME_LENGTH) {
    super(context, slot, name, fd)
    this.#queue = queue
    this.#context = context
  }

  get hasPlace(): boolean {
    return this.#context.places.hasRoom(this.slot)
  }

  shrinkQueue(): void {
    const { backlog, overloadBacklog } = this.#queue
    if (overloadBacklog < backlog) this.#context.system.calls.listen(this.fd, overloadBacklog)
  }

  restoreQueue(): void {
    const { backlog, overloadBacklog } = this.#queue
    if (overloadBacklog < backlog) this.#context.system.calls.listen(this.fd, backlog)
  }

  /** Accepts at most what the queue can hold: clients may refill it as fast as it is emptied. */
  protected takeQueue(): void {
    for (let taken = 0; taken < QUEUE_MAX && this.#context.hasRoom(); taken++) {
      if (!this.takeOne()) return
    }
  }

  protected takeOne(overload?: 'close' | 'reset'): boolean {
    const { deliver, peer, places, system } = this.#context
    if (overload === undefined && !places.take(this.slot)) {
      this.#context.onListenerFull(this)
      return false
    }
    const fd = system.calls.accept(this.fd, peer)
    if (fd >= 0) {
      this.endShortage()
      if (overload === undefined) deliver(fd, this.slot, peer)
      else this.#closeAtLimit(fd, overload)
      return true
    }
    if (overload === undefined) places.giveBack(this.slot)
    // The client disconnected while it was queued (accept(2), "Error handling"): accept the next one.
    if (fd === -ECONNABORTED || fd === -EPROTO || fd === -EINTR) return true
    if (fd !== -EAGAIN) this.beginShortage(-fd)
    return false
  }

  #closeAtLimit(fd: Fd, overload: 'close' | 'reset'): void {
    const { counters, listenerCounters, system } = this.#context
    add(counters, COUNT.turnedAway, 1)
    listenerCounters.add(this.slot, LISTENER_COUNT.turnedAway, 1)
    if (overload === 'reset') system.calls.resetOnClose(fd)
    system.calls.close(fd)
  }
}
