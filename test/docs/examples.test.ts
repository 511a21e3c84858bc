import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadConfiguration } from '../../src/config/load.js'
import { renderProblems } from '../../src/config/problem-text.js'
import type { PathKind, Sources } from '../../src/config/sources.js'
import { hasErrors } from '../../src/plan/check/check.js'
import { routeTestProblems } from '../../src/plan/check/route-tests.js'
import { fileSources } from '../../src/plan/load/file-sources.js'
import { systemNames } from '../../src/plan/load/system-names.js'
import { fileOfProject } from '../harness/program.js'
import { examplesOf, PAGES } from './pages.js'

/** Environment that systemd gives a service with `LoadCredential=` and `LogsDirectory=`. */
const ENVIRONMENT = new Map([
  ['CREDENTIALS_DIRECTORY', '/run/credentials/tcprelay.service'],
  ['LOGS_DIRECTORY', '/var/log/tcprelay'],
])

const PROGRAM: PathKind = { type: 'file', unreadable: undefined, isExecutable: true }
const KEY: PathKind = { type: 'file', unreadable: undefined, isExecutable: false }

/** A file of access rules. */
const RULES = '/etc/tcprelay/blocked'

/** Pretends that programs and keys of the examples exist. */
function kind(path: string): PathKind {
  if (path.startsWith('/usr/local/')) return PROGRAM
  if (path.startsWith('/etc/tcprelay/')) return KEY
  if (path === '/var/log/tcprelay' || path === '/var/lib/tcprelay')
    return { type: 'directory', unreadable: undefined, isExecutable: true }
  if (path.startsWith('/etc/letsencrypt/') || path.startsWith('/run/credentials/')) return KEY
  return fileSources.kind(path)
}

function load(text: string): { readonly messages: string } {
  const file = 'my.cfg'
  const bytes = new TextEncoder().encode(text)
  const sources: Sources = {
    ...fileSources,
    kind,
    read: (path) => {
      if (path === file) return { ok: true, bytes }
      return path === RULES ? { ok: true, bytes: new Uint8Array(0) } : fileSources.read(path)
    },
  }
  const ids = { masterId: 'spawnd', childId: 'tcprelay' }
  const configuration = loadConfiguration({
    file,
    environment: ENVIRONMENT,
    isInetd: false,
    sources,
    names: systemNames(),
    ...ids,
  })
  const { problems } = configuration
  const ofTests = hasErrors(problems) ? [] : routeTestProblems(configuration)
  return { messages: renderProblems([...problems, ...ofTests], sources) }
}

const examples = PAGES.flatMap(examplesOf)
const configurations = examples.filter(({ text }) => text.includes('id = tcprelay {'))

test('the pages have example configurations', () => {
  assert.ok(configurations.length >= 2)
})

const FOLDER = 'examples'
const fileNames = readdirSync(fileOfProject(FOLDER))

for (const name of fileNames) {
  const text = readFileSync(fileOfProject(`${FOLDER}/${name}`), 'utf8')

  test(`${FOLDER}/${name} has no errors, and a comment of two to six lines first`, () => {
    assert.match(text, /^(?:# \S.*\n){2,6}(?:geo file = .*\n)?id = spawnd \{\n/)
    const { messages } = load(text)
    // Names of example.com cannot be resolved.
    assert.doesNotMatch(messages, /my\.cfg:\d+:\d+: (?!warning: cannot resolve '[a-z]+\.example\.com')/)
  })
}

test('docs/howto.md links every example', () => {
  const howto = readFileSync(fileOfProject('docs/howto.md'), 'utf8')
  const unlinked = fileNames.filter((name) => !howto.includes(`](../${FOLDER}/${name})`))
  assert.deepEqual(unlinked, [])
})

for (const { page, text } of configurations) {
  test(`${page}: the configuration that begins '${text.split('\n')[0]}' has no errors`, () => {
    assert.equal(load(text).messages, '')
  })
}

const fragments = examples.filter(({ page, text }) => page === 'docs/mavis.md' && text.startsWith('mavis '))

test('the page about MAVIS has example directives', () => {
  assert.ok(fragments.length >= 4)
})

for (const { page, text } of fragments) {
  test(`${page}: the directives that end '${text.trimEnd().split('\n').at(-1)}' have no errors`, () => {
    const remote = 'remote = { address = 192.0.2.10 port = 22 }'
    const whole = `id = spawnd { listen = { port = 2222 } }\nid = tcprelay {\n${remote}\n${text}}\n`
    assert.equal(load(whole).messages, '')
  })
}

test('README.md shows an error as the program does', () => {
  const shown = examples.find(({ text }) => text.startsWith('my.cfg:'))?.text
  const right = configurations.find(({ page }) => page === 'README.md')?.text ?? ''
  const wrong = right.replace('idle timeout = 1h', 'idle timeout = 1hour')
  assert.equal(shown, load(wrong).messages)
})
