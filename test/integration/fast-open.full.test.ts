import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { IPPROTO_MPTCP } from '../../src/kernel/constants.js'
import { freeze } from '../harness/held.js'
import { hasMultipath, NO_MULTIPATH } from '../harness/multipath.js'
import { type Space, spaces } from '../harness/namespaces.js'
import { needs } from '../harness/needs.js'
import { type Peer, type PeerServer, type RawPeers, rawPeers } from '../harness/peers.js'
import { tcprelay } from '../harness/program.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { reactorThreadOf, traceCalls } from '../harness/strace.js'
import { localhost, servedWith } from '../harness/tls.js'

const REQUEST = 'the first words of a client'

/** More than one segment, and less than the relay reads before it connects. */
const LONG_REQUEST = 'some words, again and again; '.repeat(2_000)

interface Stage {
  readonly space: Space
  readonly peers: RawPeers
  readonly under: { readonly under: readonly string[] }
}

/** A network namespace where both sides of TCP Fast Open are allowed. */
function stageFor(t: TestContext): Stage | undefined {
  const [space] = spaces(t, 1) ?? []
  if (space === undefined) return undefined
  space.set('ipv4/tcp_fastopen', '3')
  const peers = rawPeers(t, space.under)
  return peers && { space, peers, under: { under: space.under } }
}

/** A client whose bytes have arrived before the relay accepts it. */
async function speakFirst(relay: Relay, peers: RawPeers, words: string): Promise<Peer> {
  await freeze(relay.pid)
  const client = await peers.connect(relay.port())
  await client.send(words)
  relay.signal('SIGCONT')
  return client
}

async function finish(client: Peer, server: Peer): Promise<void> {
  await server.send('welcome')
  assert.equal(await client.read(7), 'welcome')
  await client.close()
  assert.equal((await server.readToEnd()).bytes, 0, 'nothing comes twice')
  await server.close()
}

test('data in the SYN of a client is served', async (t) => {
  const stage = stageFor(t)
  if (stage === undefined) return
  const { peers, space, under } = stage
  const listening = await peers.listen()
  const relay = await relayTo(listening)
    .listeningOn('address = 127.0.0.1 port = 0 fast open = 16')
    .running(under)
    .start(t)
  const taken: number[] = []
  for (let i = 0; i < 3; i++) {
    const client = await peers.connect(relay.port(), { first: REQUEST })
    const server = await listening.accept()
    assert.equal(await server.read(REQUEST.length), REQUEST)
    await finish(client, server)
    taken.push(space.counter('TCPFastOpenPassive'))
  }
  assert.deepEqual(taken, [0, 1, 2], 'the first one gets a cookie, and the others use it')
})

async function throughRelay(relay: Relay, peers: RawPeers, server: PeerServer, words: string): Promise<void> {
  const client = await speakFirst(relay, peers, words)
  const remote = await server.accept()
  assert.equal(await remote.read(words.length), words)
  await finish(client, remote)
}

for (const [what, words] of [
  ['words', REQUEST],
  ['more than a segment', LONG_REQUEST],
] as const) {
  test(`the first ${what} of a client leave with the SYN to a remote that is known to take them`, async (t) => {
    const stage = stageFor(t)
    if (stage === undefined) return
    const { peers, space, under } = stage
    const listening = await peers.listen({ fastOpen: 16 })
    const relay = await relayTo({ directive: `${listening.directive} fast open = yes` })
      .running(under)
      .start(t)
    const sent: number[] = []
    for (let i = 0; i < 3; i++) {
      await throughRelay(relay, peers, listening, words)
      sent.push(space.counter('TCPFastOpenActive'))
    }
    assert.deepEqual(sent, [0, 1, 2])
  })
}

test('a PROXY header leaves with the SYN, together with the first words of a client', async (t) => {
  const stage = stageFor(t)
  if (stage === undefined) return
  const { peers, space, under } = stage
  const listening = await peers.listen({ fastOpen: 16 })
  const relay = await relayTo({ directive: `${listening.directive} fast open = yes send proxy = v1` })
    .running(under)
    .start(t)
  const sent: number[] = []
  for (const words of [REQUEST, REQUEST, '', REQUEST]) {
    const client = words === '' ? await peers.connect(relay.port()) : await speakFirst(relay, peers, words)
    const server = await listening.accept()
    const start = 'PROXY TCP4 127.0.0.1 127.0.0.1 '
    assert.equal(await server.read(start.length), start)
    const ports = `00000 ${relay.port()}\r\n`
    const rest = await server.read(ports.length + words.length)
    assert.match(rest, new RegExp(`^\\d{5} ${relay.port()}\r\n${words}$`))
    await finish(client, server)
    sent.push(space.counter('TCPFastOpenActive'))
  }
  assert.deepEqual(sent, [0, 1, 2, 3], 'also without words of the client')
})

test('a remote that refuses a SYN with data is down, and another one gets all bytes', async (t) => {
  const stage = stageFor(t)
  if (stage === undefined) return
  if (!needs(t, 'strace')) return
  const { peers, under } = stage
  const first = await peers.listen({ fastOpen: 16 })
  const second = await peers.listen()
  const relay = await relayTo({ directive: `${first.directive} fast open = yes` }, second)
    .running(under)
    .start(t)
  // Both are used in turn.
  await throughRelay(relay, peers, first, LONG_REQUEST)
  await throughRelay(relay, peers, second, LONG_REQUEST)
  await first.close()
  const trace = await traceCalls(t, reactorThreadOf(relay.pid), () =>
    throughRelay(relay, peers, second, LONG_REQUEST),
  )
  await relay.logged(/remote 127\.0\.0\.1:\d+ is down: connection refused/)
  const calls = trace.lines.map((line) => line.replace(/\(.* = /, ' '))
  const connected = calls.indexOf('connect 0')
  assert.ok(connected >= 0, calls.join(', '))
  assert.match(calls[connected + 1] ?? '', /^sendto \d+$/, 'bytes left with the SYN')
})

test('nothing waits for data of the client if the server speaks first', async (t) => {
  const stage = stageFor(t)
  if (stage === undefined) return
  const { peers, under } = stage
  const listening = await peers.listen({ fastOpen: 16 })
  const relay = await relayTo({ directive: `${listening.directive} fast open = yes` })
    .running(under)
    .start(t)
  await throughRelay(relay, peers, listening, REQUEST)
  const client = await peers.connect(relay.port())
  const server = await listening.accept()
  await finish(client, server)
})

test('a system that does not allow TCP Fast Open gives a warning', async (t) => {
  const [space] = spaces(t, 1) ?? []
  if (space === undefined) return
  space.set('ipv4/tcp_fastopen', '0')
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9 fast open = yes' }).listeningOn(
    'address = 127.0.0.1 port = 0 fast open = 16',
  )
  const { code, stderr } = await tcprelay(t, ['-P', plan.file(t)], { under: space.under })
  assert.match(stderr, /warning: fast open: net\.ipv4\.tcp_fastopen does not enable it for clients: bit 2/)
  assert.match(stderr, /warning: fast open: net\.ipv4\.tcp_fastopen does not enable it for remotes: bit 1/)
  assert.equal(code, 0)
})

test('Multipath TCP sends data in the SYN as well, on both sides', async (t) => {
  if (!hasMultipath()) return t.skip(NO_MULTIPATH)
  const stage = stageFor(t)
  if (stage === undefined) return
  const { peers, space, under } = stage
  const MULTIPATH = { protocol: IPPROTO_MPTCP }
  const listening = await peers.listen({ ...MULTIPATH, fastOpen: 16 })
  const relay = await relayTo({ directive: `${listening.directive} protocol = MPTCP fast open = yes` })
    .listeningOn('address = 127.0.0.1 port = 0 protocol = MPTCP fast open = 16')
    .with('access log = stderr')
    .running(under)
    .start(t)
  const used: number[][] = []
  for (let i = 0; i < 3; i++) {
    const client = await peers.connect(relay.port(), { ...MULTIPATH, first: REQUEST })
    const server = await listening.accept()
    assert.equal(await server.read(REQUEST.length), REQUEST)
    await finish(client, server)
    used.push(['TCPFastOpenActive', 'TCPFastOpenPassive'].map((name) => space.counter(name)))
  }
  await relay.logged(/mptcp=yes remote_mptcp=yes/, 3)
  const [first = [], second, third] = used
  // Client and relay, both to 127.0.0.1, whose cookie the first connection has fetched.
  assert.deepEqual([second, third], [first.map((count) => count + 2), first.map((count) => count + 4)])
})

test('a TLS remote gets data in the SYN, also if the server speaks first', async (t) => {
  const stage = stageFor(t)
  if (stage === undefined) return
  const { peers, space, under } = stage
  const listening = await peers.listen()
  const identity = localhost(t)
  const far = await relayTo(listening)
    .with(servedWith(identity))
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes fast open = 16')
    .running(under)
    .start(t)
  const trust = `tls = yes server name = localhost ca-file = ${identity.certFile}`
  const near = await relayTo({
    directive: `address = 127.0.0.1 port = ${far.port()} ${trust} fast open = yes`,
  })
    .running(under)
    .start(t)
  const used: number[] = []
  for (let i = 0; i < 3; i++) {
    const client = await peers.connect(near.port())
    const server = await listening.accept()
    await finish(client, server)
    used.push(space.counter('TCPFastOpenActive'))
  }
  assert.deepEqual(used, [0, 1, 2])
})
