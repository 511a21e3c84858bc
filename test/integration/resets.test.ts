import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Peer, type RawPeers, rawPeers } from '../harness/peers.js'
import { type Relay, relayTo } from '../harness/relay.js'

const MiB = 1024 * 1024

interface Pair {
  readonly client: Peer
  readonly server: Peer
  readonly relay: Relay
}

/** A client and a server of plain sockets, joined by the relay. */
async function joined(t: TestContext, receiveBytes = 0): Promise<Pair | undefined> {
  const peers = rawPeers(t)
  if (!peers) return undefined
  const listening = await peers.listen({ receiveBytes })
  const relay = await relayTo(listening).start(t)
  return { relay, ...(await join(peers, relay, listening, receiveBytes)) }
}

async function join(
  peers: RawPeers,
  relay: Relay,
  listening: Awaited<ReturnType<RawPeers['listen']>>,
  receiveBytes = 0,
) {
  const client = await peers.connect(relay.port(), { receiveBytes })
  return { client, server: await listening.accept() }
}

/** Both ways are the same to the relay, so every test runs with either side in either part. */
const SIDES = [
  { who: 'client', cast: ({ client, server }: Pair) => ({ breaking: client, whole: server }) },
  { who: 'remote', cast: ({ client, server }: Pair) => ({ breaking: server, whole: client }) },
]

for (const { who, cast } of SIDES) {
  test(`a reset of the ${who} before any byte is passed on as a reset`, async (t) => {
    const pair = await joined(t)
    if (!pair) return
    const { breaking, whole } = cast(pair)
    await breaking.reset()
    assert.equal(await whole.ending(), 'ECONNRESET')
  })

  test(`what the ${who} sent before its reset arrives, then the reset`, async (t) => {
    const pair = await joined(t)
    if (!pair) return
    const { breaking, whole } = cast(pair)
    await breaking.send('the last words')
    assert.equal(await whole.read(14), 'the last words')
    await breaking.send('and more')
    assert.equal(await whole.read(8), 'and more')
    await breaking.reset()
    assert.equal(await whole.ending(), 'ECONNRESET')
  })

  test(`a reset of the ${who} right after its bytes loses none of them`, async (t) => {
    const pair = await joined(t)
    if (!pair) return
    const { breaking, whole } = cast(pair)
    await breaking.send('x'.repeat(20_000))
    await breaking.reset()
    const { bytes, ending } = await whole.readToEnd()
    assert.deepEqual({ bytes, ending }, { bytes: 20_000, ending: 'ECONNRESET' })
  })

  test(`a reset of the ${who} in the middle of its transfer is no clean end`, async (t) => {
    const pair = await joined(t)
    if (!pair) return
    const { breaking, whole } = cast(pair)
    const reading = whole.readToEnd()
    const sent = await breaking.sendMuch(4 * MiB)
    await breaking.reset()
    const got = await reading
    assert.equal(got.ending, 'ECONNRESET')
    assert.ok(got.bytes <= sent.bytes)
  })

  test(`a reset of the ${who} ends the transfer to it`, async (t) => {
    const pair = await joined(t)
    if (!pair) return
    const { breaking, whole } = cast(pair)
    const sending = whole.sendMuch(64 * MiB)
    await breaking.read(100_000)
    await breaking.reset()
    const { bytes, ending } = await sending
    assert.ok(bytes < 64 * MiB)
    assert.match(ending, /ECONNRESET|EPIPE/)
  })

  test(`a reset of the ${who} after its half-close is passed on`, async (t) => {
    const pair = await joined(t)
    if (!pair) return
    const { breaking, whole } = cast(pair)
    await breaking.send('done')
    await breaking.endWriting()
    const { bytes, ending } = await whole.readToEnd()
    assert.deepEqual({ bytes, ending }, { bytes: 4, ending: 'end' })
    const sending = whole.sendMuch(64 * MiB)
    await breaking.read(100_000)
    await breaking.reset()
    assert.match((await sending).ending, /ECONNRESET|EPIPE/)
  })

  test(`a reset of the ${who} after its half-close is passed on to a side that only waits`, async (t) => {
    const pair = await joined(t)
    if (!pair) return
    const { breaking, whole } = cast(pair)
    await breaking.send('done')
    await breaking.endWriting()
    assert.equal(await whole.ending(), 'end')
    await breaking.reset()
    await pair.relay.isIdle()
  })

  test(`a reset of the ${who} after the other side's half-close is passed on`, async (t) => {
    const pair = await joined(t)
    if (!pair) return
    const { breaking, whole } = cast(pair)
    await whole.send('question')
    await whole.endWriting()
    assert.equal(await breaking.read(8), 'question')
    await breaking.send('half an ans')
    assert.equal(await whole.read(11), 'half an ans')
    await breaking.reset()
    assert.equal(await whole.ending(), 'ECONNRESET')
  })

  test(`bytes that are queued when the ${who} resets still arrive, and then the reset`, async (t) => {
    const pair = await joined(t, 4096)
    if (!pair) return
    const { breaking, whole } = cast(pair)
    const sent = await breaking.fill()
    await breaking.reset()
    const got = await whole.readToEnd({ chunkBytes: 65_536, pauseMs: 1 })
    assert.equal(got.ending, 'ECONNRESET')
    // What the sender's own kernel still held was dropped by its reset; the relay had at least a block.
    assert.ok(got.bytes > 32 * 1024 && got.bytes <= sent, `${got.bytes} of ${sent} bytes arrived`)
  })

  test(`a close of the ${who} with unread bytes is passed on as the reset that it is`, async (t) => {
    const pair = await joined(t)
    if (!pair) return
    const { breaking, whole } = cast(pair)
    await whole.send('never read')
    await breaking.send('answer')
    assert.equal(await whole.read(6), 'answer')
    await breaking.close()
    assert.equal(await whole.ending(), 'ECONNRESET')
  })
}

test('both sides reset at the same moment', async (t) => {
  const pair = await joined(t)
  if (!pair) return
  await Promise.all([pair.client.reset(), pair.server.reset()])
  await pair.relay.isIdle()
})

test('a client that resets before its remote has answered leaves nothing behind', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const relay = await relayTo(await peers.blackhole())
    .with('access log = stderr')
    .start(t)
  const client = await relay.connect()
  await client.send('early bytes')
  client.reset()
  await relay.logged(/end=client-left/)
  await relay.isIdle()
})

test('a remote that sends and resets at once is heard', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const server = await peers.listen()
  const relay = await relayTo(server).with('dial retries = 0').start(t)
  const count = 200
  const answering = server.answerAll(count, 'go away', 'reset')
  const clients = await Promise.all(Array.from({ length: count }, () => peers.startConnecting(relay.port())))
  const heard = await Promise.all(clients.map((client) => client.readToEnd()))
  await answering
  const wrong = heard.filter(({ bytes, ending }) => bytes !== 7 || ending !== 'ECONNRESET')
  assert.deepEqual(wrong.slice(0, 3), [])
})
