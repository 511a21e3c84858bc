/** Limits of sessions of remotes, pools and listeners (`max connections`). */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { type Master, spawning, startMaster } from '../harness/master.js'
import { MODES_WITH_TWO, type Running, SINGLE } from '../harness/modes.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, greets, type Remote, remoteThat } from '../harness/remote.js'

const ANY_PORT = 'address = 127.0.0.1 port = 0'

/** Connects and waits for the banner of the remote. */
async function served(t: TestContext, running: Running, listener = 0): Promise<Client> {
  const client = await connecting(t, running, listener)
  assert.equal(await client.read(1), 'x')
  return client
}

/** Connects without waiting for anything. */
const connecting = (t: TestContext, running: Running, listener = 0): Promise<Client> =>
  Client.connect(t, { port: running.port(listener) })

/** A listener with a limit, and another one without. */
function limitedTo(max: number, remote: Remote, port = 0): RelayPlan {
  return relayTo(remote).listeningOn(
    `address = 127.0.0.1 port = ${port} name = front max connections = ${max}`,
    `${ANY_PORT} name = side`,
  )
}

for (const mode of MODES_WITH_TWO) {
  test(`${mode.name}: clients beyond the limit of a listener wait in the kernel`, async (t) => {
    const remote = await remoteThat(greets('x')).start(t)
    const running = await mode.start(t, limitedTo(3, remote))
    const clients = await Promise.all([1, 2, 3].map(() => served(t, running)))
    const waiting = [await connecting(t, running), await connecting(t, running)]
    for (let i = 0; i < 3; i++) await (await served(t, running, 1)).close()
    await remote.holds(3)
    await clients[0]?.close()
    // Either of the two may be the one that is served.
    const first = await Promise.race(waiting.map(async (client) => ({ client, byte: await client.read(1) })))
    assert.equal(first.byte, 'x')
    await remote.holds(3)
    await first.client.close()
    await Promise.all(waiting.filter((client) => client !== first.client).map((client) => client.read(1)))
    for (const client of [...clients, ...waiting]) await client.close()
  })

  test(`${mode.name}: the limit of a listener holds over a reload, which may change it`, async (t) => {
    const remote = await remoteThat(greets('x')).start(t)
    const running = await mode.start(t, limitedTo(2, remote))
    const clients = await Promise.all([1, 2].map(() => served(t, running)))
    const waiting = await connecting(t, running)
    await reload(running, mode.textOf(limitedTo(2, remote, running.port())))
    await remote.holds(2)
    await reload(running, mode.textOf(limitedTo(3, remote, running.port())), undefined, 2)
    assert.equal(await waiting.read(1), 'x')
    for (const client of [...clients, waiting]) await client.close()
  })
}

for (const mode of MODES_WITH_TWO.filter((mode) => mode !== SINGLE)) {
  test(`${mode.name}: a child that is killed returns its places of a listener`, async (t) => {
    const remote = await remoteThat(greets('x')).start(t)
    const running = await mode.start(t, limitedTo(4, remote))
    const clients = await Promise.all([1, 2, 3, 4].map(() => served(t, running)))
    const waiting = await Promise.all([1, 2].map(() => connecting(t, running)))
    await remote.holds(4)
    const master = running as Master
    const [pid = 0] = master.children().toSorted((a, b) => master.sessionsOf(b) - master.sessionsOf(a))
    const left = 4 - master.sessionsOf(pid)
    process.kill(pid, 'SIGKILL')
    await running.logged(/terminated abnormally \(signal SIGKILL\)/)
    await Promise.race(waiting.map((client) => client.read(1)))
    await remote.holds(Math.min(left + waiting.length, 4))
    for (const client of [...clients, ...waiting]) await client.close()
    await master.hasChildren(2)
  })
}

test('a client that the access rules reject takes no place of its listener', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = limitedTo(1, remote).withMaster('deny 127.0.0.1', spawning([1, 1]))
  for (const start of [() => plan.start(t), () => startMaster(t, plan)]) {
    const running: Running = await start()
    for (let i = 0; i < 3; i++) assert.equal(await (await connecting(t, running)).ending(), 'end')
  }
})
