import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Peer, rawPeers } from '../harness/peers.js'
import { type Relay, relayTo } from '../harness/relay.js'

const MiB = 1024 * 1024

interface Pair {
  readonly client: Peer
  readonly server: Peer
}

/** Traces sessions (NET). */
const TRACED = ['-d', '16384']

/** A relay in front of plain sockets, and any number of connected pairs through it. */
interface Stage {
  readonly relay: Relay
  join(): Promise<Pair>
}

async function stageFor(t: TestContext, receiveBytes = 0): Promise<Stage | undefined> {
  const peers = rawPeers(t)
  if (!peers) return undefined
  const listening = await peers.listen({ receiveBytes })
  const relay = await relayTo(listening)
    .startedWith(...TRACED)
    .start(t)
  let joined = 0
  return {
    relay,
    async join() {
      const client = await peers.connect(relay.port(), { receiveBytes })
      const server = await listening.accept()
      // A remote that resets before the relay has seen it connected is retried.
      await relay.logged(/dialling -> relaying/, ++joined)
      return { client, server }
    },
  }
}

/** The relay is symmetric, so every test runs with either side in either part. */
const SIDES = [
  { who: 'client', cast: ({ client, server }: Pair) => ({ breaking: client, whole: server }) },
  { who: 'remote', cast: ({ client, server }: Pair) => ({ breaking: server, whole: client }) },
]

interface Roles {
  readonly breaking: Peer
  readonly whole: Peer
  readonly relay: Relay
}

/** What the other side must get when one side breaks, phase by phase. */
const PHASES: Readonly<Record<string, (roles: Roles) => Promise<void>>> = {
  async 'a reset before any byte is forwarded as a reset'({ breaking, whole }) {
    await breaking.reset()
    assert.equal(await whole.ending(), 'ECONNRESET')
  },

  async 'bytes sent before its reset are delivered, then the reset'({ breaking, whole }) {
    await breaking.send('the last words')
    assert.equal(await whole.read(14), 'the last words')
    await breaking.send('and more')
    assert.equal(await whole.read(8), 'and more')
    await breaking.reset()
    assert.equal(await whole.ending(), 'ECONNRESET')
  },

  async 'bytes right before a reset are all delivered'({ breaking, whole }) {
    await breaking.send('x'.repeat(20_000))
    await breaking.reset()
    const { bytes, ending } = await whole.readToEnd()
    assert.deepEqual({ bytes, ending }, { bytes: 20_000, ending: 'ECONNRESET' })
  },

  async 'a reset in the middle of its transfer is no clean end'({ breaking, whole }) {
    const reading = whole.readToEnd()
    const sent = await breaking.sendMuch(4 * MiB)
    await breaking.reset()
    const got = await reading
    assert.equal(got.ending, 'ECONNRESET')
    assert.ok(got.bytes <= sent.bytes)
  },

  async 'a reset ends the transfer to it'({ breaking, whole }) {
    const sending = whole.sendMuch(64 * MiB)
    await breaking.read(100_000)
    await breaking.reset()
    const { bytes, ending } = await sending
    assert.ok(bytes < 64 * MiB)
    assert.match(ending, /ECONNRESET|EPIPE/)
  },

  async 'a reset after its half-close is forwarded'({ breaking, whole }) {
    await breaking.send('done')
    await breaking.endWriting()
    const { bytes, ending } = await whole.readToEnd()
    assert.deepEqual({ bytes, ending }, { bytes: 4, ending: 'end' })
    const sending = whole.sendMuch(64 * MiB)
    await breaking.read(100_000)
    await breaking.reset()
    assert.match((await sending).ending, /ECONNRESET|EPIPE/)
  },

  async 'a reset after its half-close is forwarded to a side that only waits'({ breaking, whole, relay }) {
    await breaking.send('done')
    await breaking.endWriting()
    assert.equal(await whole.ending(), 'end')
    await breaking.reset()
    await relay.isIdle()
  },

  async "a reset after the other side's half-close is forwarded"({ breaking, whole }) {
    await whole.send('question')
    await whole.endWriting()
    assert.equal(await breaking.read(8), 'question')
    await breaking.send('half an ans')
    assert.equal(await whole.read(11), 'half an ans')
    await breaking.reset()
    assert.equal(await whole.ending(), 'ECONNRESET')
  },

  async 'a close with unread bytes is forwarded as a reset'({ breaking, whole }) {
    await whole.send('half of it is never read')
    assert.equal(await breaking.read(4), 'half')
    await breaking.send('answer')
    assert.equal(await whole.read(6), 'answer')
    await breaking.close()
    assert.equal(await whole.ending(), 'ECONNRESET')
  },
}

for (const { who, cast } of SIDES) {
  test(`the ${who} breaks`, async (t) => {
    const stage = await stageFor(t)
    if (!stage) return
    for (const [phase, act] of Object.entries(PHASES)) {
      await t.test(phase, async () => {
        const pair = await stage.join()
        await act({ ...cast(pair), relay: stage.relay })
        await Promise.all([pair.client.close(), pair.server.close()])
        await stage.relay.isIdle()
      })
    }
  })

  test(`bytes queued when the ${who} resets are delivered, then the reset`, async (t) => {
    const stage = await stageFor(t, 16_384)
    if (!stage) return
    const { breaking, whole } = cast(await stage.join())
    const sent = await breaking.fill()
    await breaking.reset()
    const got = await whole.readToEnd({ chunkBytes: 262_144, pauseMs: 1 })
    assert.equal(got.ending, 'ECONNRESET')
    // The sender's own kernel drops its queue on reset; the relay had at least a block.
    assert.ok(got.bytes > 64 * 1024 && got.bytes <= sent, `${got.bytes} of ${sent} bytes arrived`)
  })
}

test('both sides reset at the same moment', async (t) => {
  const stage = await stageFor(t)
  if (!stage) return
  const { client, server } = await stage.join()
  await Promise.all([client.reset(), server.reset()])
  await stage.relay.isIdle()
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

test('bytes of a remote that sends and resets at once are delivered', async (t) => {
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
