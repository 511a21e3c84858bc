import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import type { Client } from '../harness/client.js'
import { closedPort } from '../harness/closed-port.js'
import { leaveDescriptors } from '../harness/descriptor-limit.js'
import { needs } from '../harness/needs.js'
import { listeningPortsOf, mappingsOf } from '../harness/proc.js'
import { type Relay, relayTo, type Target } from '../harness/relay.js'
import { IN_FORCE, reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

const IN_ORDER = { code: 0, signal: null }

/** Old configurations whose sessions continue; one more ends the oldest. */
const OLD_MAX = 8

/** More remotes than fit into the memory of a configuration with one. */
const REMOTES_MANY = 40

/** A session under each of `count` configurations; the last one is in force. */
async function withGenerations(t: TestContext, relay: Relay, text: string, count: number): Promise<Client[]> {
  const clients: Client[] = []
  for (let nth = 1; nth <= count; nth++) {
    if (nth > 1) await reload(relay, text, IN_FORCE, nth - 1)
    const client = await relay.connect()
    assert.equal(await client.exchange('served'), 'served', t.name)
    clients.push(client)
  }
  return clients
}

/** Mappings of a generation's memory: one of the control thread and one of the reactor. */
const MAPPINGS = 2

const memoryOf = (relay: Relay) => mappingsOf(relay.pid, 'tcprelay-cells').length

test('the oldest of nine old configurations is ended, and the memory of the others is freed', async (t) => {
  const plan = relayTo(await remoteThat(echoes).start(t))
  const relay = await plan.start(t)
  const [oldest, ...others] = await withGenerations(t, relay, plan.text, OLD_MAX + 2)
  assert.equal(await oldest?.ending(), 'ECONNRESET')
  await relay.logged(/ending 1 sessions of an old configuration/)
  for (const client of others) assert.equal(await client.exchange('still'), 'still')
  await until('one mapping less', () => memoryOf(relay) === MAPPINGS + OLD_MAX)
  for (const client of others) await client.close()
  await until('the mappings of old ones to be gone', () => memoryOf(relay) === MAPPINGS)
})

test('a configuration without sessions is freed at the next one', async (t) => {
  const plan = relayTo(await remoteThat(echoes).start(t))
  const relay = await plan.start(t)
  for (let nth = 1; nth <= 20; nth++) await reload(relay, plan.text, IN_FORCE, nth)
  await until('one mapping', () => memoryOf(relay) === MAPPINGS)
})

test('SIGTERM lets sessions of all configurations finish, a second one resets them', async (t) => {
  const plan = relayTo(await remoteThat(echoes).start(t)).with('access log = stderr')
  const relay = await plan.start(t)
  const clients = await withGenerations(t, relay, plan.text, 3)
  relay.signal('SIGTERM')
  await relay.logged(/waiting up to 10 s for 3 sessions/)
  await until('no listener', () => listeningPortsOf(relay.pid).length === 0)
  for (const client of clients) assert.equal(await client.exchange('still'), 'still')
  const [first, ...others] = clients
  await first?.close()
  relay.signal('SIGTERM')
  for (const client of others) assert.equal(await client.ending(), 'ECONNRESET')
  assert.deepEqual(await relay.ended(1_500), IN_ORDER)
  await relay.logged(/end=shutdown/, 2)
})

test('sessions of all configurations have the same grace period', async (t) => {
  const plan = relayTo(await remoteThat(echoes).start(t)).with('grace period = 1')
  const relay = await plan.start(t)
  const clients = await withGenerations(t, relay, plan.text, 2)
  relay.signal('SIGTERM')
  for (const client of clients) assert.equal(await client.ending(), 'ECONNRESET')
  await relay.logged(/the grace period is over/)
  assert.deepEqual(await relay.ended(1_500), IN_ORDER)
})

test('`retire` counts the sessions of one configuration; those of older ones continue to their end', async (t) => {
  const plan = relayTo(await remoteThat(echoes).start(t)).with('retire = 3')
  const relay = await plan.start(t)
  const [old, first] = await withGenerations(t, relay, plan.text, 2)
  const others = [await relay.connect(), await relay.connect()]
  await relay.logged(/Retire limit reached\./)
  relay.signal('SIGHUP')
  assert.equal(await old?.exchange('still'), 'still')
  for (const client of [first, ...others, old]) await client?.close()
  assert.deepEqual(await relay.ended(), IN_ORDER)
  assert.equal(relay.program.stderr.matching(/SIGHUP: reloading/).length, 1)
})

test('more remotes than there was room for get new memory, and the old one is freed with its sessions', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote)
  const relay = await plan.start(t)
  const old = await relay.connect()
  assert.equal(await old.exchange('old'), 'old')
  const many: Target[] = Array.from({ length: REMOTES_MANY }, () => remote)
  await reload(relay, relayTo(...many).text)
  const clients = await Promise.all(many.map(() => relay.connect()))
  for (const client of clients) assert.equal(await client.exchange('young'), 'young')
  assert.equal(await old.exchange('still'), 'still')
  assert.equal(memoryOf(relay), MAPPINGS * 2)
  for (const client of [old, ...clients]) await client.close()
  await until('the old memory to be gone', () => memoryOf(relay) === MAPPINGS)
})

test('the session limit includes all configurations; a higher one admits waiting clients', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const limited = (count: number) =>
    relayTo(remote).withMaster(
      `spawn = { instances max = 1 instances min = 1 users min = 1 users max = ${count} }`,
    )
  const relay = await limited(1).start(t)
  const old = await relay.connect()
  assert.equal(await old.exchange('in'), 'in')
  const waiting = await relay.connect()
  await waiting.send('wait')
  await relay.logged(/limit of 1 concurrent users reached/)
  await reload(relay, limited(1).with('idle timeout = 1h').text)
  await reload(relay, limited(2).text, IN_FORCE, 2)
  assert.equal(await waiting.read(4), 'wait')
  await relay.logged(/resuming normal operation/)
  const limits = relay.program.stderr.matching(/limit of|resuming/)
  assert.equal(limits.length, 2, 'each limit that is logged is logged as over, once')
  for (const client of [old, waiting]) await client.close()
})

test('a Unix listener keeps its file while others come and go, and removes it at its end', async (t) => {
  const path = join(temporaryFolder(t), 'front')
  const plan = relayTo(await remoteThat(echoes).start(t)).with('access log = stderr')
  const unix = `path = ${path}`
  const relay = await plan.listeningOn(unix, 'address = 127.0.0.1 port = 0').start(t)
  const exchanges = async (nth: number) => {
    const client = await relay.connect({ path })
    assert.equal(await client.exchange('by file'), 'by file')
    await client.close()
    await relay.logged(/client=unix/, nth)
  }
  await exchanges(1)
  await reload(relay, plan.listeningOn('address = 127.0.0.1 port = 0', unix).text)
  await exchanges(2)
  await reload(relay, plan.listeningOn('address = 127.0.0.1 port = 0').text, IN_FORCE, 2)
  assert.equal(existsSync(path), false)
  await reload(relay, plan.listeningOn(unix, 'address = 127.0.0.1 port = 0').text, IN_FORCE, 3)
  await exchanges(3)
})

test('a reload logs what needs a restart', async (t) => {
  const plan = relayTo(await remoteThat(echoes).start(t))
  const relay = await plan.start(t)
  await reload(relay, plan.text.replace('single process = yes', 'single process = no'))
  await relay.logged(/a change of `single process` needs a restart/)
  const client = await relay.connect()
  assert.equal(await client.exchange('still one'), 'still one')
  await client.close()
})

test('an old configuration writes to the new access log, with its slot in the ids of its sessions', async (t) => {
  const file = join(temporaryFolder(t), 'access.log')
  const plan = relayTo(await remoteThat(echoes).start(t)).with(`access log = ${file}`)
  const relay = await plan.start(t)
  const clients = await withGenerations(t, relay, plan.text, 2)
  for (const client of clients) await client.close()
  const idsOf = () => [...readFileSync(file, 'utf8').matchAll(/ id=(\S+) /g)].map(([, id]) => id)
  await until('two lines', () => idsOf().length === 2)
  assert.match(idsOf().sort().join(), /^0-[0-9a-z]+-1,1-[0-9a-z]+-1$/)
})

// One is enough to read the file and for the new listener; then there is none for the first, second or third memory.
for (const left of [1, 2, 3]) {
  test(`with ${left} descriptors for a new configuration the old one stays in force`, async (t) => {
    if (!needs(t, 'prlimit')) return
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote)
    const relay = await plan.start(t)
    const client = await relay.connect()
    assert.equal(await client.exchange('before'), 'before')
    const many = relayTo(...Array.from({ length: REMOTES_MANY }, () => remote)).listeningOn(
      `address = 127.0.0.1 port = ${relay.port()}`,
      'address = 127.0.0.2 port = 0',
    )
    leaveDescriptors(relay.pid, left, false)
    await reload(relay, many.text, /the new configuration cannot be used: .*too many open files/)
    assert.equal(await client.exchange('after'), 'after')
    assert.deepEqual(listeningPortsOf(relay.pid), [relay.port()])
    await client.close()
  })
}

test('a remote that is down stays down if the next configuration has it too', async (t) => {
  const { target } = await closedPort()
  const plan = relayTo(target, await remoteThat(echoes).start(t))
  const relay = await plan.start(t)
  const client = async () => {
    const client = await relay.connect()
    assert.equal(await client.exchange('served'), 'served')
    await client.close()
  }
  await client()
  await relay.logged(/is down/)
  for (let nth = 1; nth <= 3; nth++) {
    await reload(relay, plan.with(`idle timeout = ${nth}00`).text, IN_FORCE, nth)
    await client()
  }
  assert.equal(relay.program.stderr.matching(/is down/).length, 1)
})
