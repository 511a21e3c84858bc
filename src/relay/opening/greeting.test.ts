import { test } from 'node:test'
import { WholeRelay } from '../../../test/support/whole-relay.js'

const WAITS_FOR_FIRST_BYTES = { mode: 'pass', detectTimeoutMs: 60_000, handshakeTimeoutMs: 60_000 } as const

for (const mechanism of ['epoll', 'poll', 'select'] as const) {
  test(`${mechanism}: the end of a client that came with its first bytes is passed on`, () => {
    const relay = new WholeRelay({ mechanism, listenerTls: WAITS_FOR_FIRST_BYTES })
    relay.connectAndEnd()
    relay.serveEnded()
    relay.disconnect()
  })
}
