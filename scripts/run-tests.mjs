// Runs the built tests with Node's runner. `--full` adds the long run, a name fragment selects files, and
// `--without=FRAGMENT` excludes some.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const args = process.argv.slice(2)
const isFull = args.includes('--full')
const wanted = args.filter((arg) => !arg.startsWith('--'))
const unwanted = args.flatMap((arg) => (arg.startsWith('--without=') ? [arg.slice('--without='.length)] : []))

const files = ['dist/src', 'dist/test']
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`))
  .filter((name) => name.endsWith('.test.js') && (isFull || !name.endsWith('.full.test.js')))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .filter((name) => !unwanted.some((part) => name.includes(part)))
  .sort()
if (files.length === 0) {
  console.error('no test file matches')
  process.exit(1)
}

/** Files often wait for programs they started. More at a time, above all the loads of the long run, would slow each other. */
const FILES_AT_A_TIME = isFull ? 3 : 4

/** These take longest: started first, they do not prolong the run. */
const FIRST = ['dist/test/vm/', 'dist/test/simulation/', 'dist/test/integration/variants.full']

process.env.TCPRELAY_TESTS = isFull ? 'full' : 'normal'
// Node 20 parses this bundle at every start: most of what an empty program costs, in thousands of starts. npm is the
// only one that needs it (test/harness/npm.ts).
const { NODE_EXTRA_CA_CERTS } = process.env
if (NODE_EXTRA_CA_CERTS !== undefined) {
  process.env.TCPRELAY_TEST_NPM_CA_CERTS = NODE_EXTRA_CA_CERTS
  delete process.env.NODE_EXTRA_CA_CERTS
}
// `python3` may be a script that looks for Python, which takes longer than its start.
const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' })
if (python.status === 0) process.env.PATH = `${dirname(python.stdout.trim())}:${process.env.PATH}`

/**
 * Most files in these folders take less time than the start of a process: those without hooks, which would be for all of
 * a process, share one. Not those of the long run: they take long, and some measure the memory of their process.
 */
const SHORT = ['config', 'contract', 'tidy'].map((folder) => `dist/test/${folder}/`).concat('dist/src/')
const FILES_PER_PROCESS = 12
/**
 * These take seconds, of which the start of a process with the harness is more than a tenth of one. They share nothing;
 * more of them in a process would make some processes much longer than others.
 */
const INTEGRATION = 'dist/test/integration/'
const INTEGRATION_FILES_PER_PROCESS = 3
const GROUPS_FOLDER = 'dist/test-groups'
/** A hook that only removes a folder disturbs no other file. */
const HAS_HOOKS = /^(after|before)(Each)?\((?!\(\) => rmSync)/m

/** These share a process: each needs the tokens of all sources. */
const TIDY = 'dist/test/tidy/'

/** Writes files that each import some of `names`. */
function groupsOf(names) {
  rmSync(GROUPS_FOLDER, { recursive: true, force: true })
  mkdirSync(GROUPS_FOLDER)
  const tidy = names.filter((name) => name.startsWith(TIDY))
  const integration = names.filter((name) => name.startsWith(INTEGRATION))
  const others = names.filter((name) => !name.startsWith(TIDY) && !name.startsWith(INTEGRATION))
  const groups = [
    tidy,
    ...dealt(others, FILES_PER_PROCESS),
    ...dealt(integration, INTEGRATION_FILES_PER_PROCESS),
  ]
  return groups.filter((members) => members.length > 0).map(writeGroup)
}

/** Groups of every so manyth: neighbours in a folder tend to be alike, also in what they take. */
function dealt(names, size) {
  const count = Math.ceil(names.length / size)
  return Array.from({ length: count }, (_, nth) => names.filter((_, i) => i % count === nth))
}

function writeGroup(members, nth) {
  const group = `${GROUPS_FOLDER}/${nth + 1}.test.js`
  writeFileSync(group, members.map((member) => `import '${relative(GROUPS_FOLDER, member)}'\n`).join(''))
  return group
}

const isGrouped = (name) =>
  !isFull &&
  [...SHORT, INTEGRATION].some((folder) => name.startsWith(folder)) &&
  !HAS_HOOKS.test(readFileSync(name, 'utf8'))
const isFirst = (name) => FIRST.some((beginning) => name.startsWith(beginning))
const first = files.filter(isFirst)
const others = files.filter((name) => !isFirst(name) && !isGrouped(name))
const groups = groupsOf(files.filter(isGrouped))
// Node's command line would sort them by name.
run({ files: [...first, ...groups, ...others].map((name) => resolve(name)), concurrency: FILES_AT_A_TIME })
  .on('test:fail', () => {
    process.exitCode = 1
  })
  .compose(spec)
  .pipe(process.stdout)
