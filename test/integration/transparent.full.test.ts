import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { IPPROTO_MPTCP } from '../../src/kernel/constants.js'
import { Client } from '../harness/client.js'
import { spawning, startMaster } from '../harness/master.js'
import { multipathPeers } from '../harness/multipath.js'
import { join, type Space, spaces } from '../harness/namespaces.js'
import { canBecome } from '../harness/needs.js'
import { rawPeers } from '../harness/peers.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { type Behaviour, remoteThat } from '../harness/remote.js'

/** An unused user id. */
const SOMEBODY = 54_321

const TRANSPARENT = 'local address = client'

/** Sends the address that it sees as the client's. */
const tellsWho: Behaviour = (socket) => void socket.end(String(socket.remoteAddress))

function isPrivileged(t: TestContext): boolean {
  if (process.getuid?.() === 0) return true
  t.skip('needs root: addresses of others take CAP_NET_ADMIN')
  return false
}

function connectFrom(t: TestContext, localAddress: string, port: number): Client {
  return new Client(t, connect({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true }))
}

test('a remote sees the address of each client', async (t) => {
  if (!isPrivileged(t)) return
  const relay = await relayTo(await remoteThat(tellsWho).start(t))
    .with(TRANSPARENT)
    .start(t)
  for (const host of ['127.0.0.5', '127.6.0.1', '127.0.0.1']) {
    assert.equal(await connectFrom(t, host, relay.port()).readToEnd(), host)
  }
})

test('clients of a listener for both families are seen by their IPv4 addresses', async (t) => {
  if (!isPrivileged(t)) return
  const relay = await relayTo(await remoteThat(tellsWho).start(t))
    .with(TRANSPARENT)
    .listeningOn('address = :: port = 0')
    .start(t)
  assert.equal(await connectFrom(t, '127.0.0.5', relay.port()).readToEnd(), '127.0.0.5')
})

test('a remote of another family gets no connection for the client, and does not count as failed', async (t) => {
  if (!isPrivileged(t)) return
  const remote = await remoteThat(tellsWho).start(t, { host: '::1', port: 0 })
  const relay = await relayTo(remote).with(TRANSPARENT, 'dial retries = 0').start(t)
  assert.equal(await (await relay.connect()).ending(), 'ECONNRESET')
  await relay.logged(/cannot connect to \[::1\]:\d+ from here: address family not supported/)
  assert.equal(remote.acceptedCount, 0)
  assert.doesNotMatch(relay.program.stderr.text, /is down/)
})

interface Stage {
  readonly clients: Space
  readonly relay: Space
  readonly servers: Space
}

/** A relay between two networks, with the routes of docs/operations.md. */
function stageFor(t: TestContext): Stage | undefined {
  const [clients, relay, servers] = spaces(t, 3) ?? []
  if (clients === undefined || relay === undefined || servers === undefined) return undefined
  join(
    { space: clients, name: 'uplink', addresses: ['10.99.1.2/24', 'fd99:1::2/64'] },
    { space: relay, name: 'outside', addresses: ['10.99.1.1/24', 'fd99:1::1/64'] },
  )
  join(
    { space: relay, name: 'inside', addresses: ['10.99.2.1/24', 'fd99:2::1/64'] },
    { space: servers, name: 'uplink', addresses: ['10.99.2.2/24', 'fd99:2::2/64'] },
  )
  servers.run('ip', 'route', 'add', 'default', 'via', '10.99.2.1')
  servers.run('ip', '-6', 'route', 'add', 'default', 'via', 'fd99:2::1')
  for (const [family, everything] of [
    ['-4', '0.0.0.0/0'],
    ['-6', '::/0'],
  ] as const) {
    relay.run('ip', family, 'rule', 'add', 'iif', 'inside', 'lookup', '100')
    relay.run('ip', family, 'route', 'add', 'local', everything, 'dev', 'lo', 'table', '100')
  }
  return { clients, relay, servers }
}

/** A client in one network, its server in another, the relay between them. */
async function assertSeen(
  t: TestContext,
  { clients, servers }: Stage,
  hosts: { readonly client: string; readonly relay: string; readonly server: string },
  start: (plan: RelayPlan) => Promise<{ port(): number }>,
): Promise<void> {
  const serverPeers = rawPeers(t, servers.under)
  const clientPeers = rawPeers(t, clients.under)
  if (!serverPeers || !clientPeers) return
  const listening = await serverPeers.listen({ host: hosts.server })
  const running = await start(
    relayTo(listening).with(TRANSPARENT).listeningOn(`address = ${hosts.relay} port = 0`),
  )
  const client = await clientPeers.connect(running.port(), { host: hosts.relay })
  const server = await listening.accept()
  assert.equal(server.from.host, hosts.client)
  await client.send('hello')
  assert.equal(await server.read(5), 'hello')
  await server.send('welcome')
  assert.equal(await client.read(7), 'welcome')
  await client.close()
  assert.equal(await server.ending(), 'end')
  await server.close()
}

const IPV4 = { client: '10.99.1.2', relay: '10.99.1.1', server: '10.99.2.2' }
const IPV6 = { client: 'fd99:1::2', relay: 'fd99:1::1', server: 'fd99:2::2' }

for (const [family, hosts] of [
  ['IPv4', IPV4],
  ['IPv6', IPV6],
] as const) {
  test(`a server in another network sees the ${family} address of a client, and reaches it`, async (t) => {
    const stage = stageFor(t)
    if (stage === undefined) return
    await assertSeen(t, stage, hosts, (plan) => plan.running({ under: stage.relay.under }).start(t))
  })
}

test('children with another user do it, too', async (t) => {
  if (!canBecome(t, SOMEBODY)) return
  const stage = stageFor(t)
  if (stage === undefined) return
  await assertSeen(t, stage, IPV4, (plan) =>
    startMaster(t, plan.withMaster(spawning([1, 1], [5, 5], `userid = ${SOMEBODY}`)), {
      under: stage.relay.under,
    }),
  )
})

for (const protocol of [IPPROTO_MPTCP, 0]) {
  test(`a server of ${protocol === 0 ? 'TCP' : 'MPTCP'} sees the client through an MPTCP socket`, async (t) => {
    if (!isPrivileged(t)) return
    const peers = multipathPeers(t)
    if (!peers) return
    const listening = await peers.listen({ protocol })
    const relay = await relayTo({ directive: `${listening.directive} protocol = MPTCP` })
      .with(TRANSPARENT)
      .start(t)
    const client = connectFrom(t, '127.0.0.5', relay.port())
    const server = await listening.accept()
    assert.equal(server.from.host, '127.0.0.5')
    await server.send('welcome')
    assert.equal(await client.read(7), 'welcome')
    await server.close()
  })
}

for (const [family, { relay: relayHost, server: serverHost }, named, elsewhere] of [
  ['IPv4', IPV4, ['198.51.100.9', '192.0.2.1'], '203.0.113.5'],
  ['IPv6', IPV6, ['2001:db8::9', '2001:db8::1'], '2001:db8:5::5'],
] as const) {
  const protocol = family === 'IPv4' ? 'TCP4' : 'TCP6'

  test(`a server sees the ${family} client that a PROXY header names, by its address and by a header`, async (t) => {
    const stage = stageFor(t)
    if (stage === undefined) return
    const [peers, serverPeers] = [rawPeers(t, stage.clients.under), rawPeers(t, stage.servers.under)]
    if (!peers || !serverPeers) return
    const listening = await serverPeers.listen({ host: serverHost })
    const network = family === 'IPv4' ? '10.99.1.0/24' : 'fd99:1::/64'
    const running = await relayTo(listening)
      .with(TRANSPARENT, 'send proxy = v1')
      .listeningOn(`address = ${relayHost} port = 0 proxy protocol = yes proxy from = ${network}`)
      .running({ under: stage.relay.under })
      .start(t)
    const balancer = await peers.connect(running.port(), { host: relayHost })
    const line = `PROXY ${protocol} ${named.join(' ')} 7 443\r\n`
    await balancer.send(`${line}hello`)
    const server = await listening.accept()
    assert.equal(server.from.host, named[0])
    assert.equal(await server.read(line.length + 5), `${line}hello`)
    await server.send('welcome')
    assert.equal(await balancer.read(7), 'welcome')
    await balancer.close()
    assert.equal(await server.ending(), 'end')
    await server.close()
  })

  test(`the header to a server has the ${family} address of others that a client has connected to`, async (t) => {
    const stage = stageFor(t)
    if (stage === undefined) return
    const [peers, serverPeers] = [rawPeers(t, stage.clients.under), rawPeers(t, stage.servers.under)]
    if (!peers || !serverPeers) return
    const { clients, relay } = stage
    const network = family === 'IPv4' ? '203.0.113.0/24' : '2001:db8:5::/64'
    const flag = family === 'IPv4' ? '-4' : '-6'
    clients.run('ip', flag, 'route', 'add', network, 'via', relayHost)
    relay.run('ip', flag, 'route', 'add', 'local', network, 'dev', 'lo')
    const listening = await serverPeers.listen({ host: serverHost })
    const running = await relayTo(listening)
      .with(TRANSPARENT, 'send proxy = v1')
      .listeningOn(`address = ${family === 'IPv4' ? '0.0.0.0' : '::'} port = 0`)
      .running({ under: relay.under })
      .start(t)
    const client = await peers.connect(running.port(), { host: elsewhere })
    await client.send('hello')
    const server = await listening.accept()
    const { client: clientHost } = family === 'IPv4' ? IPV4 : IPV6
    assert.equal(server.from.host, clientHost)
    const before = `PROXY ${protocol} ${clientHost} ${elsewhere} `
    assert.equal(await server.read(before.length), before)
    await client.close()
    await server.close()
  })
}
