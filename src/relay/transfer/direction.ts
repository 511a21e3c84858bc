import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, ECONNRESET, EINTR } from '../../kernel/errno.js'
import type { Region } from '../../kernel/region.js'
import type { TurnTaker } from '../../reactor/loop.js'
import type { Connection } from '../connection.js'
import type { Blocks } from './blocks.js'
import type { Message } from './message.js'
import type { Pipe, Pipes } from './pipes.js'
import type { SplicePolicy } from './splice-policies.js'

/** Why a pump stopped. */
export type Pumped =
  /** The source has nothing now. */
  | typeof EMPTY
  /** The sink takes no more now; what was read and not taken is held. */
  | typeof BLOCKED
  /** This turn's budget is spent and there may be more. */
  | typeof SPENT
  /** The source has ended and the sink has taken its last byte. */
  | typeof ENDED
  /** The source is broken (`source.error`), and the sink has taken all that came before. */
  | typeof SOURCE_FAILED
  /** The sink is broken (`sink.error`); what it did not take is lost with it. */
  | typeof SINK_FAILED
export const EMPTY = 0
export const BLOCKED = 1
export const SPENT = 2
export const ENDED = 3
export const SOURCE_FAILED = 4
export const SINK_FAILED = 5

/** What the pump goes on with instead of stopping. */
export const GO_ON = -1

/** One way through a session: from its source to its sink, in order, and at most one block or pipe in between. */
export class Direction implements TurnTaker {
  isQueued = false
  readonly source: Connection
  readonly sink: Connection
  /** Bytes that were read and not yet taken; the block is the direction's own until it is released. */
  held: Region | undefined = undefined
  heldOffset = 0
  heldBytes = 0
  /** The same in a pipe; never both. */
  pipe: Pipe | undefined = undefined
  /** Between two sockets of SCTP: it moves messages. */
  isOfMessages = false
  /** The message whose bytes are held or are being read; made for the first one. */
  message: Message | undefined = undefined
  /** Big runs since the last small one, or since it was promoted. */
  bigRuns = 0
  /** Small runs in a row since it was promoted. */
  smallRuns = 0
  /** Promoted: bytes go through pipes. */
  isSpliced = false
  /** The kernel cannot splice these sockets. */
  refusesSplice = false
  /** The sink said EAGAIN: nothing happens until it is writable. */
  isBlocked = false
  /** The source's end was read. */
  hasEnded = false
  /** The end was passed on, or the direction was given up: nothing happens here any more. */
  isDone = false
  /**
   * Bytes that the sink has taken. It begins as a fraction so that V8 keeps a double there from the first session on:
   * a small integer would turn into one at 2 GiB, in the middle of bulk, and all compiled code would be thrown away.
   */
  bytes = 0.5

  constructor(source: Connection, sink: Connection) {
    this.source = source
    this.sink = sink
    this.bytes = 0
  }

  onTurn(): void {
    this.source.session.run(this)
  }

  /** Keeps bytes that were read until the sink takes them; the block is the direction's from here on. */
  hold(block: Region, offset: number, byteCount: number): void {
    this.held = block
    this.heldOffset = offset
    this.heldBytes = byteCount
  }

  /** Bytes that were read and not yet taken. */
  get waitingBytes(): number {
    return this.heldBytes + (this.pipe?.byteCount ?? 0)
  }

  /** A run has moved so many bytes: are they still few, or still many? */
  notePace(moved: number, { bigBytes, smallBytes, smallRuns }: SplicePolicy, pipes: Pipes): void {
    if (moved >= bigBytes) {
      this.bigRuns++
      this.smallRuns = 0
    } else if (moved < smallBytes && this.bigRuns > 0) {
      if (this.isSpliced && ++this.smallRuns < smallRuns) return
      this.bigRuns = 0
      this.demote(pipes)
    }
  }

  promote(pipes: Pipes, { capacity }: Pipe): void {
    if (this.isSpliced) return
    this.isSpliced = true
    this.smallRuns = 0
    pipes.addUser()
    const { session, isClient } = this.source
    const { trace } = session.relay
    if (!trace.isOn) return
    const where = isClient ? 'remote' : 'client'
    trace.say(`session ${session.id}: splices to the ${where} through ${capacity} bytes`)
  }

  demote(pipes: Pipes): void {
    if (!this.isSpliced) return
    this.isSpliced = false
    pipes.removeUser()
    const { session, isClient } = this.source
    const { trace } = session.relay
    if (trace.isOn) trace.say(`session ${session.id}: copies to the ${isClient ? 'remote' : 'client'}`)
  }

  returnPipe(pipes: Pipes): void {
    if (this.pipe !== undefined) pipes.giveBack(this.pipe)
    this.pipe = undefined
  }

  releaseBlock(blocks: Blocks): void {
    if (this.held !== undefined) blocks.release(this.held)
    this.held = undefined
    this.heldBytes = 0
  }

  /** Gives up what is held. */
  drop(blocks: Blocks, pipes: Pipes): void {
    this.releaseBlock(blocks)
    this.returnPipe(pipes)
    this.demote(pipes)
  }

  clear(): void {
    this.isBlocked = false
    this.hasEnded = false
    this.isDone = false
    this.bytes = 0
    this.bigRuns = 0
    this.smallRuns = 0
    this.refusesSplice = false
    this.isOfMessages = false
    this.message?.clear()
  }
}

/** A read brought no byte: an end, an error, or nothing now. */
export function noBytes(way: Direction, outcome: Outcome): Pumped | typeof GO_ON {
  const { source } = way
  if (outcome === -EINTR) return GO_ON
  if (outcome === -EAGAIN && source.error === 0) {
    source.mayRead = false
    return EMPTY
  }
  if (outcome < 0) source.fail(-outcome)
  // After an error was told, recv answers 0: that is no clean end.
  if (source.error !== 0) return SOURCE_FAILED
  way.hasEnded = true
  return ENDED
}

export function blocked(way: Direction): Pumped {
  way.isBlocked = true
  return BLOCKED
}

export function sinkFailed(way: Direction, outcome: Outcome): Pumped {
  way.sink.fail(outcome === 0 ? ECONNRESET : -outcome)
  return SINK_FAILED
}
