import { test } from 'node:test'
import { WholeRelay } from '../../../test/support/whole-relay.js'

const WAITS_FOR_FIRST_BYTES = { mode: 'pass', detectTimeoutMs: 60_000, handshakeTimeoutMs: 60_000 } as const

/** As many bytes as `WholeRelay` sends: no session id, one cipher suite, and a padding extension. */
const HELLO = Uint8Array.of(
  ...[0x16, 3, 1, 0, 95, 1, 0, 0, 91, 3, 3, ...Array(32).fill(7)],
  ...[0, 0, 2, 0x13, 0x01, 1, 0, 0, 48, 0, 21, 0, 44, ...Array(44).fill(0)],
)

for (const mechanism of ['epoll', 'poll', 'select'] as const) {
  test(`${mechanism}: forwards a FIN that arrived with the first bytes of the client`, () => {
    const relay = new WholeRelay({ mechanism, listenerTls: WAITS_FOR_FIRST_BYTES })
    relay.connectAndEnd()
    relay.serveEnded()
    relay.disconnect()
  })

  test(`${mechanism}: forwards a ClientHello that arrives in two parts`, () => {
    for (const aheadBytes of [1, 60]) {
      const relay = new WholeRelay({ mechanism, listenerTls: WAITS_FOR_FIRST_BYTES, request: HELLO })
      relay.connectInParts(aheadBytes)
      relay.disconnect()
    }
  })
}
