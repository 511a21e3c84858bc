/** Moves the bytes of a direction: by splice(2) once it is promoted, otherwise by copying through a block. */
import type { Calls, Outcome } from '../../kernel/calls.js'
import { EAGAIN, EINTR, ENOMEM } from '../../kernel/errno.js'
import type { Region } from '../../kernel/region.js'
import { BLOCK_BYTES, type Blocks } from './blocks.js'
import {
  blocked,
  type Direction,
  EMPTY,
  ENDED,
  GO_ON,
  noBytes,
  type Pumped,
  SPENT,
  sinkFailed,
} from './direction.js'
import type { Pipes } from './pipes.js'
import type { SplicePolicy } from './splice-policies.js'
import { emptyKept, splice } from './splicing.js'

/** Receives per turn: 256 KiB, about 100 µs, so that other sessions get their turns. */
const RECEIVES_PER_TURN = 4

/** Moves bytes until the source is drained or ends, the sink is full, a side fails, or the turn's budget is spent. */
export function pump(
  way: Direction,
  calls: Calls,
  blocks: Blocks,
  pipes: Pipes,
  policy: SplicePolicy,
): Pumped {
  // A sink that was full is offered all of it again: OpenSSL takes no less than before.
  const offeredMax = way.isBlocked ? way.heldBytes : way.bytesAllowed - way.bytes
  way.isBlocked = false
  if (way.heldBytes > 0) {
    const flushed = flushHeld(way, calls, blocks, offeredMax)
    if (flushed !== GO_ON) return flushed
  } else if (way.pipe !== undefined) {
    way.sink.neverDelay(calls)
    const emptied = emptyKept(way, way.pipe, calls, pipes)
    if (emptied !== GO_ON) return emptied
  }
  // After GO_ON bytes are copied below: these sockets cannot be spliced now.
  if (way.bigRuns >= policy.bigRuns) {
    way.sink.neverDelay(calls)
    const spliced = splice(way, calls, pipes)
    if (spliced !== GO_ON) return spliced
  }
  for (let receives = 0; receives < RECEIVES_PER_TURN; receives++) {
    if (way.hasEnded) return ENDED
    if (!way.source.mayRead) return EMPTY
    const room = way.bytesAllowed - way.bytes
    if (room <= 0) return SPENT
    const moved = moveOnce(way, calls, blocks, Math.min(room, BLOCK_BYTES))
    if (moved !== GO_ON) return moved
  }
  return SPENT
}

/** Copies once through the scratch block, which holds no bytes of a session between two calls. */
function moveOnce(way: Direction, calls: Calls, blocks: Blocks, bytesMax: number): Pumped | typeof GO_ON {
  const { source, sink } = way
  const got = source.transport.receive(source, calls, blocks.scratch, bytesMax)
  if (got <= 0) return noBytes(way, got)
  if (got < bytesMax) noteShortRead(way)
  if (way.bytes > 0) sink.neverDelay(calls)
  const { send, sendLast } = sink.transport
  const took = (way.hasEnded ? sendLast : send)(sink, calls, blocks.scratch, 0, got)
  if (took !== got) return keepRest(way, calls, blocks, got, took)
  way.bytes += took
  return GO_ON
}

/**
 * A short read has drained a TCP socket: the kernel returns early only at the end, at an error and at urgent data. If
 * the FIN was reported before the read, these were the last bytes.
 */
function noteShortRead(way: Direction): void {
  const { source } = way
  if (!source.transport.shortReadDrains || source.hasUrgent || source.error !== 0) return
  if (source.hasPeerEnded) way.hasEnded = true
  else source.mayRead = false
}

/** The sink took less than was read: the direction keeps the scratch block with the rest. */
function keepRest(
  way: Direction,
  calls: Calls,
  blocks: Blocks,
  got: number,
  took: Outcome,
): Pumped | typeof GO_ON {
  const taken = Math.max(0, took)
  const block = blocks.keepScratch()
  // The bytes were read and cannot be kept, so the session cannot go on.
  if (block === undefined) return sinkFailed(way, -ENOMEM)
  way.hold(block, taken, got - taken)
  way.bytes += taken
  // A short send or EAGAIN means that the sink is full; EINTR does not.
  if (took >= 0 || took === -EAGAIN) return blocked(way)
  if (took === -EINTR) return flushHeld(way, calls, blocks, way.heldBytes)
  return sinkFailed(way, took)
}

/** Sends the held bytes, which must precede what is read next: `bytesMax` of them. */
function flushHeld(way: Direction, calls: Calls, blocks: Blocks, bytesMax: number): Pumped | typeof GO_ON {
  const { sink } = way
  if (way.bytes > 0) sink.neverDelay(calls)
  let left = Math.min(bytesMax, way.heldBytes)
  while (left > 0) {
    const took = sink.transport.send(sink, calls, way.held as Region, way.heldOffset, left)
    if (took === -EINTR) continue
    if (took === -EAGAIN) return blocked(way)
    if (took < 0) return sinkFailed(way, took)
    way.bytes += took
    way.heldOffset += took
    way.heldBytes -= took
    left -= took
    // A short send: the sink is full.
    if (left > 0) return blocked(way)
  }
  if (way.heldBytes > 0) return SPENT
  way.releaseBlock(blocks)
  return GO_ON
}
