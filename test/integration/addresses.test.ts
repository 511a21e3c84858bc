/** Names with several addresses, of which some do not answer. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { MODES } from '../harness/modes.js'
import { Names } from '../harness/names.js'
import { rawPeers } from '../harness/peers.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { remoteThat, says } from '../harness/remote.js'
import { takes } from '../harness/takes.js'
import { until } from '../harness/until.js'

const ALIVE = '127.0.0.1'
const REFUSING = '127.0.0.2'
const SILENT = ['127.0.0.3', '127.0.0.4', '127.0.0.5']

/** A relay to a name with these addresses, each of which answers, refuses or is silent on the port; undefined: not possible here. */
async function planFor(t: TestContext, ...addresses: readonly string[]): Promise<RelayPlan | undefined> {
  const peers = rawPeers(t)
  if (!peers) return undefined
  const { port } = await remoteThat(says('here')).start(t, { host: ALIVE, port: 0 })
  for (const host of SILENT.filter((host) => addresses.includes(host))) await peers.blackhole({ host, port })
  const names = new Names(t, { addresses, afterMs: 0 })
  return relayTo({ directive: `address = remote.test port = ${port}` })
    .with('access log = stderr')
    .running({ env: names.environment })
}

for (const mode of MODES) {
  test(`${mode.name}: an address that does not answer costs the first client 250 ms`, async (t) => {
    const plan = await planFor(t, '127.0.0.3', ALIVE)
    if (!plan) return
    const running = await mode.start(t, plan)
    const ask = async () => {
      const client = await Client.connect(t, { port: running.port() })
      assert.equal(await client.readToEnd(), 'here')
      await client.close()
    }
    await takes({ minMs: 240, maxMs: 2_000 }, async () => {
      const startedMs = performance.now()
      await ask()
      return performance.now() - startedMs
    })
    for (let i = 0; i < 3; i++) await ask()
    await running.logged(/ end=done/, 4)
    assert.deepEqual(running.program.stderr.matching(/ attempts=|is down/), [])
  })
}

test('an address that refuses delays nobody, and is in the access log', async (t) => {
  const plan = await planFor(t, REFUSING, ALIVE)
  if (!plan) return
  const running = await plan.start(t)
  const client = await running.connect()
  assert.equal(await client.readToEnd(), 'here')
  await client.close()
  await running.logged(/ attempts=remote\.test:\d+:refused .* end=done/)
  assert.deepEqual(running.program.stderr.matching(/is down/), [])
})

test('a client that leaves during the race, and the end of the process, leave nothing open', async (t) => {
  const plan = await planFor(t, ...SILENT)
  if (!plan) return
  const running = await plan.start(t)
  const client = await running.connect()
  const other = await running.connect()
  await until('three attempts of each client', () => running.socketCount === 8)
  client.reset()
  await running.logged(/ end=client-left/)
  await until('those of the other client', () => running.socketCount === 4)
  running.signal('SIGTERM')
  await running.logged(/exiting/)
  running.signal('SIGTERM')
  assert.equal(await other.ending(), 'ECONNRESET')
  await running.logged(/ end=shutdown/)
  assert.equal((await running.ended()).code, 0)
})
