import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { freePort } from '../harness/free-ports.js'
import { type Master, masterText, spawning, startMaster } from '../harness/master.js'
import { type Relay, relayTo, type Target } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { greets, type Remote, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { ACCEPT_WAYS } from '../harness/variants.js'

const CHILDREN = 3
const CLIENTS = 12

const addresses = Array.from({ length: CLIENTS }, (_, i) => `127.0.0.${i + 1}`)

/** The server of each client, by the client's address. */
type Served = ReadonlyMap<string, string>

const named = (t: TestContext, name: string, port = 0): Promise<Remote> =>
  remoteThat(greets(name)).start(t, { host: '127.0.0.1', port })

async function serverOf(t: TestContext, running: Relay | Master, localAddress: string) {
  const to = { host: '127.0.0.1', port: running.port(), localAddress }
  const client = new Client(t, connect({ ...to, allowHalfOpen: true, noDelay: true }))
  return { client, server: await client.read(1) }
}

/** Every client connects once, all at the same time; `whileOpen` runs before they leave. */
async function visit(t: TestContext, running: Relay | Master, whileOpen = () => {}): Promise<Served> {
  const visits = await Promise.all(
    addresses.map(async (address) => ({ address, ...(await serverOf(t, running, address)) })),
  )
  whileOpen()
  await Promise.all(visits.map(({ client }) => client.close()))
  return new Map(visits.map(({ address, server }) => [address, server]))
}

const clientsOf = (served: Served, server: string) =>
  [...served].flatMap(([address, name]) => (name === server ? address : []))

const planOf = (...remotes: readonly Target[]) =>
  relayTo(...remotes).with('balance = round-robin', 'sticky = { }')

for (const accept of ACCEPT_WAYS) {
  test(`clients keep their servers in all children, over a death and a reload: ${accept}`, async (t) => {
    const [a, b, c, d] = [await named(t, 'a'), await named(t, 'b'), await named(t, 'c'), await named(t, 'd')]
    const spawn = spawning([CHILDREN, CHILDREN], [1, 100], `accept = ${accept}`)
    const master = await startMaster(t, planOf(a, b, c).withMaster(spawn), { children: CHILDREN })
    const first = await visit(t, master)
    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => clientsOf(first, name).length > 0),
      [true, true, true],
    )
    // Which child gets a client is not in our hands, so visits are repeated until each child has had some.
    const staysSo = () =>
      until('all children to serve', async () => {
        let counts: readonly number[] = []
        assert.deepEqual(await visit(t, master, () => (counts = master.sessions())), first)
        return counts.length === CHILDREN && counts.every((count) => count > 0)
      })
    await staysSo()

    const [victim = 0] = master.children()
    process.kill(victim, 'SIGKILL')
    await until('a successor', () => !master.children().includes(victim))
    await master.hasChildren(CHILDREN)
    await staysSo()

    await reload(master, masterText(planOf(d, b, a).withMaster(spawn)))
    await until('the old children to be gone', () => master.children().length === CHILDREN)
    const second = await visit(t, master)
    for (const name of ['a', 'b'])
      for (const address of clientsOf(first, name)) assert.equal(second.get(address), name)
    assert.deepEqual(clientsOf(second, 'c'), [])
    assert.deepEqual(await visit(t, master), second, 'clients of the server that is gone have another one')
  })
}

test('clients return to a server that was down, and one that is drained keeps its clients', async (t) => {
  const [a, b] = [await named(t, 'a', await freePort()), await named(t, 'b')]
  const relay = await planOf(a, b).start(t)
  const first = await visit(t, relay)
  const [ofA = '', ofB = ''] = [clientsOf(first, 'a')[0], clientsOf(first, 'b')[0]]
  await a.stop()
  const during = await visit(t, relay)
  assert.deepEqual(clientsOf(during, 'b').length, CLIENTS)
  await named(t, 'a', a.port)
  await until('the client to be back at its server', async () => {
    const { client, server } = await serverOf(t, relay, ofA)
    await client.close()
    return server === 'a'
  })
  assert.deepEqual(await visit(t, relay), first)

  await reload(relay, planOf(a.with('weight = 0'), b).text)
  const drained = await visit(t, relay)
  assert.deepEqual([drained.get(ofA), drained.get(ofB)], ['a', 'b'])
  const { client, server } = await serverOf(t, relay, '127.0.0.77')
  await client.close()
  assert.equal(server, 'b', 'a new client')
})

test('the key of a pool decides which clients are the same', async (t) => {
  const remotes = await Promise.all(['a', 'b', 'c'].map((name) => named(t, name)))
  const relay = await relayTo(...remotes)
    .with('balance = round-robin', 'sticky = { by = source/24 size = 16 }')
    .start(t)
  const served = await visit(t, relay)
  assert.equal(new Set(served.values()).size, 1, 'clients of one network')
  const others = new Set<string>()
  for (let net = 1; net <= 12; net++) {
    const { client, server } = await serverOf(t, relay, `127.0.${net}.1`)
    await client.close()
    others.add(server)
  }
  assert.equal(others.size, 3)
})
