import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { type Relay, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { associationOf, associations, noAssociations } from './associations.js'
import { arrives, over, pair, peers, STREAMS } from './sctp-ends.js'
import type { Answer, SctpServer } from './sctp-peers.js'

/** Tests of SCTP, for a kernel that has it: run by sctp.full.test.ts in a guest. */

const KiB = 1024
/** Idle time after which a TCP client's end is forwarded to an SCTP server. */
const HALF_CLOSE_S = 1
const HEARTBEAT_S = 7
/** Default of associations (ip-sysctl: hb_interval). */
const DEFAULT_HEARTBEAT_S = 30

after(() => peers.end())

test('messages keep their boundaries, streams, PPIDs and order', async (t) => {
  const server = await peers.listen({ streams: STREAMS })
  const more = `sctp streams = ${STREAMS} sctp heartbeat = ${HEARTBEAT_S}`
  const relay = await relayTo({ directive: `${server.directive} ${more}` })
    .listeningOn(
      `address = 127.0.0.1 address = 127.0.0.2 port = 0 protocol = SCTP ${more}`,
      'address = 127.0.0.1 port = 0',
    )
    .with(`half-close timeout = ${HALF_CLOSE_S}`)
    .start(t)
  await keepsMessages(t, relay, server)
  await endsTogether(t, relay, server)
  await refusesStreams(t, relay, server)
  await servesTcp(t, relay, server)
  await t.test('200 concurrent clients', async () => {
    await server.echo()
    assert.deepEqual(await peers.ask('crowd', { port: relay.port(0), count: 200 }), { good: 200 })
    await relay.isIdle()
  })
})

async function keepsMessages(t: TestContext, relay: Relay, server: SctpServer): Promise<void> {
  await t.test('messages from one byte to 64 KiB, both ways', async () => {
    const ends = await pair(relay, server)
    for (const [from, to] of [
      [ends.client, ends.server],
      [ends.server, ends.client],
    ] as const) {
      const sizes = [1, 2, 1_500, 64 * KiB, 3, 64 * KiB - 1]
      for (const [stream, bytes] of sizes.entries()) {
        const about = { stream, ppid: 0xfe_dc_ba_00 + stream, unordered: false }
        await arrives(to, await from.sendBytes(bytes, about), { bytes, ...about })
      }
    }
    await over(ends)
  })
  await t.test('unordered messages, and the last stream', async () => {
    const ends = await pair(relay, server)
    const about = { stream: STREAMS - 1, ppid: 46, unordered: true }
    await arrives(ends.server, await ends.client.sendBytes(700, about), { bytes: 700, ...about })
    await arrives(ends.client, await ends.server.sendBytes(800, about), { bytes: 800, ...about })
    const early = await ends.client.sendBytes(10, { ppid: 1 })
    await arrives(ends.server, early, { bytes: 10, stream: 0, ppid: 1, unordered: false })
    await over(ends)
  })
  await t.test('a longer message arrives in pieces of 64 KiB', async () => {
    const ends = await pair(relay, server)
    const sent = await ends.client.sendBytes(200 * KiB, { stream: 3, ppid: 9, unordered: true })
    const pieces = [await ends.server.receive()]
    while (totalBytes(pieces) < 200 * KiB) pieces.push(await ends.server.receive())
    const sizes = pieces.map(({ bytes }) => bytes)
    assert.deepEqual(sizes, [64 * KiB, 64 * KiB, 64 * KiB, 8 * KiB])
    for (const { ppid, stream, unordered } of pieces) {
      assert.deepEqual({ ppid, stream, unordered }, { ppid: 9, stream: 3, unordered: false })
    }
    const next = await ends.client.sendBytes(5, { unordered: true })
    await arrives(ends.server, next, { bytes: 5, stream: 0, ppid: 0, unordered: true })
    assert.notEqual(sent.sha256, next.sha256)
    await over(ends)
  })
  await t.test('several addresses, the configured streams and heartbeat', async () => {
    const ends = await pair(relay, server)
    const listening = associationOf(relay.port(0))
    assert.deepEqual(listening.local.toSorted(), ['127.0.0.1', '127.0.0.2'])
    assert.deepEqual([listening.streamsIn, listening.streamsOut], [STREAMS, STREAMS])
    assert.deepEqual(await ends.client.streams(), { in: STREAMS, out: STREAMS })
    const toRemote = associations().find(({ peerPort }) => peerPort === server.port)
    assert.ok(toRemote)
    assert.deepEqual([toRemote.streamsIn, toRemote.streamsOut], [STREAMS, STREAMS])
    const usual = associationOf(server.port).heartbeat
    for (const { heartbeat } of [listening, toRemote]) {
      assert.equal((heartbeat / usual) * DEFAULT_HEARTBEAT_S, HEARTBEAT_S)
    }
    await over(ends)
  })
  await t.test('a server that does not read throttles its client, and nothing is lost', async () => {
    const ends = await pair(relay, server)
    const { bytes, sha256 } = await ends.client.fill(20 * KiB, 1)
    assert.ok(Number(bytes) > 256 * KiB)
    const read = ends.server.read(Number(bytes))
    assert.equal((await read).sha256, sha256)
    const again = await ends.client.sendBytes(4, { ppid: 5 })
    await arrives(ends.server, again, { bytes: 4, stream: 0, ppid: 5, unordered: false })
    await over(ends)
  })
}

async function endsTogether(t: TestContext, relay: Relay, server: SctpServer): Promise<void> {
  await t.test('the end of either side ends both, after all messages before it', async () => {
    for (const who of ['client', 'server'] as const) {
      const ends = await pair(relay, server)
      const other = who === 'client' ? ends.server : ends.client
      const sent = await ends[who].sendBytes(50 * KiB)
      await ends[who].close()
      await arrives(other, sent, { bytes: 50 * KiB, stream: 0, ppid: 0, unordered: false })
      assert.deepEqual(await other.receive(), { ended: true })
      await relay.isIdle()
      await other.close()
    }
    await noAssociations()
  })
  await t.test('messages queued for a slow reader are delivered after the end', async () => {
    const ends = await pair(relay, server)
    const { bytes, sha256 } = await ends.client.fill(20 * KiB, 1)
    await ends.client.shutdown()
    assert.equal((await ends.server.read(Number(bytes))).sha256, sha256)
    assert.deepEqual(await ends.server.receive(), { ended: true })
    await over(ends)
    await relay.isIdle()
  })
  await t.test('an abort is forwarded as an abort', async () => {
    for (const who of ['client', 'server'] as const) {
      const ends = await pair(relay, server)
      const other = who === 'client' ? ends.server : ends.client
      const sent = await ends[who].sendBytes(100)
      await arrives(other, sent, { bytes: 100, stream: 0, ppid: 0, unordered: false })
      await ends[who].abort()
      assert.equal(await other.ending(), 'ECONNRESET')
      await other.close()
    }
    await relay.isIdle()
  })
}

async function refusesStreams(t: TestContext, relay: Relay, server: SctpServer): Promise<void> {
  await t.test(
    'a message on a stream that the other side lacks aborts the session, and the log has the reason',
    async () => {
      const client = await peers.connect(relay.port(), { streams: 3 })
      const accepted = await server.accept()
      await accepted.sendBytes(10, { stream: 3 })
      assert.equal(await client.ending(), 'ECONNRESET')
      assert.equal(await accepted.ending(), 'ECONNRESET')
      await relay.logged(/an SCTP message is on a stream that the client does not have/)
      await over({ client, server: accepted })
      await relay.isIdle()
    },
  )
}

async function servesTcp(t: TestContext, relay: Relay, server: SctpServer): Promise<void> {
  await t.test('bytes of a TCP client become messages, and messages bytes', async () => {
    const ends = await pair(relay, server, 1, true)
    const request = await ends.client.sendBytes(30_000)
    assert.equal((await ends.server.read(30_000)).sha256, request.sha256)
    const answer = await ends.server.sendBytes(64 * KiB)
    assert.equal((await ends.client.read(64 * KiB)).sha256, answer.sha256)
    await over(ends)
    await relay.isIdle()
  })
  await t.test('a TCP client that has half-closed still gets the reply', async () => {
    const ends = await pair(relay, server, 1, true)
    await ends.client.send('question')
    await ends.client.shutdown()
    assert.equal((await ends.server.read(8)).text, 'question')
    await ends.server.send('answer')
    await ends.server.close()
    assert.equal((await ends.client.read(6)).text, 'answer')
    assert.equal(await ends.client.ending(), 'end')
    await ends.client.close()
    await relay.isIdle()
  })
  await t.test('the end of a TCP client is forwarded when the server has been idle', async () => {
    const ends = await pair(relay, server, 1, true)
    await ends.client.send('the last words')
    const before = performance.now()
    await ends.client.close()
    assert.equal((await ends.server.read(14)).text, 'the last words')
    assert.equal(await ends.server.ending(), 'end')
    assert.ok(performance.now() - before >= HALF_CLOSE_S * 1000 * 0.9)
    await ends.server.close()
    await relay.isIdle()
  })
  await t.test('a reset of a TCP client is an abort for the server', async () => {
    const ends = await pair(relay, server, 1, true)
    await ends.client.send('x')
    assert.equal((await ends.server.read(1)).text, 'x')
    await ends.client.abort()
    assert.equal(await ends.server.ending(), 'ECONNRESET')
    await ends.server.close()
    await relay.isIdle()
  })
}

function totalBytes(messages: readonly Answer[]): number {
  return messages.reduce((sum, { bytes }) => sum + Number(bytes), 0)
}

test('SCTP to TCP, and TCP to TCP beside it', async (t) => {
  const server = await peers.listen({ tcp: true })
  const plan = relayTo(server).listeningOn(
    'address = 127.0.0.1 port = 0 protocol = SCTP type = SEQPACKET',
    'address = 127.0.0.1 port = 0',
  )
  const relay = await plan.start(t)
  await t.test('messages become bytes, and bytes messages', async () => {
    const ends = await pair(relay, server)
    const request = await ends.client.sendBytes(200 * KiB, { stream: 2, ppid: 7 })
    assert.equal((await ends.server.read(200 * KiB)).sha256, request.sha256)
    const answer = await ends.server.sendBytes(300 * KiB)
    assert.equal((await ends.client.read(300 * KiB)).sha256, answer.sha256)
    await over(ends)
    await relay.isIdle()
  })
  await t.test('the end of an SCTP client is forwarded after its last byte', async () => {
    const ends = await pair(relay, server)
    const { bytes, sha256 } = await ends.client.fill(20 * KiB, 1)
    await ends.client.shutdown()
    assert.equal((await ends.server.read(Number(bytes))).sha256, sha256)
    assert.equal(await ends.server.ending(), 'end')
    await over(ends)
    await relay.isIdle()
  })
  await t.test('a reply in flight reaches an SCTP client before the end', async () => {
    const ends = await pair(relay, server)
    const answer = await ends.server.sendBytes(100 * KiB)
    await ends.server.close()
    assert.equal((await ends.client.read(100 * KiB)).sha256, answer.sha256)
    await ends.client.close()
    await relay.isIdle()
  })
  await t.test('an abort becomes a reset, and a reset an abort', async () => {
    const ends = await pair(relay, server)
    await ends.client.abort()
    assert.equal(await ends.server.ending(), 'ECONNRESET')
    await ends.server.close()
    const others = await pair(relay, server)
    await others.server.abort()
    assert.equal(await others.client.ending(), 'ECONNRESET')
    await others.client.close()
    await relay.isIdle()
  })
  await t.test('a reload keeps the listener and open sessions', async () => {
    const old = await pair(relay, server)
    await reload(relay, plan.text)
    const fresh = await pair(relay, server)
    for (const { client, server: accepted } of [old, fresh]) {
      await client.send('still here')
      assert.equal((await accepted.read(10)).text, 'still here')
    }
    await over(old)
    await over(fresh)
    await relay.isIdle()
  })
  await t.test('TCP beside it is unchanged', async () => {
    const ends = await pair(relay, server, 1, true)
    await ends.client.send('question')
    await ends.client.shutdown()
    assert.equal((await ends.server.read(8)).text, 'question')
    assert.equal(await ends.server.ending(), 'end')
    await ends.server.send('answer')
    await ends.server.close()
    assert.equal((await ends.client.read(6)).text, 'answer')
    await ends.client.close()
    await relay.isIdle()
  })
})
