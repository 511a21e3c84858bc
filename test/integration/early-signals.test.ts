import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fileOfProject, Program, TCPRELAY } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

const HOOK = ['--require', fileOfProject('test/harness/signal-early.cjs')]

test('SIGHUP before the program is loaded makes it read its configuration again after the start', async (t) => {
  const program = await startWith(t, 'SIGHUP')
  await program.stderr.reached(/the new configuration is in force/)
  program.signal('SIGTERM')
  assert.deepEqual(await program.ended(), { code: 0, signal: null })
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} before the program is loaded ends it`, async (t) => {
    const program = await startWith(t, signal)
    assert.ok([0, null].includes((await program.ended()).code))
  })
}

async function startWith(t: TestContext, signal: NodeJS.Signals): Promise<Program> {
  const plan = relayTo(await remoteThat(echoes).start(t))
  const command = [process.execPath, ...HOOK, TCPRELAY, '-D', plan.file(t)]
  return new Program(t, command, { env: { TEST_EARLY_SIGNAL: signal } })
}
