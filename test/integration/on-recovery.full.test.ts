import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../harness/client.js'
import { closedPort } from '../harness/closed-port.js'
import { MODES } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { greets, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

for (const { name: mode, start } of MODES) {
  test(`${mode}: sessions on a backup end when the better remote serves again`, async (t) => {
    const backup = await remoteThat(greets('backup')).start(t)
    const { port, target } = await closedPort()
    const plan = relayTo(target, backup.with('backup = yes')).with(
      'on recovery = close',
      'access log = stderr',
    )
    const relay = await start(t, plan)
    const client = () => Client.connect(t, { port: relay.port() })
    const early = await client()
    assert.equal(await early.read(6), 'backup')
    const main = await remoteThat(greets('better')).start(t, { host: '127.0.0.1', port })
    // Only clients find out that it is back.
    await until('a client of the better remote', async () => {
      const late = await client()
      const banner = await late.read(6)
      if (banner !== 'better') {
        await late.endWriting()
        await late.close()
        return false
      }
      assert.equal(await early.ending(), 'ECONNRESET')
      await late.send('still here')
      assert.equal(await late.read(10), 'still here', 'its session stays')
      await late.close()
      return true
    })
    await early.close()
    await relay.logged(/ end=recovery$/)
    assert.equal(main.acceptedCount, 1)
  })
}
