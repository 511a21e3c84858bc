/** Pipes for splice(2). */
import type { Calls, Fd } from '../../kernel/calls.js'
import type { Loop } from '../../reactor/loop.js'

/** Requested pipe size: about what the receive queue of a fast connection holds at each turn. */
export const PIPE_BYTES_MAX = 1024 * 1024

/** Bytes per run while other sessions have events: as much as a run of copying moves, in half the time. */
const RUN_BYTES = 256 * 1024

/** Bytes per run while no other session has events; about 300 µs. */
const RUN_BYTES_ALONE = 1024 * 1024

/** Events of a turn with one active direction: its source is readable and its sink writable. */
const EVENTS_ALONE = 2

/** Smaller pipes are not worth the second system call: copying is as fast. */
const PIPE_BYTES_MIN = 64 * 1024

/** Back-off after the kernel refused a pipe or a useful size. */
const RETRY_AFTER_MS = 1_000

/** A pipe between two sockets. Plain data: a frozen session may contain one. */
export interface Pipe {
  readonly readEnd: Fd
  readonly writeEnd: Fd
  readonly capacity: number
  /** Bytes in it. */
  byteCount: number
}

export interface PipeOptions {
  /** Maximum of open pipes; each takes two descriptors and up to `pipeBytes` of memory. */
  readonly pipesMax: number
  /** Requested size. */
  readonly pipeBytes: number
}

/**
 * The pipe pool of one reactor. A direction borrows a pipe for a turn and returns it empty, so that one pipe serves
 * all; only a direction whose sink is full keeps its pipe. The pool is empty while no direction splices.
 */
export class Pipes {
  readonly #calls: Calls
  readonly #loop: Pick<Loop, 'nowMs' | 'eventCount'>
  readonly #pipesMax: number
  readonly #pipeBytes: number
  readonly #ends = new Int32Array(2)
  /** The pooled pipe, empty: one is enough for all directions whose sink is not full. */
  #spare: Pipe | undefined = undefined
  #openCount = 0
  #users = 0
  #retryAtMs = Number.NEGATIVE_INFINITY

  constructor(calls: Calls, loop: Pick<Loop, 'nowMs' | 'eventCount'>, options: PipeOptions) {
    this.#calls = calls
    this.#loop = loop
    this.#pipesMax = options.pipesMax
    this.#pipeBytes = options.pipeBytes
  }

  /** Pipes that are open, in use or not. */
  get openCount(): number {
    return this.#openCount
  }

  /** Bytes that a direction may move per run. */
  get runBytes(): number {
    return this.#loop.eventCount > EVENTS_ALONE ? RUN_BYTES : RUN_BYTES_ALONE
  }

  /** Registers a splicing direction. */
  addUser(): void {
    this.#users++
  }

  /** Unregisters a splicing direction; the last one closes the spare pipe. */
  removeUser(): void {
    if (--this.#users > 0 || this.#spare === undefined) return
    this.#close(this.#spare)
    this.#spare = undefined
  }

  /** Lends an empty pipe until `giveBack`. Undefined: none is available now. */
  lend(): Pipe | undefined {
    const pipe = this.#spare
    if (pipe === undefined) return this.#open()
    this.#spare = undefined
    return pipe
  }

  /**
   * Returns a pipe to the pool. A pipe that still holds bytes is closed instead, so they never reach another session.
   */
  giveBack(pipe: Pipe): void {
    if (pipe.byteCount === 0 && this.#users > 0 && this.#spare === undefined) this.#spare = pipe
    else this.#close(pipe)
  }

  /** Gives up a pipe that belongs to a frozen session. */
  disown(_pipe: Pipe): void {
    this.#openCount--
  }

  /** Takes over the pipe of a thawed session, even beyond the maximum. */
  adopt(_pipe: Pipe): void {
    this.#openCount++
  }

  #open(): Pipe | undefined {
    if (this.#openCount >= this.#pipesMax || this.#loop.nowMs < this.#retryAtMs) return undefined
    if (this.#calls.openPipe(this.#ends) < 0) return this.#refused()
    const [readEnd = -1, writeEnd = -1] = this.#ends
    this.#openCount++
    const pipe = { readEnd, writeEnd, capacity: this.#resize(writeEnd), byteCount: 0 }
    if (pipe.capacity >= PIPE_BYTES_MIN) return pipe
    this.#close(pipe)
    return this.#refused()
  }

  /** The largest size granted; 0 if it is too small. The kernel limits the pipe pages of unprivileged users. */
  #resize(fd: Fd): number {
    for (let wanted = this.#pipeBytes; wanted >= PIPE_BYTES_MIN; wanted /= 2) {
      const granted = this.#calls.resizePipe(fd, wanted)
      if (granted >= 0) return granted
    }
    return 0
  }

  #refused(): undefined {
    this.#retryAtMs = this.#loop.nowMs + RETRY_AFTER_MS
  }

  #close(pipe: Pipe): void {
    this.#calls.close(pipe.readEnd)
    this.#calls.close(pipe.writeEnd)
    this.#openCount--
  }
}
