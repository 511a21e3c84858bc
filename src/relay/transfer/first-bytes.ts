/** For handlers of the first bytes of a direction: gathers them without moving them. */
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, EINTR, ENOMEM } from '../../kernel/errno.js'
import { READABLE, WRITABLE } from '../../reactor/poller.js'
import type { Session } from '../session.js'
import type { Direction } from './direction.js'

/** Handlers hold no more; a direction that has so many is moved as it is. */
export const FIRST_BYTES_MAX = 32 * 1024

/**
 * Receives once and holds the bytes behind those that are held: true if there are more, or there will be none. False: the direction
 * waits. An end or an error is noted for the pump.
 */
export function gatherBytes(session: Session, way: Direction): boolean {
  const { source } = way
  if (way.hasEnded || source.error !== 0 || way.heldBytes >= FIRST_BYTES_MAX) return true
  const got = source.mayRead ? receiveBehind(session, way) : -EAGAIN
  if (got > 0) way.heldBytes += got
  else if (got === 0) way.hasEnded = true
  else if (got === -EINTR) session.runLater(way)
  else if (got === -EAGAIN) {
    source.mayRead = false
    session.again(source, source.readsWhenWritable ? WRITABLE : READABLE)
  } else source.fail(-got)
  return got !== -EINTR && got !== -EAGAIN
}

/** Whether no more bytes will be gathered. */
export function isGatheringOver({ hasEnded, heldBytes, source }: Direction): boolean {
  return hasEnded || source.error !== 0 || heldBytes >= FIRST_BYTES_MAX
}

function receiveBehind({ relay }: Session, way: Direction): Outcome {
  const { blocks, system } = relay
  const { source } = way
  if (way.held === undefined) {
    const block = blocks.keepScratch()
    if (block === undefined) return -ENOMEM
    way.hold(block, 0, 0)
  }
  const end = way.heldOffset + way.heldBytes
  const behind = way.held?.part(end, FIRST_BYTES_MAX)
  return behind === undefined
    ? -ENOMEM
    : source.transport.receive(source, system.calls, behind, FIRST_BYTES_MAX)
}
