import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileOfProject } from './program.js'
import { ALL_VARIANTS } from './variants.js'

/** Far longer than any of the files takes on a busy machine. */
const FILE_MAX_MS = 600_000

/** A file with more output is ended in the middle of a test, and leaves processes behind. */
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024

/** Runs a file of test/integration once more, with other variables, and only the tests with such names. */
export function runTestFile(name: string, env: Readonly<Record<string, string>>, only?: RegExp): void {
  const file = fileOfProject(`dist/test/integration/${name}.test.js`)
  const words = only === undefined ? [file] : [`--test-name-pattern=${only.source}`, file]
  const { status, stdout } = spawnSync(process.execPath, ['--test-reporter=tap', ...words], {
    encoding: 'utf8',
    timeout: FILE_MAX_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...ALL_VARIANTS, ...env },
  })
  assert.equal(status, 0, stdout)
  assert.match(stdout, /^# pass [1-9]/m, 'no test has run')
}
