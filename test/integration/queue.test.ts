/** Clients that wait while all remotes of their pool are full (`max connections`, `queue`). */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { CountingRemote } from '../harness/counting-remote.js'
import type { Master } from '../harness/master.js'
import { MODES_WITH_TWO, type Running, SINGLE } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'
import { competeForPlaces } from './queue-load.js'

const connecting = (t: TestContext, running: Running): Promise<Client> =>
  Client.connect(t, { port: running.port() })

/** Reads up to the end and closes, which ends the session. */
async function answerTo(client: Client): Promise<string> {
  const text = await client.readToEnd()
  await client.close()
  return text
}

for (const mode of MODES_WITH_TWO) {
  test(`${mode.name}: waiting clients are served, and no remote has more sessions than it may`, async (t) => {
    const [one, other] = [await CountingRemote.start(t), await CountingRemote.start(t)]
    const plan = relayTo(one.with('max connections = 2'), other.with('max connections = 1'))
    const running = await mode.start(t, plan.with('access log = stderr'))
    const clients = await Promise.all(Array.from({ length: 9 }, () => connecting(t, running)))
    for (const [i, client] of clients.entries()) await client.send(`client ${i}`)
    // One of those that wait leaves. It may be served already, and then its place is free again.
    clients[8]?.reset()
    const answers = Promise.all(clients.slice(0, 8).map(answerTo))
    for (let served = 0; served < 8; served++)
      await until('a request', () => one.answerOne() || other.answerOne())
    const texts = await answers
    assert.deepEqual(
      texts,
      [...texts.keys()].map((i) => `client ${i}`),
    )
    assert.deepEqual([one.highest, other.highest], [2, 1])
    await running.logged(/ seconds=\S+ queued=\d+ end=done$/)
    await clients[8]?.close()
  })

  test(`${mode.name}: a full queue and the time limit reject clients, with reasons of their own`, async (t) => {
    const remote = await CountingRemote.start(t)
    const plan = relayTo(remote).with(
      'max connections = 1',
      'queue = { size = 2 timeout = 1s }',
      'access log = stderr',
    )
    const running = await mode.start(t, plan)
    const first = await connecting(t, running)
    await until('the only place to be taken', () => remote.open === 1)
    const others = await Promise.all([1, 2, 3].map(() => connecting(t, running)))
    const ends = await Promise.all(others.map((client) => client.ending()))
    assert.ok(ends.every((end) => end === 'ECONNRESET'))
    await running.logged(/ seconds=\S+ end=queue-full$/)
    await running.logged(/ seconds=\S+ queued=\d{3,} end=queue-timeout$/, 2)
    await running.logged(/rejected client 127\.0\.0\.1:\d+ of pool default: its queue is full/)
    await running.logged(/rejected client 127\.0\.0\.1:\d+ of pool default: no remote had room within 1 s/)
    remote.finishOne()
    await answerTo(first)
    for (const client of others) await client.close()
  })

  test(`${mode.name}: the limit of a remote holds over a reload, which may change it`, async (t) => {
    const remote = await CountingRemote.start(t)
    const plan = (max: number, port = 0) =>
      relayTo(remote.with(`name = db max connections = ${max}`)).listeningOn(
        `address = 127.0.0.1 port = ${port}`,
      )
    const running = await mode.start(t, plan(2))
    const clients = await Promise.all([1, 2, 3, 4].map(() => connecting(t, running)))
    await until('both places to be taken', () => remote.open === 2)
    await reload(running, mode.textOf(plan(2, running.port())))
    clients.push(await connecting(t, running))
    assert.equal(remote.open, 2)
    await reload(running, mode.textOf(plan(3, running.port())), undefined, 2)
    await until('the third place to be taken', () => remote.open === 3)
    const answers = Promise.all(clients.map(answerTo))
    for (let served = 0; served < 5; served++) {
      await until('a client to be served', () => remote.open > 0)
      remote.finishOne()
    }
    await answers
    assert.equal(remote.highest, 3)
  })
}

for (const accept of variants<'broker'>([], ['broker'])) {
  test('three children share the places of a remote under load', (t) => competeForPlaces(t, accept, 0))
}

test('waiting clients of one process are served in the order in which they came', async (t) => {
  const remote = await CountingRemote.start(t)
  const relay = await relayTo(remote.with('max connections = 1')).with('access log = stderr').start(t)
  const holder = await relay.connect()
  await until('the place to be taken', () => remote.open === 1)
  const clients: Client[] = []
  for (let i = 0; i < 5; i++) {
    const client = await relay.connect()
    clients.push(client)
    await client.send(`${i}`)
    // It waits: both of its sockets would be open otherwise.
    await until('the client to be accepted', () => relay.socketCount === 3 + i)
  }
  clients[2]?.reset()
  await relay.logged(/ end=client-left reason=/)
  const answers = Promise.all([holder, ...clients.filter((_, i) => i !== 2)].map(answerTo))
  remote.finishOne()
  for (let served = 0; served < 4; served++) await until('a request', () => remote.answerOne())
  await answers
  assert.equal(remote.received.join(''), '0134')
  await clients[2]?.close()
})

for (const mode of MODES_WITH_TWO.filter((mode) => mode !== SINGLE)) {
  test(`${mode.name}: a child that is killed returns its places to those that wait in the other one`, async (t) => {
    const remote = await CountingRemote.start(t)
    const master = (await mode.start(t, relayTo(remote.with('max connections = 3')))) as Master
    const clients: Client[] = []
    let over = 0
    const more = async () => {
      const client = await connecting(t, master)
      clients.push(client)
      // Those of the killed child end in whatever way.
      const ended = answerTo(client).catch(() => client.close())
      void ended.then(() => over++)
    }
    for (let i = 0; i < 3; i++) await more()
    await until('all places to be taken', () => remote.open === 3)
    const [killed = 0, other = 0] = master
      .children()
      .toSorted((a, b) => master.sessionsOf(b) - master.sessionsOf(a))
    const held = master.sessionsOf(killed)
    // A waiting client has one socket, half of a session.
    const enough = master.sessionsOf(other) + held / 2
    await until('clients that wait in the other child', async () => {
      if (clients.length < 60) await more()
      return master.sessionsOf(other) >= enough
    })
    process.kill(killed, 'SIGKILL')
    await until('the places to be taken again', () => remote.acceptedCount === 3 + held && remote.open === 3)
    // From here on: a new session may have been accepted before the end of a lost one was seen.
    remote.highest = 0
    await until('the others to be served', () => {
      remote.finishAll()
      return over === clients.length
    })
    assert.ok(remote.highest <= 3, `${remote.highest} sessions`)
    for (const client of clients) await client.close()
    await master.hasChildren(2)
  })
}
