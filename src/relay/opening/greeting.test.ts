import { test } from 'node:test'
import { WholeRelay } from '../../../test/support/whole-relay.js'

const WAITS_FOR_FIRST_BYTES = { mode: 'pass', detectTimeoutMs: 60_000, handshakeTimeoutMs: 60_000 } as const

for (const mechanism of ['epoll', 'poll', 'select'] as const) {
  test(`${mechanism}: forwards a FIN that arrived with the first bytes of the client`, () => {
    const relay = new WholeRelay({ mechanism, listenerTls: WAITS_FOR_FIRST_BYTES })
    relay.connectAndEnd()
    relay.serveEnded()
    relay.disconnect()
  })
}
