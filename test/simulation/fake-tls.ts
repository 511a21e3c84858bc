import type { Calls, Fd, Outcome } from '../../src/kernel/calls.js'
import { EAGAIN, EINTR } from '../../src/kernel/errno.js'
import type { Region } from '../../src/kernel/region.js'
import type { Origination } from '../../src/relay/relay-tls.js'
import type { TlsChannel } from '../../src/tls/channel.js'
import type { ClientContext } from '../../src/tls/client-context.js'
import { END, MORE, WANT_READ, WANT_WRITE } from '../../src/tls/outcomes.js'
import type { Chance } from './chance.js'

/** The receive buffer of OpenSSL with read-ahead. */
const BUFFER_BYTES = 16_384

const FACTS = {
  version: 'TLSv1.3',
  cipher: 'none',
  group: '',
  serverName: undefined,
  alpn: undefined,
  isResumed: false,
  peer: undefined,
  pskIdentity: undefined,
}

/** The part of a `TlsChannel` that sessions with a remote use. */
type Channel = Pick<
  TlsChannel,
  'closeNotify' | 'free' | 'handshake' | 'isReady' | 'mayHaveMore' | 'read' | 'trustsShortReceive' | 'write'
>

/**
 * TLS without records and keys: all bytes are sent as they are, and every end counts as announced. What remains is
 * how a channel reports that its socket is drained.
 */
class FakeChannel implements Channel {
  isReady = false
  mayHaveMore = false
  trustsShortReceive = true
  readonly #fd: Fd
  readonly #calls: Calls
  readonly #chance: Chance
  /** Those of the context that are not freed. */
  readonly #open: Set<unknown>
  /** A slow one takes many turns. */
  readonly #moreTurns: number
  /** The result of every further read, after the end or an error. */
  #end: Outcome = 0

  constructor(fd: Fd, calls: Calls, chance: Chance, open: Set<unknown>) {
    this.#open = open.add(this)
    this.#moreTurns = chance.pick([0.5, 0.5, 0.95])
    this.#fd = fd
    this.#calls = calls
    this.#chance = chance
  }

  handshake(): Outcome {
    if (this.#chance.is(this.#moreTurns)) return MORE
    this.isReady = true
    return 0
  }

  read(into: Region, offset: number, bytesMax: number): Outcome {
    if (this.#end !== 0) return this.#end
    this.mayHaveMore = true
    const most = Math.min(bytesMax, BUFFER_BYTES)
    const got = this.#calls.recv(this.#fd, into, offset, most)
    if (got > 0) {
      this.mayHaveMore = got === most || !this.trustsShortReceive
      return got
    }
    if (got === -EINTR) return MORE
    if (got !== -EAGAIN) {
      this.#end = got === 0 ? END : got
      return this.#end
    }
    this.mayHaveMore = false
    return WANT_READ
  }

  write(from: Region, offset: number, byteCount: number): Outcome {
    for (let total = 0; ; ) {
      if (total === byteCount) return total
      const took = this.#calls.send(this.#fd, from, offset + total, byteCount - total)
      if (took > 0) total += took
      else if (took === -EAGAIN) return total > 0 ? total : WANT_WRITE
      else if (took !== -EINTR) return took
    }
  }

  closeNotify(): Outcome {
    return 0
  }

  facts(): typeof FACTS {
    return FACTS
  }

  free(): void {
    if (!this.#open.delete(this)) throw new Error('a channel is freed twice')
  }
}

/** TLS to a remote. `open`: gets the channels, and loses those that are freed. */
export function fakeOrigination(calls: Calls, chance: Chance, open: Set<unknown>): Origination {
  const connect = (fd: Fd) => new FakeChannel(fd, calls, chance, open)
  const context = { connect } as unknown as ClientContext
  return { context, timeoutMs: 1_000, isTruncationReset: true }
}
