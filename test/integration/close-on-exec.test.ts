import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../harness/client.js'
import { MODES } from '../harness/modes.js'
import { childrenOf, passedOnBy } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

/** More than the descriptors that Node itself marks close-on-exec. */
const LISTENERS = Array.from({ length: 20 }, () => 'address = 127.0.0.1 port = 0')

/** Descriptors that every program gets for itself. */
const isStandard = (descriptor: string) => /^[012] /.test(descriptor)

for (const mode of MODES) {
  test(`a program that a relay starts inherits no descriptor: ${mode.name}`, async (t) => {
    // The parent of the test may leave it some, which the relay inherits.
    const inherited = passedOnBy('self')
    const remote = await remoteThat(echoes).start(t)
    const running = await mode.start(t, relayTo(remote).listeningOn(...LISTENERS))
    const client = await Client.connect(t, { port: running.port() })
    assert.equal(await client.exchange('x'), 'x')
    for (const pid of [running.pid, ...childrenOf(running.pid).map(Number)]) {
      const passedOn = passedOnBy(pid).filter((fd) => !isStandard(fd) && !inherited.includes(fd))
      assert.deepEqual(passedOn, [], `of process ${pid}, master ${running.pid}`)
    }
    await client.close()
  })
}
