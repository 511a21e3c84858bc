/** The child's end of the wire, on descriptor 0; `broker-child.ts` is the master's. */
import type { Calls, Fd } from '../kernel/calls.js'
import { EAGAIN, EINTR, errorText } from '../kernel/errno.js'
import { MessageBatch, NO_DESCRIPTOR } from '../kernel/message-batch.js'
import type { MessageCalls } from '../kernel/message-calls.js'
import { ERR, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { type Loop, NO_TOKEN, type TurnTaker, type Watcher } from '../reactor/loop.js'
import { READABLE, WRITABLE } from '../reactor/poller.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import * as m from '../wire/child-message.js'

/** Messages per system call. */
const BATCH = 64

/** Larger than an ACCEPT, so that a longer message is recognized instead of truncated to one. */
const MESSAGE_BYTES_MAX = 64

/** Batches received per turn at most, so that sessions get their turns. */
const BATCHES_PER_TURN = 4

/** A datagram socket reports no event when its peer closes: only a failed send reveals that the master has ended. */
const KEEPALIVE_EVERY_MS = 1_000

export interface WireEndParts {
  readonly loop: Loop
  readonly calls: Calls
  readonly messages: MessageCalls
  readonly log: Say
  /** Whether the master answers DYING with MAY_DIE: ours does, a classic one does not. */
  readonly answersDying: boolean
  /** A client was received; its descriptor belongs to the receiver. */
  onClient(fd: Fd, message: m.AcceptMessage): void
  /** The master sends no more clients: this child should end when it is idle. */
  onMayDie(): void
  /** A client of this listener was lost because this process has no free descriptor. */
  onLostClient(listenerMark: number): void
}

/** The child's end of the wire: receives clients and reports how many have ended. */
export class WireEnd implements Watcher, TurnTaker, TimerOwner {
  token = NO_TOKEN
  isQueued = false
  readonly #fd: Fd
  readonly #parts: WireEndParts
  readonly #incoming = new MessageBatch(BATCH, MESSAGE_BYTES_MAX)
  readonly #outgoing = new MessageBatch(1, MESSAGE_BYTES_MAX)
  readonly #timer = new Timer(this)
  /** Messages that the socket has not taken yet. */
  readonly #pending: [type: number, count: number][] = []
  /** Ended connections that no message contains yet. */
  #done = 0
  /**
   * DYING was sent. A classic master does not answer it, so the next timer takes the place of its MAY_DIE.
   */
  #isDying = false
  /** The last turn left messages in the socket. */
  #hasUnread = false
  /** The master has ended: nothing more is sent or received. */
  #isClosed = false

  constructor(parts: WireEndParts, fd: Fd) {
    this.#parts = parts
    this.#fd = fd
  }

  /** Sends MAX and starts receiving clients. */
  open(connectionsMax: number): void {
    const outcome = this.#parts.loop.watch(this.#fd, this, 'stream')
    if (outcome < 0) throw new Error(`cannot watch the socket to the master: ${errorText(-outcome)}`)
    this.#send(m.MAX, connectionsMax)
    this.#parts.loop.timers.set(this.#timer, this.#parts.loop.nowMs + KEEPALIVE_EVERY_MS)
  }

  /** Counts an ended connection; those of one turn are reported by one message. */
  countDone(): void {
    this.#done++
    this.#parts.loop.later(this)
  }

  /**
   * Asks the master to send no more clients. Clients in flight are still received; `onMayDie` follows: on the MAY_DIE
   * of a master of ours, with a classic master after one KEEPALIVE_EVERY_MS.
   */
  sayDying(): void {
    this.#send(m.DYING, 0)
    if (this.#isClosed) return
    this.#isDying = true
    this.#parts.loop.timers.set(this.#timer, this.#parts.loop.nowMs + KEEPALIVE_EVERY_MS)
  }

  onReady(): void {
    this.onTurn()
    for (let batches = 0; batches < BATCHES_PER_TURN; batches++) {
      const count = this.#parts.messages.receive(this.#fd, this.#incoming)
      if (count === -EINTR) continue
      if (count <= 0) {
        if (count === -EAGAIN) this.#parts.loop.again(this.#fd, this, READABLE)
        else if (count < 0) this.#masterGone(-count)
        return
      }
      for (let i = 0; i < count; i++) this.#take(i)
    }
    // The socket may hold more, and the watch is edge-triggered: it does not report these messages again.
    this.#hasUnread = true
    this.#parts.loop.later(this)
  }

  /** Sends pending messages, and receives what the last turn left in the socket. */
  onTurn(): void {
    this.#sumDone()
    this.#flush()
    if (!this.#hasUnread) return
    // Before `onReady`, which calls this method.
    this.#hasUnread = false
    this.onReady()
  }

  onTimer(): void {
    // No KEEPALIVE behind pending messages: a master that does not read must not fill our memory.
    if (this.#pending.length === 0) this.#send(m.KEEPALIVE, 0)
    else this.#flush()
    if (this.#isDying && !this.#parts.answersDying && !this.#isClosed) {
      this.#isDying = false
      this.#parts.onMayDie()
    }
    if (!this.#isClosed) this.#parts.loop.timers.set(this.#timer, this.#parts.loop.nowMs + KEEPALIVE_EVERY_MS)
  }

  /** While nothing can be sent, ended connections add up in one message. */
  #sumDone(): void {
    if (this.#done === 0) return
    const last = this.#pending.at(-1)
    if (last?.[0] === m.DONE) last[1] += this.#done
    else this.#pending.push([m.DONE, this.#done])
    this.#done = 0
  }

  #send(type: number, count: number): void {
    this.#pending.push([type, count])
    this.#flush()
  }

  #flush(): void {
    for (let next = this.#pending[0]; next !== undefined && !this.#isClosed; next = this.#pending[0]) {
      const [type, count] = next
      m.encodeSmall(this.#outgoing.bytes, this.#outgoing.offsetOf(0), type, count)
      this.#outgoing.setSend(0, m.SMALL_BYTES, NO_DESCRIPTOR)
      const sent = this.#parts.messages.send(this.#fd, this.#outgoing, 1)
      if (sent === -EINTR) continue
      if (sent === -EAGAIN) {
        this.#parts.loop.again(this.#fd, this, WRITABLE)
        return
      }
      if (sent < 0) {
        this.#masterGone(-sent)
        return
      }
      this.#pending.shift()
    }
  }

  #take(i: number): void {
    const { calls, log } = this.#parts
    const fd = this.#incoming.receivedFd(i)
    const offset = this.#incoming.offsetOf(i)
    const type = m.messageType(this.#incoming.bytes, offset, this.#incoming.receivedBytes(i))
    if (type === m.ACCEPT && this.#incoming.receivedBytes(i) > m.ACCEPT_BYTES) {
      this.#rejectAccept(i, fd)
      return
    }
    if (type === m.ACCEPT && fd !== NO_DESCRIPTOR) {
      this.#parts.onClient(fd, m.decodeAccept(this.#incoming.bytes, offset))
      return
    }
    if (fd !== NO_DESCRIPTOR) calls.close(fd)
    if (type === m.MAY_DIE) this.#parts.onMayDie()
    else if (type === m.ACCEPT) this.#countLostClient(i)
    else if (type === m.UDPDATA)
      this.countDone() // datagrams are not relayed
    else log(WARNING, `the master sent a message of unknown type ${type ?? '(too short)'}`)
  }

  /** A longer ACCEPT is of an unknown version of the protocol, so its fields cannot be trusted. */
  #rejectAccept(i: number, fd: Fd): void {
    const { calls, log } = this.#parts
    const length = this.#incoming.wasTooLong(i)
      ? `more than ${MESSAGE_BYTES_MAX}`
      : this.#incoming.receivedBytes(i)
    log(
      WARNING,
      `rejected a client: the master sent an ACCEPT of ${length} bytes instead of ${m.ACCEPT_BYTES}`,
    )
    if (fd !== NO_DESCRIPTOR) calls.close(fd)
    this.#countLostClient(i)
  }

  /** The master counts the client as ours, so its end has to be reported. */
  #countLostClient(i: number): void {
    if (this.#incoming.hasLostFd(i)) {
      const { listenerMark } = m.decodeAccept(this.#incoming.bytes, this.#incoming.offsetOf(i))
      this.#parts.onLostClient(listenerMark)
    }
    this.countDone()
  }

  /** The master has ended: sessions continue, and this process ends after the last one. */
  #masterGone(errno: number): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#parts.loop.timers.unset(this.#timer)
    this.#parts.loop.unwatch(this.#fd, this)
    this.#parts.log(ERR, `lost the connection to the master: ${errorText(errno)}`)
    this.#parts.onMayDie()
  }
}
