import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { needs } from '../harness/needs.js'
import { fileOfProject } from '../harness/program.js'
import { prepareVm, runInVm } from './vm.js'

/** A guest takes some 20 seconds of a processor; a machine that is busy with other tests needs more time. */
const DEADLINE_MS = 300_000

/** Factor for timeouts in the guest: a process takes seconds to start there. */
const SLOWNESS = 4

/** A test as the guest reports it; subtests are indented. */
const CASE = /^ *(not ok|ok) \d+ - (.*)$/gm

/** Runs a file of tests in a guest; each of its tests is a subtest here. */
export function testInGuest(name: string, file: string): void {
  test(name, async (t) => {
    if (!needs(t, 'python3')) return
    const reason = prepareVm()
    if (reason !== undefined) {
      if (process.env.TCPRELAY_REQUIRE_PEERS) throw new Error(reason)
      t.skip(reason)
      return
    }
    const words = [
      `PATH='${dirname(pythonFile())}':"$PATH"`,
      `TCPRELAY_TEST_SLOWNESS=${SLOWNESS}`,
      `'${process.execPath}' --test-reporter=tap '${fileOfProject(`dist/test/vm/${file}.js`)}'`,
    ]
    const run = await runInVm(words.join(' '), DEADLINE_MS)
    const all = `${run.output}\n${run.console}`
    const cases = [...run.output.matchAll(CASE)]
    for (const [, outcome, name = ''] of cases) {
      await t.test(name, () => assert.equal(outcome, 'ok', run.output))
    }
    assert.equal(run.status, 0, all)
    assert.ok(cases.length > 0, all)
  })
}

/** Python itself: `python3` may be a script that starts it, with processes of its own. */
function pythonFile(): string {
  return spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim()
}
