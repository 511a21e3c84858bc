import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { agentThat } from '../harness/agent.js'
import { temporaryFolder } from '../harness/clean-up.js'
import { closedPort } from '../harness/closed-port.js'
import { spawning, startMaster } from '../harness/master.js'
import { fileOfProject } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { greets, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

const DAY_MS = 86_400_000
const HOOK = fileOfProject('test/harness/step-clock.cjs')

test('steps of the wall clock by a day change neither verdicts nor sessions', async (t) => {
  const file = join(temporaryFolder(t), 'clock')
  const setAhead = (ms: number) => writeFileSync(file, String(ms))
  setAhead(0)
  const agent = await agentThat(t, 'up')
  const [good, { port, target }] = [await remoteThat(greets('g')).start(t), await closedPort()]
  const health = 'interval = 20ms timeout = 10s rise = 1 fall = 1'
  const plan = relayTo()
    // The clock of the test is a file that both threads read.
    .with('sandbox = no')
    .with(
      'idle timeout = 1h',
      'drain deadline = 1h',
      'access log = stderr',
      `remote = { ${good.directive} name = good health = { type = agent port = ${agent.port} ${health} } }`,
      `remote = { ${target.directive} name = bad health = { type = tcp ${health} } }`,
    )
    .withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan, {
    nodeWords: ['--require', HOOK],
    env: { TEST_CLOCK_FILE: file },
  })
  await master.logged(/remote bad is down/)
  const client = await master.connect()
  assert.equal(await client.read(1), 'g')
  agent.answer = 'drain'
  await master.logged(/remote good drains/)
  agent.answer = 'ready'
  await master.logged(/sets the admin state ready/)
  for (const ahead of [DAY_MS, -DAY_MS]) {
    setAhead(ahead)
    const checked = good.acceptedCount
    const other = await master.connect()
    assert.equal(await other.read(1), 'g', 'the clock is another one for this client')
    assert.equal(good.acceptedCount, checked + 1)
    await other.endWriting()
    await other.close()
    const day = new Date(Date.now() + ahead).toISOString().slice(0, 10)
    await master.logged(new RegExp(`${day}.* end=done$`))
    assert.equal(await client.exchange('still here'), 'still here')
  }
  await remoteThat(greets('b')).start(t, { host: '127.0.0.1', port })
  const [, lasted = ''] = await master.logged(/remote bad is up again \(it was down for (.*)\)/)
  assert.match(lasted, /^\d+ (ms|s|min)/)
  await until('a client of the other remote', async () => {
    const other = await master.connect()
    const remote = await other.read(1)
    await other.close()
    return remote === 'b'
  })
  assert.equal(master.program.stderr.matching(/ is (down|up)/).length, 2)
  assert.equal(await client.exchange('still here'), 'still here')
  await client.close()
})
