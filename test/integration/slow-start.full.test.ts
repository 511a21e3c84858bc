import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closedPort } from '../harness/closed-port.js'
import { spawning, startMaster } from '../harness/master.js'
import { relayTo } from '../harness/relay.js'
import { IN_FORCE } from '../harness/reload.js'
import { remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { ACCEPT_WAYS } from '../harness/variants.js'

const CHILDREN = 3
const CLIENTS = 110

for (const accept of ACCEPT_WAYS) {
  test(`after an outage a remote gets few clients at first, from all children and after a reload: ${accept}`, async (t) => {
    const { port, target } = await closedPort()
    const other = await remoteThat(says('other')).start(t)
    const plan = relayTo(target, other)
      .with('balance = round-robin', 'slow start = 1h', 'dial retries = 0')
      .withMaster(spawning([CHILDREN, CHILDREN], [1, 100], `accept = ${accept}`))
    const master = await startMaster(t, plan, { children: CHILDREN })
    const ask = async () => {
      const client = await master.connect()
      const answer = await client.readToEnd()
      await client.close()
      return answer
    }
    await until('the remote to be known as down', async () => {
      assert.equal(await ask(), 'other')
      return /is down/.test(master.program.stderr.text)
    })
    await remoteThat(says('back')).start(t, { host: '127.0.0.1', port })
    await until('the remote to be known as up', async () => {
      await ask()
      return /is up again/.test(master.program.stderr.text)
    })
    assert.equal(
      master.program.stderr.matching(/is up again \(it was down for .*\), slow start over 3600 s/).length,
      1,
    )
    const share = async () => {
      let own = 0
      for (let i = 0; i < CLIENTS; i++) if ((await ask()) === 'back') own++
      return own / CLIENTS
    }
    // 0.1 of 1.1; a child may still be in its back-off.
    const first = await share()
    assert.ok(first > 0 && first < 0.2, `${first} of the clients`)
    master.signal('SIGHUP')
    await master.logged(IN_FORCE)
    const second = await share()
    assert.ok(second > 0 && second < 0.2, `${second} of the clients after a reload`)
  })
}
