// Runs the built tests with Node's runner. `--full` adds the long matrix, a name fragment selects files.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const args = process.argv.slice(2)
const isFull = args.includes('--full')
const wanted = args.filter((arg) => !arg.startsWith('--'))

const files = ['dist/src', 'dist/test']
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`))
  .filter((name) => name.endsWith('.test.js') && (isFull || !name.endsWith('.full.test.js')))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort()
if (files.length === 0) {
  console.error('no test file matches')
  process.exit(1)
}

/** Files that start programs have the machine for themselves: each other's load would make their time limits longer. */
function isAlone(name) {
  return name.startsWith('dist/test/integration/') || name.startsWith('dist/test/bench/')
}

function run(names, atATime) {
  if (names.length === 0) return true
  const { status } = spawnSync(
    process.execPath,
    ['--test', `--test-concurrency=${atATime}`, '--test-reporter=spec', ...names],
    { stdio: 'inherit', env: { ...process.env, TCPRELAY_TESTS: isFull ? 'full' : 'normal' } },
  )
  return status === 0
}

const results = [
  run(
    files.filter((name) => !isAlone(name)),
    2,
  ),
  run(files.filter(isAlone), 1),
]
process.exit(results.includes(false) ? 1 : 0)
