/** Limits of connections and rates, and bans, over all processes that relay. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectFrom, crowd, echoing, isServed, outcomeOf, servedOf } from '../harness/limited.js'
import { Master } from '../harness/master.js'
import { MODES_WITH_THREE } from '../harness/modes.js'
import { isAlive } from '../harness/proc.js'
import { reload } from '../harness/reload.js'
import { until } from '../harness/until.js'

const listener = (limit: string) => `address = 127.0.0.1 port = 0 limit = { ${limit} }`

for (const mode of MODES_WITH_THREE) {
  const { name } = mode

  test(`${name}: exact limits of sessions and rates, and what clients see of them`, async (t) => {
    const plan = await echoing(t)
    const running = await mode.start(
      t,
      plan.listeningOn(
        listener('per = source connections = 5 action = reset'),
        // The next token comes after six minutes.
        listener('name = slow per = source rate = 10/h burst = 7'),
        listener('per = all connections = 0 rate = 1/h action = tarpit hold = 500ms'),
        listener('per = all connections = 0 rate = 1/h action = drop'),
      ),
    )
    const clients = await crowd(t, running, '127.0.0.2', 30)
    assert.equal(await servedOf(clients), 5)
    assert.equal(await outcomeOf(await connectFrom(t, running, '127.0.0.3')), 'served')
    await running.logged(/ client=127\.0\.0\.2:\d+ .* end=limit-connections rule=\S+:2$/, 25)
    for (const client of clients) await client.close()
    await isServed(t, running, '127.0.0.2')
    assert.equal(await (await connectFrom(t, running, '127.0.0.4')).exchange('four'), 'four')

    assert.equal(await servedOf(await crowd(t, running, '127.0.0.2', 20, 1)), 7)
    assert.equal(await servedOf(await crowd(t, running, '127.0.0.3', 1, 1)), 1)
    await running.logged(/ client=127\.0\.0\.2:\d+ .* end=limit-rate rule=\S+:3$/, 13)

    assert.equal(await servedOf(await crowd(t, running, '127.0.0.2', 1, 2)), 1)
    const startMs = performance.now()
    const held = await connectFrom(t, running, '127.0.0.2', 2)
    assert.equal(await held.ending(), 'end')
    assert.ok(performance.now() - startMs >= 499)

    assert.equal(await servedOf(await crowd(t, running, '127.0.0.2', 1, 3)), 1)
    const dropped = await connectFrom(t, running, '127.0.0.2', 3)
    await running.logged(/ end=limit-rate rule=\S+:5$/)
    await dropped.send('x')
    assert.equal(await dropped.ending(), 'ECONNRESET')
    await running.logged(
      /connection attempt from 127\.0\.0\.2:\d+ rejected \(listener \S+, limit \S+, rule \S+:\d+\): too many connections/,
    )
  })

  test(`${name}: sessions and bans outlive a reload, sessions not the child that has them`, async (t) => {
    const plan = await echoing(t)
    const ban = 'ban = { after = 4 in = 60s for = 1h on = connections }'
    const limited = plan.with(
      'limit = { name = few per = source connections = 6 }',
      `limit = { name = abuse per = source/24 connections = 8 ${ban} }`,
    )
    const running = await mode.start(t, limited)
    const old = await crowd(t, running, '127.0.0.2', 6)
    assert.equal(await servedOf(old), 6)
    await reload(running, mode.textOf(limited.with('idle timeout = 60')))
    assert.notEqual(await outcomeOf(await connectFrom(t, running, '127.0.0.2')), 'served')
    await running.logged(/ client=127\.0\.0\.2:\d+ .* end=limit-connections rule=/)
    await old[0]?.close()
    const young = await isServed(t, running, '127.0.0.2')
    const others = [young]
    if (running instanceof Master) {
      const victim = running.children().find((pid) => running.sessionsOf(pid) >= 1)
      assert.ok(victim !== undefined)
      process.kill(victim, 'SIGKILL')
      await until('the child to be gone', () => !isAlive(victim))
      const left = await servedOf([...old.slice(1), young])
      assert.ok(left < 6)
      for (let i = left; i < 6; i++) others.push(await isServed(t, running, '127.0.0.2'))
      assert.notEqual(await outcomeOf(await connectFrom(t, running, '127.0.0.2')), 'served')
    }
    // After it the master has given back the places of the dead child in both tables.
    await reload(running, mode.textOf(limited.with('idle timeout = 65')), undefined, 2)
    // Networks of 24 bits have eight sessions.
    const third = await crowd(t, running, '127.0.0.3', 6)
    assert.equal(await servedOf(third), 2)
    await running.logged(
      /banned 127\.0\.0\.3:\d+ for 3600 s after 4 rejections within 60 s \(limit abuse, rule /,
    )
    await reload(running, mode.textOf(limited.with('idle timeout = 70')), undefined, 3)
    for (const client of [...old, ...others, ...third]) await client.close()
    assert.notEqual(await outcomeOf(await connectFrom(t, running, '127.0.0.4')), 'served')
    await running.logged(/ client=127\.0\.0\.4:\d+ .* end=banned rule=\S+:\d+$/)
  })
}
