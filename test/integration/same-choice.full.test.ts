/** Relays that share nothing and have the same remotes, in files that differ otherwise, choose the same remote for a client. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { RandomSource } from '../../src/balance/random-source.js'
import { Client } from '../harness/client.js'
import { freePort } from '../harness/free-ports.js'
import { masterText, spawning, startMaster } from '../harness/master.js'
import { type RelayPlan, relayTo, type Target } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { type Remote, remoteThat, says } from '../harness/remote.js'
import { anySeed } from '../support/chi-square.js'

const CLIENTS = 250
const AT_ONCE = 20
const CHILDREN = 2

/** Addresses of this machine, all different. */
function someAddresses(random: RandomSource): readonly string[] {
  const addresses = new Set<string>()
  const byte = () => Math.floor(random.next() * 254) + 1
  while (addresses.size < CLIENTS) addresses.add(`127.${byte()}.${byte()}.${byte()}`)
  return [...addresses]
}

/** The name of the server that each client gets, in the order of the clients. */
async function answers(t: TestContext, port: number, addresses: readonly string[]): Promise<string[]> {
  const served = new Array<string>(addresses.length)
  const left = addresses.entries()
  const visit = async () => {
    for (const [i, localAddress] of left) {
      const client = await Client.connect(t, { port, localAddress })
      served[i] = await client.readToEnd()
      await client.close()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, visit))
  return served
}

const poolOf = (name: string, members: readonly Target[]) =>
  `pool = ${name} { balance = maglev ${members.map(({ directive }) => `remote = { ${directive} }`).join(' ')} }`

/** One listener, and one pool. */
const plain = (members: readonly Target[]): RelayPlan =>
  relayTo().listeningOn('address = 127.0.0.1 port = 0 pool = web').with(poolOf('web', members))

/** The same members from the last to the first, in the third pool, for the second of three listeners, in two children. */
function different(members: readonly Target[]): RelayPlan {
  const other = (name: string) => poolOf(name, [{ directive: `address = 127.0.0.1 port = 9 name = ${name}` }])
  return relayTo()
    .listeningOn(
      'address = 127.0.0.1 port = 0 pool = mail',
      'address = 127.0.0.1 port = 0 pool = web',
      'address = 127.0.0.1 port = 0 pool = news',
    )
    .withMaster(spawning([CHILDREN, CHILDREN], [1, 1_000]))
    .with(other('mail'), other('news'), poolOf('web', members.toReversed()))
}

const moved = (before: readonly string[], after: readonly string[], isOf: (server: string) => boolean) => {
  const clients = before.flatMap((server, i) => (isOf(server) ? [i] : []))
  return { of: clients.length, count: clients.filter((i) => after[i] !== before[i]).length }
}

test('maglev: two relays choose alike, also while a remote is down and when it has been removed', async (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const addresses = someAddresses(new RandomSource(seed))
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  const remotes: Remote[] = []
  // None of the ports that the kernel picks: nobody else may have it when its server is down.
  for (const name of names)
    remotes.push(await remoteThat(says(name)).start(t, { host: '127.0.0.1', port: await freePort() }))
  // Names by address and port, and one that is given.
  const targets = remotes.map((remote, i) =>
    remote.with(i === 3 ? 'name = d weight = 3' : `weight = ${1 + (i % 2)}`),
  )

  const first = await plain(targets).start(t)
  const second = await startMaster(t, different(targets), { children: CHILDREN })
  const inBoth = async (what: string) => {
    const [one, other] = await Promise.all([
      answers(t, first.port(), addresses),
      answers(t, second.port(1), addresses),
    ])
    assert.deepEqual(other, one, what)
    return one
  }
  const before = await inBoth('all remotes serve')
  assert.equal(new Set(before).size, names.length)

  await remotes[1]?.stop()
  const during = await inBoth('b is down')
  assert.deepEqual(moved(before, during, (server) => server !== 'b').count, 0)

  const rest = targets.filter((_, i) => i !== 1)
  await reload(first, plain(rest).text)
  await reload(second, masterText(different(rest)))
  const after = await inBoth('b is removed')
  const others = moved(before, after, (server) => server !== 'b')
  const own = moved(before, after, (server) => server === 'b')
  assert.equal(own.count, own.of)
  t.diagnostic(`b is removed: its ${own.of} clients moved, and ${others.count} of the ${others.of} others`)
  assert.ok(others.count < 0.05 * others.of)
})
