import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spawning, startMaster } from '../harness/master.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

/** The master looks for idle children every 8 seconds; how soon a child ends is up to the machine. */
const SHRINK_MAX_MS = 18_000

test('idle children above the minimum end, and new ones start again', { timeout: 40_000 }, async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(spawning([1, 3], [1, 4])))
  const crowd = await Promise.all([1, 2, 3].map(() => master.connect()))
  await master.holds(1, 1, 1)
  const [kept] = crowd.splice(0, 1)
  for (const client of crowd) await client.close()
  await master.hasChildren(1, SHRINK_MAX_MS)
  await master.logged(/child \(pid \d+\) terminated normally/, 2)
  assert.equal(await kept?.exchange('still here'), 'still here')
  assert.equal(await (await master.connect()).exchange('x'), 'x')
  await master.holds(1, 1)
})
