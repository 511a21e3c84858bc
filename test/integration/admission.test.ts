import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { type Master, spawning, startMaster } from '../harness/master.js'
import { MODES } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { within } from '../harness/until.js'
import { variants } from '../harness/variants.js'

/** A client that connects from this address of the loopback. */
async function clientFrom(
  t: TestContext,
  master: Pick<Master, 'port'>,
  localAddress: string,
): Promise<Client> {
  const socket = connect({
    host: '127.0.0.1',
    port: master.port(),
    localAddress,
    allowHalfOpen: true,
    noDelay: true,
  })
  const client = new Client(t, socket)
  await within(
    'a connection',
    new Promise((resolve) => socket.once('connect', resolve).once('close', resolve)),
  )
  return client
}

async function masterWith(t: TestContext, spawn: string, ...lines: readonly string[]): Promise<Master> {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).withMaster(spawn, ...lines)
  return startMaster(t, plan, { children: Number(/instances min = (\d+)/.exec(spawn)?.[1]) })
}

test('the access list rejects clients before a child gets them', async (t) => {
  const master = await masterWith(t, spawning([1, 1]), 'deny 127.0.0.2', 'permit 127.0.0.0/8')
  assert.equal(await (await clientFrom(t, master, '127.0.0.1')).exchange('in'), 'in')
  const refused = await clientFrom(t, master, '127.0.0.2')
  assert.notEqual(await refused.ending(), 'ECONNREFUSED')
  await master.logged(/connection attempt from 127\.0\.0\.2:\d+ rejected/)
  await master.holds(1)
})

for (const { name, start } of MODES) {
  test(`${name}: network rules decide which clients are accepted`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const rules = ['deny 127.0.0.2', 'permit 127.0.0.0/30', 'deny 127.0.0.0/8']
    const running = await start(t, relayTo(remote).withMaster(...rules))
    for (const host of ['127.0.0.1', '127.0.0.3']) {
      const client = await clientFrom(t, running, host)
      assert.equal(await client.exchange(host), host)
      await client.close()
    }
    for (const host of ['127.0.0.2', '127.0.0.4']) {
      const client = await clientFrom(t, running, host)
      await assert.rejects(client.exchange(host), host)
      await client.close()
    }
    await running.logged(/connection attempt from 127\.0\.0\.2:\d+ rejected/)
  })
}

test('a client goes to the same child while the sticky cache holds its entry', async (t) => {
  const sticky = ['sticky cache period = 60', 'sticky cache size = 10']
  const master = await masterWith(t, spawning([2, 2], [5, 5], ...sticky))
  const clients = []
  for (let i = 0; i < 5; i++) clients.push(await clientFrom(t, master, '127.0.0.1'))
  for (const client of clients) await client.exchange('x')
  await master.holds(5, 0)
  const other = await clientFrom(t, master, '127.0.0.2')
  await other.exchange('x')
  await master.holds(5, 1)
  // The child is full: the client goes to the other one and is sticky there from now on.
  await (await clientFrom(t, master, '127.0.0.1')).exchange('x')
  await master.holds(5, 2)
  await clients[0]?.close()
  await master.holds(4, 2)
  await (await clientFrom(t, master, '127.0.0.1')).exchange('x')
  await master.holds(4, 3)
})

for (const { ending, hint, mode } of variants(
  [{ mode: 'reset', hint: 'resetting', ending: 'ECONNRESET' }],
  [{ mode: 'close', hint: 'immediately closing', ending: 'end' }],
)) {
  test(`overload = ${mode}: excess clients are rejected until a place is free`, async (t) => {
    const master = await masterWith(t, spawning([1, 1], [2, 2]), `overload = ${mode}`)
    const clients = [await master.connect(), await master.connect()]
    for (const client of clients) await client.exchange('x')
    for (let i = 0; i < 3; i++) assert.equal(await (await master.connect()).ending(), ending)
    await master.logged(new RegExp(`limit of 2 concurrent users reached, ${hint} new connections`))
    await clients[0]?.close()
    await master.holds(1)
    await master.logged(/resuming normal operation/)
    assert.equal(await (await master.connect()).exchange('again'), 'again')
    assert.equal(await clients[1]?.exchange('still'), 'still')
  })
}
