/** A second remote is dialled beside one that is slow to accept. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../harness/client.js'
import { MODES } from '../harness/modes.js'
import { rawPeers } from '../harness/peers.js'
import { relayTo } from '../harness/relay.js'
import { remoteThat, says } from '../harness/remote.js'

/** So many clients allow five hedges. */
const CLIENTS = 100

for (const mode of MODES) {
  test(`${mode.name}: a remote that does not answer costs a client the time of hedge`, async (t) => {
    const peers = rawPeers(t)
    if (!peers) return
    const [slow, other] = [await remoteThat(says('slow')).start(t), await remoteThat(says('other')).start(t)]
    const plan = relayTo(slow, other).with('hedge = 50ms', 'connect timeout = 60', 'access log = stderr')
    const running = await mode.start(t, plan)
    const ask = async () => {
      const client = await Client.connect(t, { port: running.port() })
      const said = await client.readToEnd()
      await client.close()
      return said
    }
    const heard = new Set<string>()
    for (let i = 0; i < CLIENTS; i++) heard.add(await ask())
    assert.deepEqual([...heard].toSorted(), ['other', 'slow'])
    await slow.stop()
    await peers.blackhole({ port: slow.port })
    for (let i = 0; i < 4; i++) assert.equal(await ask(), 'other')
    await running.logged(/ remote=\S+ attempts=\S+:slow .* end=done/, 2)
    assert.deepEqual(running.program.stderr.matching(/is down/), [])
  })
}
