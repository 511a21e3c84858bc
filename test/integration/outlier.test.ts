import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { closedPort } from '../harness/closed-port.js'
import { CHILDREN_ACCEPT, MODES, type Running } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { echoes, listens, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

/** Accepts, and resets the connection at its first byte. */
function resets(socket: Socket): void {
  socket.once('data', () => socket.resetAndDestroy())
}

/** A server that resets until it is repaired, and then echoes. */
function repairable() {
  const state = { isBroken: true }
  const plan = remoteThat((socket) => (state.isBroken ? resets(socket) : echoes(socket)))
  const repair = () => {
    state.isBroken = false
  }
  return { plan, repair }
}

/** One client with one request; false: it was reset. */
async function isServed(t: TestContext, relay: Running): Promise<boolean> {
  const client = await Client.connect(t, { port: relay.port() })
  const isEchoed = await client.exchange('x').then(
    (answer) => answer === 'x',
    () => false,
  )
  await client.close()
  return isEchoed
}

async function areServed(t: TestContext, relay: Running, count: number): Promise<number> {
  const served = await Promise.all(Array.from({ length: count }, () => isServed(t, relay)))
  return served.filter((one) => one).length
}

for (const mode of MODES) {
  test(`${mode.name}: resets before the first byte exclude a remote until it serves again`, async (t) => {
    const { plan, repair } = repairable()
    const [bad, good] = [await plan.start(t), await remoteThat(echoes).start(t)]
    const relay = await mode.start(
      t,
      relayTo(bad, good)
        .with('balance = round-robin', 'back-off first = 3s')
        .with('health { type = none fail after = 2 in 1s }'),
    )
    const broken = areServed(t, relay, 8)
    await relay.logged(
      /remote 127\.0\.0\.1:\d+ is down: 2 failures in 1 s: reset before its first byte \(it was up for \d+ m?s\)/,
    )
    await broken
    repair()
    // The verdict follows the line within an instant.
    let before = 0
    await until('it to be excluded', async () => {
      before = bad.acceptedCount
      assert.equal(await areServed(t, relay, 4), 4)
      return bad.acceptedCount === before
    })
    await until('the remote to be up again', async () => {
      assert.equal(await isServed(t, relay), true)
      return relay.program.stderr.matching(/is up again \(it was down for \d+ s\)/).length === 1
    })
    assert.ok(bad.acceptedCount > before)
    assert.equal(relay.program.stderr.matching(/ is (down|up)/).length, 2)
  })

  test(`${mode.name}: sessions on a remote that is down end with \`on down = close\``, async (t) => {
    const [remote, check] = [await remoteThat(echoes).start(t), await remoteThat(listens).start(t)]
    const relay = await mode.start(
      t,
      relayTo(remote).with(
        'access log = stderr',
        'on down = close',
        `health { interval = 50ms timeout = 10s fall = 1 jitter = 0 port = ${check.port} }`,
      ),
    )
    const client = await Client.connect(t, { port: relay.port() })
    assert.equal(await client.exchange('x'), 'x')
    await check.stop()
    assert.equal(await client.ending(), 'ECONNRESET')
    await client.close()
    await relay.logged(/ end=remote-down$/)
  })
}

test('sessions on a remote that is down are kept otherwise', async (t) => {
  const [remote, check] = [await remoteThat(echoes).start(t), await remoteThat(listens).start(t)]
  const health = `health { interval = 20ms timeout = 10s fall = 1 jitter = 0 port = ${check.port} }`
  const relay = await relayTo(remote)
    .listeningOn('address = 127.0.0.1 port = 0', 'address = 127.0.0.1 port = 0 pool = closing')
    .with(health, `pool = closing { on down = close remote = { ${remote.directive} } }`)
    .start(t)
  const [kept, closed] = [await relay.connect(), await relay.connect({ port: relay.port(1) })]
  for (const client of [kept, closed]) assert.equal(await client.exchange('x'), 'x')
  await check.stop()
  assert.equal(await closed.ending(), 'ECONNRESET', 'sessions of another pool end')
  assert.equal(await kept.exchange('y'), 'y')
  await Promise.all([kept, closed].map((client) => client.close()))
})

test('failed connections count, and a health check brings the remote back', async (t) => {
  const { port, target } = await closedPort()
  const [good, check] = [await remoteThat(echoes).start(t), await remoteThat(listens).start(t)]
  const health = `health = { interval = 50ms timeout = 10s rise = 2 jitter = 0 port = ${check.port} fail after = 2 in 10s }`
  const relay = await relayTo({ directive: `${target.directive} ${health}` }, good)
    .with('balance = round-robin')
    .start(t)
  await until('two failures', async () => {
    assert.equal(await isServed(t, relay), true, 'the next remote serves')
    return /is down: 2 failures in 10 s: connection refused/.test(relay.program.stderr.text)
  })
  await remoteThat(echoes).start(t, { host: '127.0.0.1', port })
  await relay.logged(/is up again \(it was down for \d+ s\)/)
  assert.equal(await areServed(t, relay, 4), 4)
})

test('failures exclude at most half of the remotes', async (t) => {
  const [first, second] = [await remoteThat(resets).start(t), await remoteThat(resets).start(t)]
  const relay = await relayTo(first, second)
    .with('balance = round-robin', 'back-off first = 1h', 'back-off max = 1h')
    .with('health { type = none fail after = 2 in 1h }')
    .start(t)
  await areServed(t, relay, 8)
  await relay.logged(/is down/, 2)
  const before = [first.acceptedCount, second.acceptedCount]
  assert.equal(await areServed(t, relay, 4), 0)
  const further = [first.acceptedCount, second.acceptedCount].map((count, i) => count - (before[i] ?? 0))
  assert.deepEqual(further.toSorted(), [0, 4], 'the one that failed first is excluded, the other one is not')
})

test('all remotes are used when fewer than `panic` are usable, and the log says so', async (t) => {
  const remotes = [await remoteThat(echoes).start(t), await remoteThat(echoes).start(t)]
  const { port } = await closedPort()
  const plan = relayTo(...remotes).with(
    'balance = round-robin',
    'panic = 60%',
    'on down = close',
    `health { interval = 50ms timeout = 10s fall = 1 rise = 1 jitter = 0 port = ${port} }`,
  )
  const relay = await plan.start(t)
  await relay.logged(/is down/, 2)
  await relay.logged(/warning: pool default: 1 of 2 remotes is usable, fewer than `panic` says: all are used/)
  assert.equal(await areServed(t, relay, 4), 4)
  assert.deepEqual(
    remotes.map(({ acceptedCount }) => acceptedCount),
    [2, 2],
  )
  await remoteThat(listens).start(t, { host: '127.0.0.1', port })
  await relay.logged(/is up again/, 2)
  await relay.logged(/pool default: 2 of 2 remotes are usable: those that are down are no longer used/)
  assert.equal(relay.program.stderr.matching(/pool default/).length, 2)
})

test('children go on with the last verdicts while the master is stopped', async (t) => {
  const { port, target } = await closedPort()
  const good = await remoteThat(echoes).start(t)
  const plan = relayTo(target, good).with(
    'balance = round-robin',
    'dial retries = 0',
    'access log detail = full',
    'health { interval = 50ms timeout = 10s fall = 1 rise = 1 jitter = 0 }',
  )
  const master = await CHILDREN_ACCEPT.start(t, plan)
  await master.logged(/is down/)
  await master.logged(/info: serving /)
  master.signal('SIGSTOP')
  const back = await remoteThat(echoes).start(t, { host: '127.0.0.1', port })
  for (let i = 0; i < 20; i++) assert.equal(await isServed(t, master), true)
  assert.equal(back.acceptedCount, 0, 'nobody has judged it again')
  master.signal('SIGCONT')
  await master.logged(/is up again/)
  assert.equal(await areServed(t, master, 4), 4)
  assert.doesNotMatch(master.program.stderr.text, /does not answer|killed|exited/)
})
