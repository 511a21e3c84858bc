import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { MODES, MODES_WITH_TWO } from '../harness/modes.js'
import { rawPeers } from '../harness/peers.js'
import { relayTo } from '../harness/relay.js'
import { type Behaviour, echoes, echoesForEver, remoteThat } from '../harness/remote.js'
import { connectTls, localhost, servedWith } from '../harness/tls.js'

const RATE = 200_000
const BYTES = RATE * 0.7
/** A timer may be late, but never early: what is sent at once is a tenth of a second. */
const LEAST_MS = 500

const pattern = Array.from({ length: BYTES }, (_, i) => String.fromCharCode(97 + ((i * 7) % 26))).join('')

const limit = (...directives: readonly string[]) => `limit = { per = session ${directives.join(' ')} }`

/** Sends until its client disconnects. */
const sendsForEver: Behaviour = (socket) => {
  const chunk = Buffer.alloc(65_536)
  const send = () => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', send).on('error', () => {})
  send()
}

/** Sends the pattern and the end, and gets both back. */
async function echoed(client: Client): Promise<number> {
  const startedMs = performance.now()
  const got = client.readToEnd()
  await client.send(pattern)
  await client.endWriting()
  assert.equal(await got, pattern)
  return performance.now() - startedMs
}

for (const mode of MODES) {
  test(`${mode.name}: bytes in and out are limited, and arrive with the end`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).with(limit(`bytes in = ${RATE}/s`, `bytes out = ${2 * RATE}/s`))
    const relay = await mode.start(t, plan)
    const ms = await echoed(await Client.connect(t, { port: relay.port() }))
    assert.ok(ms >= LEAST_MS, `${ms} ms`)
  })
}

for (const splice of ['yes', 'no']) {
  test(`splice = ${splice}: bytes out of two sessions are limited for each`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const relay = await relayTo(remote)
      .with(limit(`bytes out = ${RATE}/s`), `splice = ${splice}`)
      .start(t)
    const clients = [await relay.connect(), await relay.connect()]
    for (const ms of await Promise.all(clients.map(echoed))) assert.ok(ms >= LEAST_MS, `${ms} ms`)
  })
}

test('a TLS client is limited', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .with(servedWith(localhost(t)), limit(`bytes in = ${RATE}/s`, `bytes out = ${2 * RATE}/s`))
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    .start(t)
  const ms = await echoed(await connectTls(t, relay.port()))
  assert.ok(ms >= LEAST_MS, `${ms} ms`)
})

test('a listener limits its own clients, here those of a Unix socket', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const path = join(temporaryFolder(t), 'socket')
  const relay = await relayTo(remote)
    .listeningOn(`path = ${path} ${limit(`bytes out = ${RATE}/s`)}`, 'address = 127.0.0.1 port = 0')
    .start(t)
  const [slow, fast] = [await Client.connect(t, { path }), await Client.connect(t, { port: relay.port(1) })]
  const [slowMs, fastMs] = await Promise.all([echoed(slow), echoed(fast)])
  assert.ok(slowMs >= LEAST_MS, `${slowMs} ms`)
  assert.ok(fastMs < slowMs, `${fastMs} ms without a limit`)
})

test('a reset is passed on through a limited session', async (t) => {
  const remote = await remoteThat(echoesForEver).start(t)
  const relay = await relayTo(remote).with(limit('bytes in = 1k/s', 'bytes out = 1k/s')).start(t)
  const client = await relay.connect()
  await client.exchange('hello')
  const [server] = remote.sockets
  server?.resetAndDestroy()
  assert.equal(await client.ending(), 'ECONNRESET')
})

test('first byte timeout closes a client that says nothing, with FIN', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .with(limit('first byte timeout = 300ms'), 'access log = stderr')
    .start(t)
  const [silent, spoken] = [await relay.connect(), await relay.connect()]
  await spoken.exchange('hello')
  assert.equal(await silent.ending(), 'end')
  await relay.logged(/to_remote=0 .* end=first-byte-timeout$/)
  assert.equal(await spoken.exchange('still here'), 'still here')
})

test('max lifetime ends an idle session in order', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .with(limit('max lifetime = 1 jitter = 10%'), 'access log = stderr')
    .start(t)
  const client = await relay.connect()
  await client.exchange('hello')
  assert.equal(await client.ending(), 'end')
  await relay.logged(/to_remote=5 .* end=max-lifetime$/)
  await remote.holds(0)
})

test('max lifetime ends a client whose remote does not answer', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const relay = await relayTo(await peers.blackhole())
    .with(limit('max lifetime = 500ms'), 'access log = stderr')
    .start(t)
  const client = await relay.connect()
  assert.equal(await client.ending(), 'end')
  await relay.logged(/ listener=\S+ to_remote=0 .* end=max-lifetime$/)
})

test('min rate resets the session of a client that reads nothing', async (t) => {
  const remote = await remoteThat(sendsForEver).start(t)
  const relay = await relayTo(remote).with(limit('min rate = 1k/s in 1s'), 'access log = stderr').start(t)
  const socket = connect({ port: relay.port(), host: '127.0.0.1' }).pause()
  socket.on('error', () => {})
  afterwards(t, () => void socket.destroy())
  await relay.logged(/ end=min-rate reason=the_client_took_\d+_bytes\/s$/)
  await remote.holds(0)
})

for (const mode of MODES_WITH_TWO) {
  test(`${mode.name}: the sessions of one source share bytes in and out`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).with(
      `limit = { per = source bytes in = ${3 * RATE}/s bytes out = ${2 * RATE}/s }`,
    )
    const relay = await mode.start(t, plan)
    const port = relay.port()
    const clients = await Promise.all(Array.from({ length: 4 }, () => Client.connect(t, { port })))
    // 4 × 0.7 s at this rate.
    const times = await Promise.all(clients.map(echoed))
    const last = Math.max(...times)
    assert.ok(last >= 1_200, `${times.join()} ms`)
    assert.ok(Math.min(...times) >= last / 4, 'none is served before the others')
  })
}
