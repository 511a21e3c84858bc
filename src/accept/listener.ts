import type { Fd } from '../kernel/calls.js'
import { EAGAIN, ECONNABORTED, EINTR, EPROTO, errorText } from '../kernel/errno.js'
import type { Region } from '../kernel/region.js'
import type { System } from '../kernel/system.js'
import { add, COUNT } from '../observe/counters.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { type Loop, NO_TOKEN, type Watcher } from '../reactor/loop.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import type { Closing, Overload } from './gate.js'

/** Accepts in one turn at most, so that a crowd at the door does not starve who is inside. */
const ACCEPTS_PER_TURN = 64

/** The longest queue that listen(2) makes with the usual net.core.somaxconn. */
const QUEUE_MAX = 4096

/** After the system refused to accept (descriptors, memory), before it is asked again. */
const SHORTAGE_PAUSE_MS = 250

/** Where an accepted client goes: to the relay of this reactor, or to another process. */
export type Deliver = (fd: Fd, listenerSlot: number, peer: Region) => void

/** Lengths of the kernel's queue: as ever, and while there is no room. */
export interface QueueLengths {
  readonly backlog: number
  readonly overloadBacklog: number
}

const SAME_LENGTH: QueueLengths = { backlog: 0, overloadBacklog: 0 }

/** What listeners of one reactor share. */
export interface AcceptContext {
  readonly system: System
  readonly loop: Loop
  readonly deliver: Deliver
  /** Is there room for one more client and its remote? If not, `onFull` pauses all listeners. */
  hasRoom(): boolean
  onFull(): Overload
  readonly counters: Float64Array
  readonly log: Say
  /** Where accept(2) leaves the client's address. */
  readonly peer: Region
  /** The queue is shared with other processes: do they get the next client rather than this one? */
  readonly areOthersNext: (() => boolean) | undefined
}

/**
 * One listening socket, level-triggered: an edge that is lost while descriptors are short would never return.
 * It accepts one client a turn, and twice as many in each of several turns in a row, so that it seldom asks in vain.
 */
export class Listener implements Watcher, TimerOwner {
  token = NO_TOKEN
  readonly slot: number
  readonly name: string
  readonly #fd: Fd
  readonly #queue: QueueLengths
  readonly #context: AcceptContext
  readonly #timer = new Timer(this)
  #burst = 1
  /** The loop's turn in which clients were accepted last. */
  #lastTurn = 0
  #isShort = false

  constructor(context: AcceptContext, slot: number, name: string, fd: Fd, queue: QueueLengths = SAME_LENGTH) {
    this.#queue = queue
    this.#context = context
    this.slot = slot
    this.name = name
    this.#fd = fd
  }

  get isAccepting(): boolean {
    return this.token !== NO_TOKEN
  }

  /** Starts or goes on accepting. */
  resume(): void {
    const { loop } = this.#context
    loop.timers.unset(this.#timer)
    if (this.isAccepting) return
    const outcome = loop.watch(this.#fd, this, this.#context.areOthersNext ? 'shared' : 'level')
    if (outcome < 0) loop.timers.set(this.#timer, loop.nowMs + SHORTAGE_PAUSE_MS)
  }

  /** Lets clients wait in the kernel's queue. */
  pause(): void {
    this.#context.loop.timers.unset(this.#timer)
    if (this.isAccepting) this.#context.loop.unwatch(this.#fd, this)
  }

  /**
   * Begins to wait anew: hears at once if somebody waits, and from then on comes last of those whom the kernel would
   * wake for a client of a shared queue (EPOLLEXCLUSIVE).
   */
  lookAgain(): void {
    this.pause()
    this.resume()
  }

  /** While there is no room: the length of the kernel's queue for that time. */
  shrinkQueue(): void {
    const { backlog, overloadBacklog } = this.#queue
    if (overloadBacklog < backlog) this.#context.system.calls.listen(this.#fd, overloadBacklog)
  }

  restoreQueue(): void {
    const { backlog, overloadBacklog } = this.#queue
    if (overloadBacklog < backlog) this.#context.system.calls.listen(this.#fd, backlog)
  }

  /** Stops without closing; the descriptor, with the clients in its queue, is the caller's. */
  detach(): Fd {
    this.restoreQueue()
    this.pause()
    return this.#fd
  }

  /** Stops for good. What still waits in the queue afterwards is reset by the kernel. */
  close(closing: Closing): void {
    if (closing === 'after-queue') this.#takeQueue()
    this.pause()
    this.#context.system.calls.close(this.#fd)
  }

  onReady(): void {
    const { loop } = this.#context
    let accepted = 0
    while (accepted < this.#burst && this.isAccepting) {
      const refusal = this.#context.hasRoom() ? undefined : this.#context.onFull()
      if (refusal === 'queue') return
      if (!this.#acceptOne(refusal)) break
      accepted++
    }
    const isCrowd = accepted === this.#burst && loop.turns === this.#lastTurn + 1
    this.#burst = isCrowd ? Math.min(this.#burst * 2, ACCEPTS_PER_TURN) : 1
    this.#lastTurn = loop.turns
    if (accepted > 0 && this.isAccepting && this.#context.areOthersNext?.()) this.lookAgain()
  }

  onTimer(): void {
    this.resume()
  }

  /** A queue can be refilled as fast as it is emptied: more than it holds is not taken. */
  #takeQueue(): void {
    for (let taken = 0; taken < QUEUE_MAX && this.#context.hasRoom(); taken++) {
      if (!this.#acceptOne()) return
    }
  }

  /** False when nobody waits, or nobody can be taken now. */
  #acceptOne(refusal?: 'close' | 'reset'): boolean {
    const { deliver, peer, system } = this.#context
    const fd = system.calls.accept(this.#fd, peer)
    if (fd >= 0) {
      this.#isShort = false
      if (refusal === undefined) deliver(fd, this.slot, peer)
      else this.#turnAway(fd, refusal)
      return true
    }
    // A client that left while it waited (accept(2), "Error handling") is no reason to stop.
    if (fd === -ECONNABORTED || fd === -EPROTO || fd === -EINTR) return true
    if (fd !== -EAGAIN) this.#short(-fd)
    return false
  }

  #turnAway(fd: Fd, refusal: 'close' | 'reset'): void {
    const { counters, system } = this.#context
    add(counters, COUNT.turnedAway, 1)
    if (refusal === 'reset') system.calls.resetOnClose(fd)
    system.calls.close(fd)
  }

  /** Pauses, and says so once until accepting works again. */
  #short(errno: number): void {
    const { counters, log, loop } = this.#context
    this.pause()
    loop.timers.set(this.#timer, loop.nowMs + SHORTAGE_PAUSE_MS)
    add(counters, COUNT.acceptPauses, 1)
    if (this.#isShort) return
    this.#isShort = true
    log(WARNING, `${this.name}: cannot accept: ${errorText(errno)}; new connections wait`)
  }
}
