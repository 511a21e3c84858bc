/** A direction of a session, and the outcomes of the pumps that move its bytes. */
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, ECONNRESET, EINTR } from '../../kernel/errno.js'
import type { Region } from '../../kernel/region.js'
import type { TurnTaker } from '../../reactor/loop.js'
import type { Connection } from '../connection.js'
import type { Session } from '../session.js'
import type { Blocks } from './blocks.js'
import type { Message } from './message.js'
import type { Pacing } from './pacing.js'
import type { Pipe, Pipes } from './pipes.js'
import type { SplicePolicy } from './splice-policies.js'

/** Why a pump stopped. */
export type Pumped =
  /** The source has no more bytes now. */
  | typeof EMPTY
  /** The sink is full; bytes that it did not take are held. */
  | typeof BLOCKED
  /** The budget of this turn is spent and there may be more bytes. */
  | typeof SPENT
  /** The source has ended and its last byte has been sent. */
  | typeof ENDED
  /** The source has failed (`source.error`), and all bytes before the error have been sent. */
  | typeof SOURCE_FAILED
  /** The sink has failed (`sink.error`); bytes that it did not take are lost. */
  | typeof SINK_FAILED
export const EMPTY = 0
export const BLOCKED = 1
export const SPENT = 2
export const ENDED = 3
export const SOURCE_FAILED = 4
export const SINK_FAILED = 5

/** Internal to the pumps: continue. */
export const GO_ON = -1

/**
 * Gets the turns of a direction until it has removed itself. False: it waits for more bytes, or the session has ended; true:
 * the bytes that the direction holds may be moved.
 */
export type FirstBytes = (session: Session, way: Direction) => boolean

/** One direction of a session, from its source to its sink, with at most one block or pipe of bytes in between. */
export class Direction implements TurnTaker {
  isQueued = false
  readonly source: Connection
  readonly sink: Connection
  /** Bytes read and not yet sent; the direction owns the block until it is released. */
  held: Region | undefined = undefined
  heldOffset = 0
  heldBytes = 0
  /** Such bytes in a pipe; never together with `held`. */
  pipe: Pipe | undefined = undefined
  /** Handles its first bytes; undefined: they are moved like others, or have been handled. */
  firstBytes: FirstBytes | undefined = undefined
  /** Between two SCTP sockets: moves messages instead of bytes. */
  isOfMessages = false
  /** The message whose bytes are held or being read; allocated for the first one. */
  message: Message | undefined = undefined
  /** Big runs since the last small one, or since it was promoted. */
  bigRuns = 0
  /** Small runs in a row since it was promoted. */
  smallRuns = 0
  /** Promoted: bytes go through pipes. */
  isSpliced = false
  /** The kernel cannot splice these sockets. */
  refusesSplice = false
  /** The sink returned EAGAIN: the direction waits until it is writable. */
  isBlocked = false
  /** The end of the source was read. */
  hasEnded = false
  /** The end was forwarded, or the direction was given up: it gets no more turns. */
  isDone = false
  /**
   * Bytes sent to the sink. Initialized with a fraction so that V8 stores a double from the start: a small integer
   * would become one at 2 GiB, during a bulk transfer, and deoptimize all compiled code.
   */
  bytes = 0.5
  /** What `bytes` may become before its pacing is asked again. */
  bytesAllowed = Number.POSITIVE_INFINITY
  /** Undefined: neither its rate nor that of its sink is limited. */
  pacing: Pacing | undefined = undefined

  constructor(source: Connection, sink: Connection) {
    this.source = source
    this.sink = sink
    this.bytes = 0
  }

  onTurn(): void {
    this.source.session.run(this)
  }

  /** Keeps bytes until the sink takes them; the direction owns the block from here on. */
  hold(block: Region, offset: number, byteCount: number): void {
    this.held = block
    this.heldOffset = offset
    this.heldBytes = byteCount
  }

  /** Bytes read and not yet sent. */
  get waitingBytes(): number {
    return this.heldBytes + (this.pipe?.byteCount ?? 0)
  }

  /** Bytes wait for its sink or for its rate. */
  get hasWork(): boolean {
    return this.waitingBytes > 0 || this.isAsleep
  }

  /** It waits until its rate allows more bytes. */
  get isAsleep(): boolean {
    return this.pacing?.timer.isSet === true
  }

  /** Counts big and small runs, which promote and demote the direction (`splice-policies.ts`). */
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

  /** Drops the held bytes. */
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
    this.bytesAllowed = Number.POSITIVE_INFINITY
    this.pacing = undefined
    this.bigRuns = 0
    this.smallRuns = 0
    this.refusesSplice = false
    this.isOfMessages = false
    this.message?.clear()
    this.firstBytes = undefined
  }
}

/** Interprets a read without bytes: an end, an error, or EAGAIN. */
export function noBytes(way: Direction, outcome: Outcome): Pumped | typeof GO_ON {
  const { source } = way
  if (outcome === -EINTR) return GO_ON
  if (outcome === -EAGAIN && source.error === 0) {
    source.mayRead = false
    return EMPTY
  }
  if (outcome < 0) source.fail(-outcome)
  // After a reported error recv(2) returns 0, which is not a regular end.
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
