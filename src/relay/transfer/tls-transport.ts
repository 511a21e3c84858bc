import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, ECONNRESET, EINTR, EPROTO } from '../../kernel/errno.js'
import type { Region } from '../../kernel/region.js'
import { add, COUNT } from '../../observe/counters.js'
import type { TlsChannel } from '../../tls/channel.js'
import { END, MORE, PROTOCOL_ERROR, TRUNCATED, WANT_READ, WANT_WRITE } from '../../tls/outcomes.js'
import type { Connection } from '../connection.js'

/** What a TLS connection answers to a direction: the same as a socket would. */

/**
 * Bytes; 0 at the end that the peer has said; a negated errno. -EAGAIN: the loop will tell. -EINTR: go on, in another
 * turn if this one is spent.
 */
export function receiveTls(source: Connection, tls: TlsChannel, into: Region, bytesMax: number): Outcome {
  const got = tls.read(into, 0, bytesMax)
  if (got > 0) {
    source.mayRead = tls.mayHaveMore
    return got
  }
  switch (got) {
    case END:
      return 0
    case WANT_READ:
      return -EAGAIN
    case WANT_WRITE:
      source.readsWhenWritable = true
      return -EAGAIN
    case MORE:
      return -EINTR
    case TRUNCATED:
      return source.isTruncationReset ? -ECONNRESET : 0
    default:
      return failed(source, tls, got)
  }
}

/** Bytes taken, fewer when the sink is full; a negated errno. */
export function sendTls(
  sink: Connection,
  tls: TlsChannel,
  from: Region,
  offset: number,
  byteCount: number,
): Outcome {
  const took = tls.write(from, offset, byteCount)
  sink.writesWhenReadable = took === WANT_READ
  if (took >= 0) return took
  return took === WANT_WRITE || took === WANT_READ ? -EAGAIN : failed(sink, tls, took)
}

/** Says that nothing more comes: 0, -EAGAIN until that could be said, or why not. */
export function endTls(sink: Connection, tls: TlsChannel): Outcome {
  const outcome = tls.closeNotify()
  sink.writesWhenReadable = outcome === WANT_READ
  if (outcome >= 0) return outcome
  return outcome === WANT_WRITE || outcome === WANT_READ ? -EAGAIN : failed(sink, tls, outcome)
}

/** An errno as it is; whatever else is wrong is said once and becomes EPROTO. */
function failed(connection: Connection, tls: TlsChannel, outcome: Outcome): Outcome {
  if (outcome === TRUNCATED) return -ECONNRESET
  if (outcome !== PROTOCOL_ERROR) return outcome
  const { counters, trouble } = connection.session.relay
  if (connection.error === 0) {
    add(counters, COUNT.tlsErrors, 1)
    trouble.tellTls(connection.session, connection.isClient, tls.reason)
  }
  return -EPROTO
}
