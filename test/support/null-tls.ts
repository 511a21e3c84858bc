/** TLS towards remotes that encrypts nothing, for sessions on a simulated kernel: its handshake is the text `<tls>`. */
import type { Calls, Fd } from '../../src/kernel/calls.js'
import { EAGAIN } from '../../src/kernel/errno.js'
import { heapRegion, type Region } from '../../src/kernel/region.js'
import type { Origination } from '../../src/relay/relay-tls.js'
import type { TlsChannel } from '../../src/tls/channel.js'
import type { ClientContext } from '../../src/tls/client-context.js'
import { END, WANT_READ, WANT_WRITE } from '../../src/tls/outcomes.js'
import type { ClientOpening } from '../../src/wire/starttls/client-step.js'

const HELLO = Buffer.from('<tls>')

function channel(calls: Calls, fd: Fd) {
  const hello = heapRegion(HELLO.length)
  hello.bytes.set(HELLO)
  const wanted = (outcome: number, want: number) => (outcome === -EAGAIN ? want : outcome)
  let sent = 0
  return {
    trustsShortReceive: false,
    reason: '',
    mayHaveMore: true,
    get isReady() {
      return sent === HELLO.length
    },
    facts: () => ({}),
    handshake() {
      while (sent < HELLO.length) {
        const took = calls.send(fd, hello, sent, HELLO.length - sent)
        if (took < 0) return wanted(took, WANT_WRITE)
        sent += took
      }
      return 0
    },
    read(into: Region, offset: number, bytesMax: number) {
      const got = calls.recv(fd, into, offset, bytesMax)
      return got === 0 ? END : wanted(got, WANT_READ)
    },
    write: (from: Region, offset: number, byteCount: number) =>
      wanted(calls.send(fd, from, offset, byteCount), WANT_WRITE),
    closeNotify: () => 0,
    free: () => {},
  }
}

export function nullOrigination(calls: Calls, opening: ClientOpening | undefined): Origination {
  const context = { connect: (fd: Fd) => channel(calls, fd) as unknown as TlsChannel }
  return { context: context as ClientContext, timeoutMs: 10_000, isTruncationReset: true, opening }
}
