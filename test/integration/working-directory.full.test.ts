import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { MODES } from '../harness/modes.js'
import { childrenOf } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

for (const { name, start, textOf } of MODES) {
  test(`${name}: a removed working directory stops neither reloads nor new children`, async (t) => {
    const folder = temporaryFolder(t)
    const plan = relayTo(await remoteThat(echoes).start(t)).running({
      under: ['sh', '-c', 'cd "$0" && exec "$@"', folder],
    })
    const running = await start(t, plan)
    rmSync(folder, { recursive: true })
    const [child] = childrenOf(running.pid)
    if (child !== undefined) {
      process.kill(Number(child), 'SIGKILL')
      await until('its successor', () => {
        const [successor] = childrenOf(running.pid)
        return successor !== undefined && successor !== child
      })
    }
    await reload(running, textOf(plan))
    const client = await Client.connect(t, { port: running.port() })
    assert.equal(await client.exchange('on it goes'), 'on it goes')
    await client.close()
    await running.logged(/the working directory .* was removed: relative paths now start at \/$/)
    assert.doesNotMatch(running.program.stderr.text, /uv_cwd|terminated abnormally \(exit/)
  })
}

test('a new directory of the same name is used', async (t) => {
  const folder = temporaryFolder(t)
  const plan = relayTo(await remoteThat(echoes).start(t)).running({
    under: ['sh', '-c', 'cd "$0" && exec "$@"', folder],
  })
  const relay = await plan.start(t)
  rmSync(folder, { recursive: true })
  mkdirSync(folder)
  await reload(relay, plan.text)
  await relay.logged(new RegExp(`relative paths now start at ${folder}$`))
})
