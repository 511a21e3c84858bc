import type { Calls, Fd } from '../../kernel/calls.js'
import type { Loop } from '../../reactor/loop.js'

/** What is asked for: what the receive queue of a fast connection holds when the relay comes round. */
export const PIPE_BYTES_MAX = 1024 * 1024

/** In one run, while others wait: what a run of copying moves, in half the time. */
const RUN_BYTES = 256 * 1024

/** In one run when nobody else has anything to do; some 300 µs. */
const RUN_BYTES_ALONE = 1024 * 1024

/** Events of a turn in which one direction is alone: its source is readable, its sink writable. */
const EVENTS_ALONE = 2

/** A pipe that takes less is not worth its second system call: copying is as good. */
const PIPE_BYTES_MIN = 64 * 1024

/** After the kernel has refused a pipe, or a useful size, it is not asked for so long. */
const RETRY_AFTER_MS = 1_000

/** A pipe between two sockets. Plain data: a frozen session may take one along. */
export interface Pipe {
  readonly readEnd: Fd
  readonly writeEnd: Fd
  readonly capacity: number
  /** Bytes in it. */
  byteCount: number
}

export interface PipeOptions {
  /** Pipes at a time; each is two descriptors, and at most `pipeBytes`. */
  readonly pipesMax: number
  /** The size that is asked for. */
  readonly pipeBytes: number
}

/**
 * The pipes of one reactor. A direction borrows one for a turn and gives it back empty, so that all of them get by
 * with the same; only one whose sink is full keeps it. They exist as long as anybody splices.
 */
export class Pipes {
  readonly #calls: Calls
  readonly #loop: Pick<Loop, 'nowMs' | 'eventCount'>
  readonly #pipesMax: number
  readonly #pipeBytes: number
  readonly #ends = new Int32Array(2)
  /** Empty, and nobody's: one does for all but those whose sink is full. */
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

  /** How much a direction may move before others have their turn. */
  get runBytes(): number {
    return this.#loop.eventCount > EVENTS_ALONE ? RUN_BYTES : RUN_BYTES_ALONE
  }

  /** Somebody begins to splice. */
  addUser(): void {
    this.#users++
  }

  /** Somebody has stopped; the last one closes the door. */
  removeUser(): void {
    if (--this.#users > 0 || this.#spare === undefined) return
    this.#close(this.#spare)
    this.#spare = undefined
  }

  /** An empty pipe, the borrower's until `giveBack`. Undefined: there is none to be had now. */
  lend(): Pipe | undefined {
    const pipe = this.#spare
    if (pipe === undefined) return this.#open()
    this.#spare = undefined
    return pipe
  }

  /** A pipe with bytes in it holds what was meant for somebody: it is closed, and they are lost. */
  giveBack(pipe: Pipe): void {
    if (pipe.byteCount === 0 && this.#users > 0 && this.#spare === undefined) this.#spare = pipe
    else this.#close(pipe)
  }

  /** The pipe leaves with a frozen session. */
  disown(_pipe: Pipe): void {
    this.#openCount--
  }

  /** The pipe has come with a frozen session, also where that is one too many. */
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

  /** The largest size that the kernel grants; 0 when none is of use. Users without privileges share a limit. */
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
