/** The master's end of the wire to one child; `wire-end.ts` is the child's. */
import type { Calls, Fd } from '../kernel/calls.js'
import { EAGAIN, EINTR, ENOBUFS, ETOOMANYREFS, errorText } from '../kernel/errno.js'
import { type MessageBatch, NO_DESCRIPTOR } from '../kernel/message-batch.js'
import type { MessageCalls } from '../kernel/message-calls.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { type Loop, NO_TOKEN, type TurnTaker, type Watcher } from '../reactor/loop.js'
import { READABLE, WRITABLE } from '../reactor/poller.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import * as m from '../wire/child-message.js'
import type { LimitedSessions } from './broker-places.js'
import type { Candidate } from './placement.js'
import type { StickyCache } from './sticky-cache.js'

/** Back-off when the kernel holds too many descriptors in flight (ETOOMANYREFS). */
const SHORTAGE_PAUSE_MS = 10

/** Batches received per turn at most: a child that sends continuously must not delay the others. */
const BATCHES_PER_TURN = 4

/** What a child reports to the dispatcher. */
export interface BrokerEvents {
  /** A client is in the socket to the child; it is not returned any more. */
  onSent(child: BrokerChild, delivery: Delivery): void
  /** `count` of its connections have ended. */
  onDone(child: BrokerChild, count: number): void
  /** The child takes no more clients and ends when it is idle (DYING). */
  onDying(child: BrokerChild): void
  onBadConfiguration(child: BrokerChild): void
  /** The child violated the protocol: nothing more is read from it or sent to it. */
  onViolation(child: BrokerChild, what: string): void
  /** The child has started and takes clients (its first MAX). */
  onReady(child: BrokerChild): void
  /** Nothing more can be sent to the child: its queued clients are returned. */
  onBroken(child: BrokerChild, queued: readonly Delivery[]): void
}

/** An accepted client, or a datagram with its client's socket, on its way to a child. */
export interface Delivery {
  readonly fd: Fd
  readonly message: m.AcceptMessage
  /** The payload of a UDP client's datagram; undefined for connections. */
  readonly datagram: Uint8Array | undefined
  /** The sticky cache of its listener, and the client's key in it. */
  readonly sticky: { readonly cache: StickyCache; readonly key: string } | undefined
  /** The sessions of its listener; undefined: they are not limited. */
  readonly limited: LimitedSessions | undefined
}

export interface BrokerParts {
  readonly loop: Loop
  readonly calls: Calls
  readonly messages: MessageCalls
  readonly log: Say
  readonly events: BrokerEvents
  /** Shared by all children of the reactor: filled and sent within one call. */
  readonly outgoing: MessageBatch
  /** The same for messages with a datagram, which are longer. */
  readonly outgoingDatagrams: MessageBatch
  readonly incoming: MessageBatch
}

/**
 * The master's end of the wire to one child: queues clients in user space, sends them in batches, and closes the
 * master's copies of the descriptors sent. Nothing is sent before the child's MAX, so that the clients of a child
 * that dies at start can go to another one.
 */
export class BrokerChild implements Candidate, Watcher, TurnTaker, TimerOwner {
  token = NO_TOKEN
  isQueued = false
  readonly slot: number
  /** Clients that are queued here or were sent, and whose end the child has not reported yet. */
  users = 0
  /** Clients delivered in total, for `retire limit`. */
  delivered = 0
  ownMax = Number.POSITIVE_INFINITY
  isRetiring = false
  readonly #fd: Fd
  readonly #parts: BrokerParts
  readonly #queue: Delivery[] = []
  readonly #timer = new Timer(this)
  /** MAX was received: clients may be sent. */
  #hasStarted = false
  /** MAY_DIE is to be sent once the queue is empty, so that the child receives all its clients before it. */
  #mayDieIsPending = false
  #isRetireRequested = false
  #isDying = false
  #isConfigurationBad = false
  /** The last turn left messages in the socket. */
  #hasUnread = false
  /** Nothing more is read from the socket or sent to it; the process of the child may still run. */
  #isBroken = false

  constructor(parts: BrokerParts, slot: number, fd: Fd) {
    this.#parts = parts
    this.slot = slot
    this.#fd = fd
    const outcome = parts.loop.watch(fd, this, 'stream')
    if (outcome < 0) throw new Error(`cannot watch the socket to a child: ${errorText(-outcome)}`)
  }

  /** Returns queued clients beyond the maximum that the child has sent meanwhile. */
  takeSurplus(): readonly Delivery[] {
    const count = Math.max(0, Math.min(this.#queue.length, this.users - this.ownMax))
    this.users -= count
    this.delivered -= count
    return this.#queue.splice(this.#queue.length - count)
  }

  /** Queues a client; its descriptor is closed here once it has been sent. */
  deliver(delivery: Delivery): void {
    this.users++
    this.delivered++
    this.#queue.push(delivery)
    this.#parts.loop.later(this)
  }

  /** Sends the child no more clients and asks it to end after its last connection (MAY_DIE). */
  retire(): void {
    this.isRetiring = true
    if (this.#isRetireRequested) return
    this.#isRetireRequested = true
    this.#mayDieIsPending = true
    this.#parts.loop.later(this)
  }

  /** The child's process has ended: closes the socket and returns the clients that were not sent. */
  close(): readonly Delivery[] {
    this.#parts.loop.timers.unset(this.#timer)
    this.#parts.loop.forget(this.#fd, this)
    this.#parts.calls.close(this.#fd)
    this.#isBroken = true
    return this.#queue.splice(0)
  }

  onReady(): void {
    this.#hasUnread = true
    this.onTurn()
  }

  /** Receives what the last turn left in the socket, then sends queued clients. */
  onTurn(): void {
    if (this.#hasUnread) this.#receive()
    while (this.#hasStarted && !this.#isBroken && this.#queue.length > 0) {
      if (!this.#sendSome()) return
    }
    if (this.#mayDieIsPending && !this.#isBroken && this.#queue.length === 0) this.#sendMayDie()
  }

  onTimer(): void {
    this.onTurn()
  }

  /** Sends one batch; false when the socket is full or broken. */
  #sendSome(): boolean {
    const { loop, messages } = this.#parts
    const batch = this.#batchOf(this.#queue[0])
    const count = this.#fill(batch)
    const sent = messages.send(this.#fd, batch, count)
    if (sent >= 0) {
      // A message in flight refers to the open file itself, as after dup(2) (unix(7), SCM_RIGHTS).
      for (const delivery of this.#queue.splice(0, sent)) {
        this.#parts.calls.close(delivery.fd)
        this.#parts.events.onSent(this, delivery)
      }
      return true
    }
    if (sent === -EINTR) return true
    if (sent === -EAGAIN) loop.again(this.#fd, this, WRITABLE)
    // More descriptors are in flight than this process may have open: wait until the child has received some.
    else if (sent === -ETOOMANYREFS || sent === -ENOBUFS)
      loop.timers.set(this.#timer, loop.nowMs + SHORTAGE_PAUSE_MS)
    else this.#fail(-sent)
    return false
  }

  #batchOf(delivery: Delivery | undefined): MessageBatch {
    const { outgoing, outgoingDatagrams } = this.#parts
    return delivery?.datagram === undefined ? outgoing : outgoingDatagrams
  }

  /** Fills a batch from the head of the queue, up to the first delivery of the other kind. Returns the count. */
  #fill(batch: MessageBatch): number {
    let count = 0
    for (; count < Math.min(this.#queue.length, batch.capacity); count++) {
      const delivery = this.#queue[count] as Delivery
      if (this.#batchOf(delivery) !== batch) break
      batch.setSend(count, encode(batch, count, delivery), delivery.fd)
    }
    return count
  }

  #sendMayDie(): void {
    const { messages, outgoing } = this.#parts
    m.encodeSmall(outgoing.bytes, outgoing.offsetOf(0), m.MAY_DIE, 0)
    outgoing.setSend(0, m.SMALL_BYTES, NO_DESCRIPTOR)
    const sent = messages.send(this.#fd, outgoing, 1)
    if (sent === 1) this.#mayDieIsPending = false
    else if (sent !== -EAGAIN && sent !== -EINTR) this.#fail(-sent)
    else this.#parts.loop.again(this.#fd, this, WRITABLE)
  }

  /** Receives up to BATCHES_PER_TURN batches of messages. */
  #receive(): void {
    const { incoming, loop, messages } = this.#parts
    this.#hasUnread = false
    for (let batches = 0; batches < BATCHES_PER_TURN && !this.#isBroken; batches++) {
      const count = messages.receive(this.#fd, incoming)
      if (count === -EINTR) continue
      if (count <= 0) {
        if (count === -EAGAIN) this.#parts.loop.again(this.#fd, this, READABLE)
        else if (count !== 0) this.#fail(-count)
        return
      }
      for (let i = 0; i < count; i++) this.#take(i)
    }
    // The watch is edge-triggered: messages that are there already are not reported again.
    this.#hasUnread = !this.#isBroken
    if (this.#hasUnread) loop.later(this)
  }

  #take(i: number): void {
    const { calls, events, incoming } = this.#parts
    const fd = incoming.receivedFd(i)
    if (fd !== NO_DESCRIPTOR) calls.close(fd) // messages of children carry no descriptor
    if (this.#isBroken) return
    const offset = incoming.offsetOf(i)
    const type = m.messageType(incoming.bytes, offset, incoming.receivedBytes(i))
    switch (type) {
      case m.DONE: {
        // Classic children send DONE with count 0 in some cases; it means at least one ended connection.
        const count = Math.min(this.users, Math.max(1, m.messageCount(incoming.bytes, offset)))
        this.users -= count
        events.onDone(this, count)
        return
      }
      case m.MAX:
        this.ownMax = Math.max(1, m.messageCount(incoming.bytes, offset))
        if (this.#hasStarted) return
        this.#hasStarted = true
        events.onReady(this)
        return
      case m.DYING:
        if (this.#isDying) return
        this.#isDying = true
        // A child of ours ends on MAY_DIE, which comes after all clients in flight.
        this.retire()
        events.onDying(this)
        this.#handBack()
        return
      case m.BAD_CFG:
        if (this.#isConfigurationBad) return
        this.#isConfigurationBad = true
        this.isRetiring = true
        events.onBadConfiguration(this)
        this.#handBack()
        return
      // Only the child needs it: its send fails once the master has ended (`wire-end.ts`).
      case m.KEEPALIVE:
        return
      default:
        this.#reportViolation(
          type === undefined
            ? `a message of ${incoming.receivedBytes(i)} bytes`
            : `unknown message type ${type}`,
        )
    }
  }

  #reportViolation(what: string): void {
    this.#isBroken = true
    this.isRetiring = true
    this.#parts.events.onViolation(this, what)
    this.#handBack()
  }

  #fail(errno: number): void {
    if (this.#isBroken) return
    this.#isBroken = true
    this.isRetiring = true
    this.#parts.log(WARNING, `cannot reach child ${this.slot}: ${errorText(errno)}`)
    this.#handBack()
  }

  #handBack(): void {
    const queued = this.#queue.splice(0)
    this.users -= queued.length
    this.#parts.events.onBroken(this, queued)
  }
}

/** Encodes message `i` of a batch. Returns its length. */
function encode(batch: MessageBatch, i: number, { datagram, message }: Delivery): number {
  const offset = batch.offsetOf(i)
  if (datagram !== undefined) return m.encodeUdpData(batch.bytes, offset, message, datagram)
  m.encodeAccept(batch.bytes, offset, message)
  return m.ACCEPT_BYTES
}
