import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closedPort } from '../harness/closed-port.js'
import { type Master, spawning, startMaster } from '../harness/master.js'
import { relayTo } from '../harness/relay.js'
import { IN_FORCE } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { ACCEPT_WAYS } from '../harness/variants.js'

const CHILDREN = 3

/** As many concurrent clients as there are children, none of which is served; each child has had one of them. */
async function failsInEveryChild(master: Master, nth: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CHILDREN * 2 }, () => master.connect()))
  for (const client of clients) assert.equal(await client.ending(), 'ECONNRESET')
  await master.logged(/ end=no-remote /, nth * CHILDREN * 2)
}

for (const accept of ACCEPT_WAYS) {
  test(`an outage is one line, and its end another one, for all children and reloads: ${accept}`, async (t) => {
    const { port, target } = await closedPort()
    const plan = relayTo(target)
      .with('dial retries = 1', 'access log = stderr')
      .withMaster(spawning([CHILDREN, CHILDREN], [1, 100], `accept = ${accept}`))
    const master = await startMaster(t, plan, { children: CHILDREN })
    await failsInEveryChild(master, 1)
    for (const nth of [2, 3]) {
      master.signal('SIGHUP')
      await master.logged(IN_FORCE, nth - 1)
      await master.hasChildren(CHILDREN)
      await failsInEveryChild(master, nth)
    }
    await remoteThat(echoes).start(t, { host: '127.0.0.1', port })
    await until('the remote to be known as up', async () => {
      const client = await master.connect()
      await client.exchange('x').catch(() => 'not yet')
      await client.close()
      return /is up again/.test(master.program.stderr.text)
    })
    const lines = master.program.stderr.matching(/remote .* is (down|up again)/)
    assert.deepEqual(
      lines.map((line) => /is .*/.exec(line)?.[0]?.replace(/\d+ .*\)/, 'TIME)')),
      ['is down: connection refused (it was up for TIME)', 'is up again (it was down for TIME)'],
    )
    assert.match(
      lines[0] ?? '',
      new RegExp(`\\[${master.pid}\\] warning: remote 127\\.0\\.0\\.1:${port} is down`),
    )
  })
}
