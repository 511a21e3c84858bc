import assert from 'node:assert/strict'
import { test } from 'node:test'
import { version } from '../../src/services/version.js'
import { spawning, startMaster } from '../harness/master.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { ACCEPT_WAYS } from '../harness/variants.js'

/** The log lines of a start. */

/** The text of every line but traces, without its time and process. */
const textsOf = (stderr: string) =>
  stderr.split('\n').flatMap((line) => /\]\s\w+: (.*)$/.exec(line)?.[1] ?? [])

for (const accept of ACCEPT_WAYS) {
  test(`a master with three children logs everything once: ${accept}`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).withMaster(spawning([3, 3], [1, 10], `accept = ${accept}`))
    const master = await startMaster(t, plan, { children: 3 })
    const serving = await master.logged(/info: (serving .*)$/)
    const that = accept === 'direct' ? ' that accept' : ''
    const bound = `127.0.0.1:${master.port()}`
    const summary = `${master.file}: 1 listener (${bound}), 1 remote (127.0.0.1:${remote.port}), 3 children${that}, epoll`
    assert.equal(serving[1], `serving ${summary}`)
    assert.deepEqual(textsOf(master.program.stderr.text), [
      `startup (version ${version()})`,
      'epoll event notification mechanism is being used',
      `bind to ${bound} succeeded`,
      `serving ${summary}`,
    ])
    master.signal('SIGHUP')
    const [, inForce] = await master.logged(/ is in force: (.*)$/)
    assert.equal(inForce, summary)
    await master.hasChildren(3)
    assert.equal(
      textsOf(master.program.stderr.text).filter((text) => /startup|mechanism/.test(text)).length,
      2,
    )
  })
}
