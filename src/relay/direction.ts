import type { Calls, Outcome } from '../kernel/calls.js'
import { EAGAIN, ECONNRESET, EINTR, ENOMEM } from '../kernel/errno.js'
import type { Region } from '../kernel/region.js'
import type { TurnTaker } from '../reactor/loop.js'
import { BLOCK_BYTES, type Blocks } from './blocks.js'
import type { Connection } from './connection.js'
import { receiveTls, sendTls } from './tls-transport.js'

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
const GO_ON = -1

/** Receives in one turn: 256 KiB, some 100 µs, before the other sessions have theirs. */
const RECEIVES_PER_TURN = 8

/** One way through a session: from its source to its sink, in order, and at most one block in between. */
export class Direction implements TurnTaker {
  isQueued = false
  readonly source: Connection
  readonly sink: Connection
  /** Bytes that were read and not yet taken; the block is the direction's own until it is released. */
  held: Region | undefined = undefined
  heldOffset = 0
  heldBytes = 0
  /** The sink said EAGAIN: nothing happens until it is writable. */
  isBlocked = false
  /** The source's end was read. */
  hasEnded = false
  /** The end was passed on, or the direction was given up: nothing happens here any more. */
  isDone = false
  /** Bytes that the sink has taken. */
  bytes = 0

  constructor(source: Connection, sink: Connection) {
    this.source = source
    this.sink = sink
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

  /** Gives up what is held. */
  drop(blocks: Blocks): void {
    if (this.held !== undefined) blocks.release(this.held)
    this.held = undefined
    this.heldBytes = 0
  }

  clear(): void {
    this.isBlocked = false
    this.hasEnded = false
    this.isDone = false
    this.bytes = 0
  }
}

/** Moves bytes one way until an end blocks, the source ends, something breaks, or the turn's budget is spent. */
export function pump(way: Direction, calls: Calls, blocks: Blocks): Pumped {
  way.isBlocked = false
  if (way.heldBytes > 0) {
    const flushed = flushHeld(way, calls, blocks)
    if (flushed !== GO_ON) return flushed
  }
  for (let receives = 0; receives < RECEIVES_PER_TURN; receives++) {
    if (way.hasEnded) return ENDED
    if (!way.source.mayRead) return EMPTY
    const moved = moveOnce(way, calls, blocks)
    if (moved !== GO_ON) return moved
  }
  return SPENT
}

function moveOnce(way: Direction, calls: Calls, blocks: Blocks): Pumped | typeof GO_ON {
  const { source, sink } = way
  const got =
    source.tls === undefined
      ? calls.recv(source.fd, blocks.scratch, 0, BLOCK_BYTES)
      : receiveTls(source, source.tls, blocks.scratch, BLOCK_BYTES)
  if (got <= 0) return noBytes(way, got)
  if (got < BLOCK_BYTES) noteShortRead(way)
  const took =
    sink.tls === undefined
      ? calls.send(sink.fd, blocks.scratch, 0, got)
      : sendTls(sink, sink.tls, blocks.scratch, 0, got)
  if (took !== got) return keepRest(way, calls, blocks, got, took)
  way.bytes += took
  return GO_ON
}

/**
 * A read that came up short has drained a TCP socket: the kernel returns early only at its end, at an error and
 * at urgent data. If the end was announced before that read, this was the last byte.
 */
function noteShortRead(way: Direction): void {
  const { source } = way
  if (source.isUnix || source.hasUrgent || source.error !== 0 || source.tls !== undefined) return
  if (source.hasPeerEnded) way.hasEnded = true
  else source.mayRead = false
}

/** `recv` brought no byte: an end, an error, or nothing now. */
function noBytes(way: Direction, outcome: Outcome): Pumped | typeof GO_ON {
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

/** The sink took less than was read: the direction keeps the scratch block with the rest, and tries that. */
function keepRest(
  way: Direction,
  calls: Calls,
  blocks: Blocks,
  got: number,
  took: Outcome,
): Pumped | typeof GO_ON {
  const taken = Math.max(0, took)
  const block = blocks.keepScratch()
  if (block === undefined) return sinkFailed(way, blocks, -ENOMEM)
  way.hold(block, taken, got - taken)
  way.bytes += taken
  // A short or refused send is the kernel's word that the sink is full; an interrupted one is not.
  if (took >= 0 || took === -EAGAIN) return blocked(way)
  if (took === -EINTR) return flushHeld(way, calls, blocks)
  return sinkFailed(way, blocks, took)
}

function flushHeld(way: Direction, calls: Calls, blocks: Blocks): Pumped | typeof GO_ON {
  const { sink } = way
  while (way.heldBytes > 0) {
    const took =
      sink.tls === undefined
        ? calls.send(sink.fd, way.held as Region, way.heldOffset, way.heldBytes)
        : sendTls(sink, sink.tls, way.held as Region, way.heldOffset, way.heldBytes)
    if (took === -EINTR) continue
    if (took === -EAGAIN) return blocked(way)
    if (took < 0) return sinkFailed(way, blocks, took)
    way.bytes += took
    way.heldOffset += took
    way.heldBytes -= took
    if (way.heldBytes > 0) return blocked(way)
  }
  way.drop(blocks)
  return GO_ON
}

function blocked(way: Direction): Pumped {
  way.isBlocked = true
  return BLOCKED
}

function sinkFailed(way: Direction, blocks: Blocks, outcome: Outcome): Pumped {
  way.sink.fail(outcome === 0 ? ECONNRESET : -outcome)
  way.drop(blocks)
  return SINK_FAILED
}
