import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import type { Client } from '../harness/client.js'
import { type Peer, type PeerServer, rawPeers } from '../harness/peers.js'
import { descriptorKinds } from '../harness/proc.js'
import { type Relay, type RelayPlan, relayTo, type Target } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { connectTls, localhost, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { whole } from './transfers.js'

const MiB = 1024 * 1024

/** Traces of sessions: NET in the original's mask. */
const TRACED = ['-d', '16384']

/** A pipe is two descriptors. */
function pipesOf({ pid }: Relay): number {
  return (descriptorKinds(pid).get('pipe') ?? 0) / 2
}

interface Joined {
  readonly client: Peer
  readonly server: Peer
}

interface Stage {
  readonly relay: Relay
  /** Pipes that the program has anyway. */
  readonly idlePipes: number
  join(): Promise<Joined>
}

async function stageFor(t: TestContext, plan: (server: PeerServer) => RelayPlan): Promise<Stage | undefined> {
  const peers = rawPeers(t)
  if (!peers) return undefined
  const listening = await peers.listen()
  const relay = await plan(listening).start(t)
  return {
    relay,
    idlePipes: pipesOf(relay),
    async join() {
      const client = await peers.connect(relay.port())
      return { client, server: await listening.accept() }
    },
  }
}

/** Sockets of a session are closed before its pipes. */
async function hasNoPipe(relay: Relay, idlePipes: number): Promise<void> {
  await relay.isIdle()
  await until('the pipes to be closed', () => pipesOf(relay) === idlePipes)
}

/** Splices everything. */
const spliced = (server: PeerServer) => relayTo(server).with('splice = yes')

test('bulk is spliced, and what follows it is copied', async (t) => {
  const stage = await stageFor(t, (server) =>
    relayTo(server)
      .with('splice = auto')
      .startedWith(...TRACED),
  )
  if (!stage) return
  const { client, server } = await stage.join()
  const bytes = await client.fill()
  const got = server.readMuch(bytes)
  await stage.relay.logged(
    /NET: session 0-\w+-1: splices to the remote through (65536|131072|262144|524288|1048576) bytes/,
  )
  assert.equal((await got).bytes, bytes)
  for (const key of 'keystrokes') {
    await client.send(key)
    assert.equal(await server.read(1), key)
  }
  await stage.relay.logged(/NET: session 0-\w+-1: copies to the remote/)
  await until('the pipe to be closed', () => pipesOf(stage.relay) === stage.idlePipes)
  assert.doesNotMatch(stage.relay.program.stderr.text, /to the client/)
})

test('small requests and replies are never spliced', async (t) => {
  const stage = await stageFor(t, (server) =>
    relayTo(server)
      .with('splice = auto')
      .startedWith(...TRACED),
  )
  if (!stage) return
  const { client, server } = await stage.join()
  for (let i = 0; i < 50; i++) {
    await client.send('x'.repeat(5_000))
    assert.equal((await server.read(5_000)).length, 5_000)
    await server.send('y')
    assert.equal(await client.read(1), 'y')
  }
  assert.doesNotMatch(stage.relay.program.stderr.text, /splices/)
})

test('only directions with a full sink keep a pipe, and return it', async (t) => {
  const stage = await stageFor(t, spliced)
  if (!stage) return
  const { relay, idlePipes } = stage
  // One after the other: simultaneous connections may be accepted in another order.
  const pairs = [await stage.join(), await stage.join(), await stage.join()]
  const sent = await Promise.all(pairs.map(({ client }) => client.fill()))
  await until('a pipe for each', () => pipesOf(relay) - idlePipes === 3)
  for (const [i, { server }] of pairs.entries()) {
    assert.equal((await server.readMuch(sent[i] as number)).bytes, sent[i])
  }
  // One spare pipe is kept as long as a direction may splice.
  await until('the pipes to be given back', () => pipesOf(relay) - idlePipes === 1)
  for (const { client, server } of pairs) {
    await client.close()
    assert.equal(await server.ending(), 'end')
  }
  await Promise.all(pairs.map(({ server }) => server.close()))
  await hasNoPipe(relay, idlePipes)
})

test('bytes in a pipe whose sink resets never reach the next session', async (t) => {
  const stage = await stageFor(t, spliced)
  if (!stage) return
  const { relay } = stage
  for (let round = 0; round < 5; round++) {
    const cut = await stage.join()
    const other = await stage.join()
    await cut.client.fill()
    await until('a pipe', () => pipesOf(relay) > stage.idlePipes)
    await cut.server.reset()
    assert.match((await cut.client.sendMuch(64 * MiB)).ending, /ECONNRESET|EPIPE/)
    await whole(other.client, other.server, 4 * MiB)
    await Promise.all([other.client.close(), other.server.close()])
    await hasNoPipe(relay, stage.idlePipes)
  }
})

test('bytes in a pipe whose source resets are delivered, then the reset', async (t) => {
  const stage = await stageFor(t, spliced)
  if (!stage) return
  const { client, server } = await stage.join()
  const sent = await client.fill()
  await until('a pipe', () => pipesOf(stage.relay) - stage.idlePipes === 1)
  await client.reset()
  const { bytes, ending } = await server.readToEnd({ chunkBytes: 65_536, pauseMs: 1 })
  assert.equal(ending, 'ECONNRESET')
  // The sender's own kernel drops its queue on reset; the relay had at least a block.
  assert.ok(bytes > 32 * 1024 && bytes <= sent, `${bytes} of ${sent} bytes arrived`)
})

test('a session that is reset while its pipe is full leaks no pipe', async (t) => {
  const stage = await stageFor(t, (server) => spliced(server).with('idle timeout = 1'))
  if (!stage) return
  const { client } = await stage.join()
  // Not after `fill`, which waits until nothing has happened for half a second.
  const hasPipe = until('a pipe', () => pipesOf(stage.relay) - stage.idlePipes === 1)
  await Promise.all([client.fill(), hasPipe])
  await hasNoPipe(stage.relay, stage.idlePipes)
})

/** Neither direction of an echo is spliced. */
async function assertCopied(relay: Relay, client: Client): Promise<void> {
  const text = 'x'.repeat(200_000)
  assert.equal(await client.exchange(text), text)
  await client.endWriting()
  assert.equal(await client.readToEnd(), '')
  assert.doesNotMatch(relay.program.stderr.text, /splices/)
}

const FORCED = (remote: Target) =>
  relayTo(remote)
    .with('splice = yes')
    .startedWith(...TRACED)

test('Unix sockets are never spliced', async (t) => {
  const remote = await remoteThat(echoes).start(t, { path: join(temporaryFolder(t), 'remote') })
  const relay = await FORCED(remote).start(t)
  await assertCopied(relay, await relay.connect())
})

test('TLS with a client is never spliced', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await FORCED(remote)
    .with(servedWith(localhost(t)))
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    .start(t)
  await assertCopied(relay, await connectTls(t, relay.port()))
})
