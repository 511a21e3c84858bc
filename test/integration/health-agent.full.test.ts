import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentThat } from '../harness/agent.js'
import { Client } from '../harness/client.js'
import { MODES } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'

for (const mode of MODES) {
  test(`${mode.name}: an agent sets weight and admin state of its remote, also over a reload`, async (t) => {
    const agent = await agentThat(t, 'up')
    const [advised, other] = await Promise.all(
      ['advised', 'other'].map((name) => remoteThat(says(name)).start(t)),
    )
    if (advised === undefined || other === undefined) throw new Error('no remotes')
    const health = `health { type = agent port = ${agent.port} interval = 20ms timeout = 10s fall = 1 rise = 1 }`
    const plan = relayTo().with(
      'balance = round-robin',
      `remote = { name = advised ${advised.directive} ${health} }`,
      `remote = { name = other ${other.directive} }`,
    )
    const running = await mode.start(t, plan)
    const ask = async () => {
      const client = await Client.connect(t, { port: running.port() })
      const answer = await client.readToEnd()
      await client.close()
      return answer
    }
    /** The remotes of the next four clients, sorted. */
    const four = async () => [await ask(), await ask(), await ask(), await ask()].sort().join()
    const only = 'other,other,other,other'
    const both = 'advised,advised,other,other'
    assert.equal(await four(), both)
    agent.answer = 'drain'
    await running.logged(/remote advised: its agent sets the admin state drain/)
    await until('no client for the drained remote', async () => (await four()) === only)
    await reload(running, mode.textOf(plan.with('idle timeout = 1h')))
    assert.equal(await four(), only)
    agent.answer = 'ready 0%'
    await running.logged(/sets 0 % of its weight and the admin state ready/)
    assert.equal(await four(), only)
    agent.answer = '100% down # for work'
    await running.logged(/remote advised is down: health check: the agent says "100% down # for work"/)
    assert.equal(await four(), only)
    agent.answer = 'up'
    await running.logged(/remote advised is up again/)
    await until('clients for both', async () => (await four()) === both)
    assert.equal(running.program.stderr.matching(/its agent sets/).length, 3)
  })
}
