import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Client } from '../harness/client.js'
import { MODES } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { identityFiles, tlsRemote } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { makeIdentity } from '../support/certificates.js'

/** A check that is broken off in the handshake leaves no connection half open in the server. */
const FULL_CLOSE = { allowHalfOpen: false }

const echo = (socket: TLSSocket) => void socket.pipe(socket)

for (const mode of MODES) {
  test(`${mode.name}: a health check over TLS verifies the certificate as sessions do, and warns early`, async (t) => {
    const named = (name: string, toDays: number) =>
      identityFiles(t, makeIdentity({ name, alternativeNames: [name], toDays }))
    const soon = named('localhost', 3.5)
    const other = named('else.example', 30)
    const words = (files: typeof soon) => `tls = yes server name = localhost ca-file = ${files.certFile}`
    let connections = 0
    const counted = (socket: TLSSocket) => {
      connections++
      echo(socket)
    }
    const good = await tlsRemote(t, soon, words(soon), counted, FULL_CLOSE)
    const wrong = await tlsRemote(t, other, words(other), echo, FULL_CLOSE)
    const running = await mode.start(
      t,
      relayTo(good, wrong).with(
        'health { type = tls interval = 50ms timeout = 20s }',
        'balance = round-robin',
        'access log = stderr',
      ),
    )
    await running.logged(
      /remote \S+ is down: health check: its certificate is not for "localhost" \(CN=else\.example\)/,
    )
    await running.logged(
      /remote \S+: health check: its certificate expires in 3 days \(CN=localhost, \d{4}-\d\d-\d\d\)/,
    )
    for (let i = 0; i < 2; i++) {
      const client = await Client.connect(t, { port: running.port() })
      assert.equal(await client.exchange('hello'), 'hello')
      await client.endWriting()
      assert.equal(await client.readToEnd(), '')
      await client.close()
    }
    await running.logged(/ end=done/, 2)
    assert.deepEqual(
      running.program.stderr.matching(/ attempts=/),
      [],
      'the remote that is down was not tried',
    )
    const before = connections
    await until('further checks', () => connections > before + 2)
    assert.equal(running.program.stderr.matching(/expires in/).length, 1)
  })
}
