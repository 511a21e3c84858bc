import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listeningPortsOf } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

for (const directive of variants(['retire limit = 3'], ['retire = 3'])) {
  test(`${directive} ends the process after the third session, which is still served`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const relay = await relayTo(remote).with(directive).start(t)
    const clients = [await relay.connect(), await relay.connect(), await relay.connect()]
    for (const client of clients) assert.equal(await client.exchange('served'), 'served')
    await relay.logged(/Retire limit reached\./)
    // It is logged before.
    await until('the listener to be closed', () => listeningPortsOf(relay.pid).length === 0)
    assert.equal(await (await relay.connect()).ending(), 'ECONNREFUSED')
    for (const client of clients) assert.equal(await client.exchange('still'), 'still')
    for (const client of clients) await client.close()
    assert.deepEqual(await relay.ended(), { code: 0, signal: null })
    await relay.logged(/Terminating, no longer needed\./)
  })
}
