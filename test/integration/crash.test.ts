import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isAlive } from '../harness/proc.js'
import { fileOfProject, Program } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

const EXIT_SOFTWARE = 70

/** The program with one place that throws; `where` is an export of crashing-program. */
async function startCrashing(t: TestContext, where: string): Promise<Program> {
  const remote = await remoteThat(echoes).start(t)
  const file = relayTo(remote).file(t)
  const program = new Program(t, [
    process.execPath,
    fileOfProject('dist/test/harness/crashing-program.js'),
    where,
    '-D',
    file,
  ])
  await program.stderr.reached(/bind to .* succeeded/)
  return program
}

for (const where of ['control', 'rejection', 'reactor']) {
  test(`an exception ends the process with exit code 70: ${where}`, async (t) => {
    const program = await startCrashing(t, where)
    await program.stdout.reached(/^about to throw/)
    const exit = await program.ended()
    assert.deepEqual(exit, { code: EXIT_SOFTWARE, signal: null })
    assert.match(program.stderr.text, /(control thread|reactor): (Error: provoked by a test|TypeError: )/)
    assert.equal(isAlive(program.pid), false)
  })
}
