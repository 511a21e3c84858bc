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

/** Messages that travel by one system call. */
const BATCH = 64

/** Room for more than an ACCEPT, so that a longer message is recognised and not mistaken for one. */
const MESSAGE_BYTES_MAX = 64

/** Batches in one turn: what more there is waits until the sessions had theirs. */
const BATCHES_PER_TURN = 4

/** A master that is gone shows itself in a send that fails; a closed end raises no event. */
const KEEPALIVE_EVERY_MS = 1_000

export interface WireEndParts {
  readonly loop: Loop
  readonly calls: Calls
  readonly messages: MessageCalls
  readonly log: Say
  /** The master answers DYING by MAY_DIE, as ours does; a classic one says nothing. */
  readonly answersDying: boolean
  /** A client has come; its descriptor is the receiver's. */
  onClient(fd: Fd, message: m.AcceptMessage): void
  /** The master sends nothing more: it wants this child to end when it is idle, or is gone. */
  onMayDie(): void
  /** A client was lost on the way, because this process has no descriptor left. */
  onLostClient(): void
}

/** The child's end of the wire, on descriptor 0: clients come in, the count of those that ended goes out. */
export class WireEnd implements Watcher, TurnTaker, TimerOwner {
  token = NO_TOKEN
  isQueued = false
  readonly #fd: Fd
  readonly #parts: WireEndParts
  readonly #incoming = new MessageBatch(BATCH, MESSAGE_BYTES_MAX)
  readonly #outgoing = new MessageBatch(1, MESSAGE_BYTES_MAX)
  readonly #timer = new Timer(this)
  /** Small messages that wait to be sent: the type, then the count. */
  readonly #pending: [type: number, count: number][] = []
  #done = 0
  #isDying = false
  /** The last turn left messages unread. */
  #hasUnread = false
  #isClosed = false

  constructor(parts: WireEndParts, fd: Fd) {
    this.#parts = parts
    this.#fd = fd
  }

  /** Says how many connections this child takes and begins to take them. */
  open(connectionsMax: number): void {
    const outcome = this.#parts.loop.watch(this.#fd, this, 'stream')
    if (outcome < 0) throw new Error(`cannot watch the socket to the master: ${errorText(-outcome)}`)
    this.#send(m.MAX, connectionsMax)
    this.#parts.loop.timers.set(this.#timer, this.#parts.loop.nowMs + KEEPALIVE_EVERY_MS)
  }

  /** A connection has ended. All of one turn are told together. */
  countDone(): void {
    this.#done++
    this.#parts.loop.later(this)
  }

  /**
   * Tells the master to send nothing more. What is on its way is still taken: `onMayDie` is called after it, when a
   * master of ours has said so, however busy it is; with a classic one when a second has passed.
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
    this.#hasUnread = true
    this.#parts.loop.later(this)
  }

  /** Sends what there is to say, and goes on receiving if the last turn left something. */
  onTurn(): void {
    this.#sumDone()
    this.#flush()
    if (!this.#hasUnread) return
    this.#hasUnread = false
    this.onReady()
  }

  onTimer(): void {
    // One that waits says as much as many: a master that does not read must not fill our memory.
    if (this.#pending.length === 0) this.#send(m.KEEPALIVE, 0)
    else this.#flush()
    if (this.#isDying && !this.#parts.answersDying && !this.#isClosed) {
      this.#isDying = false
      this.#parts.onMayDie()
    }
    if (!this.#isClosed) this.#parts.loop.timers.set(this.#timer, this.#parts.loop.nowMs + KEEPALIVE_EVERY_MS)
  }

  /** While nothing can be sent, one message says it all. */
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
      this.#refuse(i, fd)
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
      this.countDone() // a relay of streams cannot serve it
    else log(WARNING, `the master sent a message of unknown type ${type ?? '(too short)'}`)
  }

  /** A longer message says something that we do not know, and may mean something else. */
  #refuse(i: number, fd: Fd): void {
    const { calls, log } = this.#parts
    const length = this.#incoming.wasTooLong(i)
      ? `more than ${MESSAGE_BYTES_MAX}`
      : this.#incoming.receivedBytes(i)
    log(WARNING, `the master sent a client with ${length} bytes instead of ${m.ACCEPT_BYTES}: refused`)
    if (fd !== NO_DESCRIPTOR) calls.close(fd)
    this.#countLostClient(i)
  }

  /** The master counts the client as ours, so it has to hear that it is gone. */
  #countLostClient(i: number): void {
    if (this.#incoming.hasLostFd(i)) this.#parts.onLostClient()
    this.countDone()
  }

  /** The master is gone: sessions go on, and then this process ends. */
  #masterGone(errno: number): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#parts.loop.timers.unset(this.#timer)
    this.#parts.loop.unwatch(this.#fd, this)
    this.#parts.log(ERR, `the master is gone: ${errorText(errno)}`)
    this.#parts.onMayDie()
  }
}
