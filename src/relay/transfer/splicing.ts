/** Moves the bytes of a direction by splice(2), without copying. */
import type { Calls } from '../../kernel/calls.js'
import { EAGAIN, EINTR, EINVAL, ENOSYS } from '../../kernel/errno.js'
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
import type { Pipe, Pipes } from './pipes.js'

/** Reads per run at most, in case each brings only a few bytes: other sessions need their turns. */
const READS_PER_RUN = 8

/**
 * Moves bytes through a borrowed pipe. GO_ON: splicing is not possible, nothing is in a pipe, continue by copying.
 */
export function splice(way: Direction, calls: Calls, pipes: Pipes): Pumped | typeof GO_ON {
  const pipe = maySplice(way) ? pipes.lend() : undefined
  if (pipe === undefined) {
    way.demote(pipes)
    return GO_ON
  }
  way.promote(pipes, pipe)
  way.pipe = pipe
  const pumped = readAndWrite(way, pipe, calls, pipes.runBytes)
  if (pipe.byteCount === 0) way.returnPipe(pipes)
  return pumped
}

/** Sends the bytes of a kept pipe, and returns the pipe when it is empty. */
export function emptyKept(way: Direction, pipe: Pipe, calls: Calls, pipes: Pipes): Pumped | typeof GO_ON {
  const pumped = write(way, pipe, calls)
  if (pumped === GO_ON) way.returnPipe(pipes)
  return pumped
}

/**
 * Not for TLS, which needs the bytes, Unix sockets, whose messages fill the slots of a pipe, or SCTP, which has
 * messages. splice(2) never passes the mark of urgent data. After an error, bytes are copied because recv(2) reports
 * the error.
 */
function maySplice({ refusesSplice, sink, source }: Direction): boolean {
  if (!source.transport.canSplice || !sink.transport.canSplice) return false
  return !source.hasUrgent && source.error === 0 && !refusesSplice
}

function readAndWrite(way: Direction, pipe: Pipe, calls: Calls, runBytes: number): Pumped | typeof GO_ON {
  const { source } = way
  const readBytes = Math.min(pipe.capacity, runBytes)
  const enough = Math.min(way.bytes + runBytes, way.bytesAllowed)
  for (let reads = 0; reads < READS_PER_RUN && way.bytes < enough; reads++) {
    if (way.hasEnded) return ENDED
    if (!source.mayRead) return EMPTY
    const got = calls.splice(source.fd, pipe.writeEnd, Math.min(readBytes, way.bytesAllowed - way.bytes))
    if (got === -EINVAL || got === -ENOSYS) {
      way.refusesSplice = true
      return GO_ON
    }
    if (got > 0) {
      pipe.byteCount = got
      const written = write(way, pipe, calls)
      if (written !== GO_ON) return written
    } else {
      const nothing = noBytes(way, got)
      if (nothing !== GO_ON) return nothing
    }
  }
  return SPENT
}

/** Only EAGAIN means that the sink is full: a short splice may be due to the layout of the pipe's buffers. */
function write(way: Direction, pipe: Pipe, calls: Calls): Pumped | typeof GO_ON {
  while (pipe.byteCount > 0) {
    const took = calls.splice(pipe.readEnd, way.sink.fd, pipe.byteCount)
    if (took === -EINTR) continue
    if (took === -EAGAIN) return blocked(way)
    if (took <= 0) return sinkFailed(way, took)
    way.bytes += took
    pipe.byteCount -= took
  }
  return GO_ON
}
