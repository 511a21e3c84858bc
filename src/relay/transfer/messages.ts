/** Moves SCTP messages between two SCTP sockets. */
import type { Calls, Outcome } from '../../kernel/calls.js'
import { EAGAIN, EINTR, EINVAL, ENOMEM } from '../../kernel/errno.js'
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
  SOURCE_FAILED,
  SPENT,
  sinkFailed,
} from './direction.js'
import { Message } from './message.js'

/** Budget per turn: as many bytes as a stream, or this many small messages. */
const BYTES_PER_TURN = 4 * BLOCK_BYTES
const MESSAGES_PER_TURN = 64

/**
 * Moves messages from one SCTP socket to another, as `pump` moves bytes: each stays one message with its stream, PPID
 * and order. A message longer than a block is sent as several, all ordered, so that the receiver can reassemble it.
 */
export function pumpMessages(way: Direction, calls: Calls, blocks: Blocks): Pumped {
  way.isBlocked = false
  way.message ??= new Message()
  const { message } = way
  const enough = Math.min(way.bytes + BYTES_PER_TURN, way.bytesAllowed)
  for (let messages = 0; messages < MESSAGES_PER_TURN && way.bytes < enough; messages++) {
    // A partial message is completed by `moveOne` first.
    if (way.heldBytes > 0 && !message.isUnfinished) {
      const flushed = sendHeld(way, message, calls, blocks)
      if (flushed !== GO_ON) return flushed
    }
    if (way.hasEnded) return ENDED
    if (!way.source.mayRead) return EMPTY
    const moved = moveOne(way, message, calls, blocks)
    if (moved !== GO_ON) return moved
  }
  return SPENT
}

/**
 * Receives into the scratch block from a source whose sink is not connected yet; returns what recv(2) does. The
 * metadata of a message is kept, because the sink may become an SCTP socket too.
 */
export function receiveFirst(way: Direction, calls: Calls, blocks: Blocks): Outcome {
  const { source } = way
  if (!source.transport.keepsMessages)
    return source.transport.receive(source, calls, blocks.scratch, BLOCK_BYTES)
  way.message ??= new Message()
  const got = calls.sctp.receive(way.source.fd, blocks.scratch, 0, BLOCK_BYTES, way.message)
  way.message.isUnfinished = got > 0 && got < BLOCK_BYTES && !way.message.isWhole
  // A read ends with its message, whatever is queued behind it.
  if (got > 0) source.mayRead = true
  return got
}

/** Moves one message. The kernel may deliver it in parts when its buffers are full: they are reassembled here. */
function moveOne(way: Direction, message: Message, calls: Calls, blocks: Blocks): Pumped | typeof GO_ON {
  let filled = way.heldBytes
  do {
    const block = way.held ?? blocks.scratch
    const got = calls.sctp.receive(way.source.fd, block, filled, BLOCK_BYTES - filled, message)
    if (got <= 0) return stopReading(way, message, blocks, got, filled)
    filled += got
  } while (!message.isWhole && filled < BLOCK_BYTES)
  if (way.held !== undefined) {
    way.heldBytes = filled
    message.isUnfinished = false
    return sendHeld(way, message, calls, blocks)
  }
  const took = send(way, message, calls, blocks.scratch, filled)
  if (took >= 0) return GO_ON
  const block = blocks.keepScratch()
  if (block === undefined) return sinkFailed(way, -ENOMEM)
  way.hold(block, 0, filled)
  if (took === -EINTR) return sendHeld(way, message, calls, blocks)
  return took === -EAGAIN ? blocked(way) : refused(way, took)
}

/** No more bytes now: keeps a partial message until its rest arrives; after an end or error it is dropped. */
function stopReading(
  way: Direction,
  message: Message,
  blocks: Blocks,
  outcome: Outcome,
  filled: number,
): Pumped | typeof GO_ON {
  const stopped = noBytes(way, outcome)
  if (filled === 0) return stopped
  if (stopped === ENDED || stopped === SOURCE_FAILED) {
    message.isUnfinished = false
    way.releaseBlock(blocks)
    return stopped
  }
  if (way.held === undefined) {
    const block = blocks.keepScratch()
    if (block === undefined) return sinkFailed(way, -ENOMEM)
    way.hold(block, 0, filled)
  }
  way.heldBytes = filled
  message.isUnfinished = true
  return stopped
}

function sendHeld(way: Direction, message: Message, calls: Calls, blocks: Blocks): Pumped | typeof GO_ON {
  for (;;) {
    const took = send(way, message, calls, way.held as Region, way.heldBytes)
    if (took === -EINTR) continue
    if (took === -EAGAIN) return blocked(way)
    if (took < 0) return refused(way, took)
    way.releaseBlock(blocks)
    return GO_ON
  }
}

/** The sink rejected a message. */
function refused(way: Direction, outcome: Outcome): Pumped {
  if (outcome === -EINVAL) {
    const where = way.source.isClient ? 'server' : 'client'
    const { warnings } = way.source.session.relay
    warnings.report(
      `an SCTP message is on a stream that the ${where} does not have (see \`sctp streams\`)`,
      EINVAL,
    )
  }
  return sinkFailed(way, outcome)
}

/** Sends a message, which the kernel takes whole or not at all. */
function send(way: Direction, message: Message, calls: Calls, from: Region, byteCount: number): Outcome {
  if (message.isInPieces || !message.isWhole) message.isUnordered = false
  const took = calls.sctp.send(way.sink.fd, from, 0, byteCount, message)
  if (took < 0) return took
  // What follows belongs to the same message until a part is its last.
  message.isInPieces = !message.isWhole
  way.bytes += byteCount
  return took
}
