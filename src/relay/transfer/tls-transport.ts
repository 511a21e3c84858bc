/** TLS over a stream: maps the outcomes of a channel (`tls/outcomes.ts`) to those of a socket. */
import type { Calls, Outcome } from '../../kernel/calls.js'
import { EAGAIN, ECONNRESET, EINTR, EPROTO } from '../../kernel/errno.js'
import type { Region } from '../../kernel/region.js'
import type { TlsChannel } from '../../tls/channel.js'
import { END, MORE, PROTOCOL_ERROR, TRUNCATED, WANT_READ, WANT_WRITE } from '../../tls/outcomes.js'
import type { Endpoint, Transport } from './transport.js'

/** The cause of a reset by an end without close_notify. */
export const NO_CLOSE_NOTIFY = 'closed without close_notify'

/** TLS over TCP. */
export const TLS: Transport = {
  name: 'tls',
  // Records may be buffered in the channel: read until it reports none.
  shortReadDrains: false,
  hasHalfClose: true,
  canSplice: false,
  hasReset: true,
  keepsMessages: false,
  isTcp: true,
  // Its state is in OpenSSL's memory.
  canFreeze: false,
  receive(source, _calls, into, bytesMax) {
    const tls = channelOf(source)
    const got = tls.read(into, 0, bytesMax)
    if (got > 0) {
      // The loop reports an end without close_notify, or an error, only once: possibly before these bytes were read.
      source.mayRead = tls.mayHaveMore || source.hasPeerEnded || source.hasUrgent || source.error !== 0
      return got
    }
    switch (got) {
      case END:
        return 0
      case WANT_READ:
        return -EAGAIN
      case WANT_WRITE:
        // OpenSSL must write before it reads on, for example to answer a key update (RFC 8446, 4.6.3).
        source.readsWhenWritable = true
        return -EAGAIN
      case MORE:
        return -EINTR
      case TRUNCATED:
        return source.isTruncationReset ? truncated(source) : 0
      default:
        return failed(source, tls, got)
    }
  },
  send,
  sendLast: send,
  sendEnd(sink) {
    const tls = channelOf(sink)
    return written(sink, tls, tls.closeNotify())
  },
  unsentBytes: (calls, fd) => calls.unsentBytes(fd),
}

/** TLS over a Unix socket, which has no reset. */
export const TLS_OVER_UNIX: Transport = { ...TLS, name: 'tls-unix', hasReset: false, isTcp: false }

function send(sink: Endpoint, _calls: Calls, from: Region, offset: number, byteCount: number): Outcome {
  const tls = channelOf(sink)
  return written(sink, tls, tls.write(from, offset, byteCount))
}

function channelOf({ tls }: Endpoint): TlsChannel {
  if (tls === undefined) throw new Error('a TLS transport without a channel')
  return tls
}

/** Bytes taken, -EAGAIN if the socket is not ready, or a negated errno. */
function written(sink: Endpoint, tls: TlsChannel, outcome: Outcome): Outcome {
  sink.writesWhenReadable = outcome === WANT_READ
  if (outcome >= 0) return outcome
  return outcome === WANT_WRITE || outcome === WANT_READ ? -EAGAIN : failed(sink, tls, outcome)
}

/** An errno unchanged; other failures are reported once and become EPROTO. */
function failed(endpoint: Endpoint, tls: TlsChannel, outcome: Outcome): Outcome {
  if (outcome === TRUNCATED) return truncated(endpoint)
  if (outcome !== PROTOCOL_ERROR) return outcome
  if (endpoint.error === 0) endpoint.onProtocolError(tls.reason)
  return -EPROTO
}

function truncated(endpoint: Endpoint): Outcome {
  endpoint.noteCause(NO_CLOSE_NOTIFY)
  return -ECONNRESET
}
