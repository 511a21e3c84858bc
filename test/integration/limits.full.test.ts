/** Limits by what is known later than the address, and clients that wait for them: in every mode. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../harness/client.js'
import { clientHello } from '../harness/client-hello.js'
import { connectFrom, crowd, echoing, outcomeOf, servedOf } from '../harness/limited.js'
import { ALL_WITH_THREE } from '../harness/modes.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { v1Header } from '../support/proxy-header.js'

/** A master and three children. */
const HOLDERS_MAX = 4
/** Half of `hold`: further clients are closed at once. */
const HELD_MIN_MS = 1_500

for (const mode of ALL_WITH_THREE) {
  const { name } = mode

  test(`${name}: limits of a listener and of a pool apply to their clients only`, async (t) => {
    const plan = await echoing(t)
    const another = await remoteThat(echoes).start(t)
    const running = await mode.start(
      t,
      plan
        .listeningOn(
          'name = a address = 127.0.0.1 port = 0 limit = { per = listener connections = 1 }',
          'name = b address = 127.0.0.1 port = 0 pool = web',
        )
        .with(
          `pool = web { remote = { ${another.directive} } limit = { name = few per = all connections = 2 } }`,
        ),
    )
    const at = (index: number) => Client.connect(t, { port: running.port(index) })
    const ofA = await Promise.all([at(0), at(0), at(0)])
    assert.equal(await servedOf(ofA), 1)
    const ofB = await Promise.all([at(1), at(1), at(1), at(1)])
    assert.equal(await servedOf(ofB), 2)
    await running.logged(/ listener=b .* end=limit-connections /, 2)
  })

  test(`${name}: counts by the server name where TLS is not opened`, async (t) => {
    const plan = await echoing(t)
    const limit = 'limit = { per = server name connections = 1 }'
    const running = await mode.start(t, plan.with(limit))
    const hello = async (servername: string) => {
      const client = await Client.connect(t, { port: running.port() })
      const bytes = await clientHello({ servername })
      await client.send(bytes)
      return client.read(bytes.length).then(
        () => 'served',
        () => client.ending(),
      )
    }
    assert.deepEqual(
      [await hello('a.test'), await hello('b.test'), await hello('a.test')],
      ['served', 'served', 'end'],
    )
  })

  test(`${name}: counts the client that a PROXY header names`, async (t) => {
    const plan = await echoing(t)
    const running = await mode.start(
      t,
      plan
        .listeningOn('address = 127.0.0.1 port = 0 proxy protocol = yes proxy from = 127.0.0.1')
        .with('limit = { per = source connections = 1 rate = 10/h burst = 2 }'),
    )
    const as = async (source: string) => {
      const client = await Client.connect(t, { port: running.port() })
      await client.send(v1Header({ source, port: 7 }))
      return [client, await outcomeOf(client)] as const
    }
    const [first, one] = await as('198.51.100.1')
    const [, other] = await as('198.51.100.2')
    const [, two] = await as('198.51.100.1')
    assert.deepEqual([one, other, two], ['served', 'served', 'end'])
    await running.logged(/ client=198\.51\.100\.1:7 via=\S+ .* end=limit-connections /)
    await first.close()
    await until('the place to be free', async () => (await as('198.51.100.1'))[1] === 'served')
  })

  test(`${name}: held clients are limited, further ones are closed`, async (t) => {
    const plan = await echoing(t)
    const limit = 'limit = { per = all connections = 1 action = tarpit hold = 3s hold max = 1 }'
    const running = await mode.start(t, plan.with(limit))
    assert.equal(await outcomeOf(await Client.connect(t, { port: running.port() })), 'served')
    // One more than all processes together may hold.
    const clients = await Promise.all(
      Array.from({ length: HOLDERS_MAX + 1 }, () => Client.connect(t, { port: running.port() })),
    )
    const startMs = performance.now()
    const times = await Promise.all(
      clients.map((client) => client.ending().then(() => performance.now() - startMs)),
    )
    const heldCount = times.filter((ms) => ms > HELD_MIN_MS).length
    assert.ok(heldCount >= 1 && heldCount <= HOLDERS_MAX, `${times}`)
  })

  test(`${name}: clients wait in a queue for a place, or in vain`, async (t) => {
    const plan = await echoing(t)
    const limit = 'limit = { per = source connections = 1 action = queue hold = 3s }'
    const running = await mode.start(t, plan.with(limit))
    const [first, ...others] = await crowd(t, running, '127.0.0.2', 3)
    assert.equal(await outcomeOf(await connectFrom(t, running, '127.0.0.3')), 'served')
    const all = [first as Client, ...others]
    await Promise.all(all.map((client) => client.send('hi')))
    const served = await Promise.race(all.map((client) => client.read(2).then(() => client)))
    await served.close()
    const left = all.filter((client) => client !== served)
    const next = await Promise.race(left.map((client) => client.read(2).then(() => client)))
    const last = left.find((client) => client !== next)
    assert.equal(await last?.ending(), 'end')
    await running.logged(/ client=127\.0\.0\.2:\d+ .* end=limit-timeout rule=\S+:\d+$/)
  })

  test(`${name}: clients wait for their token`, async (t) => {
    const plan = await echoing(t)
    const limit = 'limit = { per = source rate = 4/s burst = 1 action = queue hold = 600ms }'
    const running = await mode.start(t, plan.with(limit))
    const startMs = performance.now()
    const clients = await crowd(t, running, '127.0.0.2', 6)
    const results = await Promise.all(
      clients.map((client) => outcomeOf(client).then((what) => [what, performance.now() - startMs] as const)),
    )
    const servedAt = results
      .flatMap(([what, atMs]) => (what === 'served' ? [atMs] : []))
      .sort((a, b) => a - b)
    // Those that would have to wait longer are rejected; slow machines accept some of them later.
    assert.ok(servedAt.length >= 3, `${servedAt}`)
    assert.ok((servedAt[2] ?? 0) >= 490, `${servedAt}`)
  })
}
