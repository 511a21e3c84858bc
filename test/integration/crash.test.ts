import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isAlive } from '../harness/proc.js'
import { fileOfProject, Program } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { takes } from '../harness/takes.js'
import { variants } from '../harness/variants.js'

const EXIT_SOFTWARE = 70

/** A crashed process must not linger: its successor needs the addresses. */
const LEAVES_MAX_MS = 2_000

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

/** How long the process is there after it threw. */
async function crash(t: TestContext, where: string): Promise<number> {
  const program = await startCrashing(t, where)
  await program.stdout.reached(/^about to throw/)
  const thrownMs = performance.now()
  const exit = await program.ended()
  const leftMs = performance.now()
  assert.deepEqual(exit, { code: EXIT_SOFTWARE, signal: null })
  assert.match(program.stderr.text, /(control thread|reactor): (Error: provoked by a test|TypeError: )/)
  assert.equal(isAlive(program.pid), false)
  return leftMs - thrownMs
}

for (const where of variants(['control', 'reactor'], ['rejection'])) {
  test(`an exception ends the process with exit code 70 within two seconds: ${where}`, (t) =>
    takes({ maxMs: LEAVES_MAX_MS }, () => crash(t, where)))
}
