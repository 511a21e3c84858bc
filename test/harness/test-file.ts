import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileOfProject } from './program.js'
import { ALL_VARIANTS } from './variants.js'

/** Far longer than any of the files takes on a busy machine. */
const FILE_MAX_MS = 600_000

/** A file with more output is ended in the middle of a test, and leaves processes behind. */
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024

/** Repeats a file of test/integration, of the normal or of the long run, with other variables: the tests with such names only. */
export function runTestFile(name: string, env: Readonly<Record<string, string>>, only?: RegExp): void {
  const places = ['test', 'full.test'].map((kind) =>
    fileOfProject(`dist/test/integration/${name}.${kind}.js`),
  )
  const file = places.find((place) => existsSync(place))
  assert.ok(file !== undefined, `no file of tests is called ${name}`)
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
