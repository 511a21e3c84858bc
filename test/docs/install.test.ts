import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { freePorts } from '../harness/free-ports.js'
import { needs } from '../harness/needs.js'
import { TCPRELAY } from '../harness/program.js'
import { examplesOf } from './pages.js'

const examples = examplesOf('docs/install.md')

const units = examples.filter(({ language, text }) => language === 'ini' && text.includes('[Service]'))

test('the page has two services', () => {
  assert.equal(units.length, 2)
})

for (const [i, { text }] of units.entries()) {
  test(`systemd accepts service ${i + 1} of the page`, (t) => {
    if (!needs(t, 'systemd-analyze')) return
    const file = `${temporaryFolder(t)}/tcprelay.service`
    // It checks that the programs exist; their content does not matter.
    writeFileSync(file, text.replaceAll('/usr/bin/tcprelay', '/bin/true'))
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
    assert.equal(status, 0, stdout + stderr)
    assert.doesNotMatch(stderr, /tcprelay\.service:/, 'no line of the unit is ignored')
  })
}

test('the init script starts, reloads, restarts and stops the service', async (t) => {
  const folder = temporaryFolder(t)
  const script = writeScript(t, folder, await writeConfiguration(folder))
  const run = (word: string) => spawnSync('sh', [script, word], { encoding: 'utf8' })
  const pidfile = `${folder}/tcprelay.pid`

  assert.equal(run('status').status, 1)
  assert.deepEqual([run('start').status, run('status').stdout], [0, 'running\n'])
  const first = readFileSync(pidfile, 'utf8')
  assert.equal(run('reload').status, 0)
  assert.equal(run('restart').status, 0)
  assert.notEqual(readFileSync(pidfile, 'utf8'), first)
  assert.equal(run('stop').status, 0)
  assert.equal(existsSync(pidfile), false)
  assert.equal(run('nonsense').status, 64)
})

async function writeConfiguration(folder: string): Promise<string> {
  const port = await freePorts(2, '127.0.0.1')
  const file = `${folder}/tcprelay.cfg`
  writeFileSync(
    file,
    `id = spawnd { listen = { address = 127.0.0.1 port = ${port} } single process = yes }
     id = tcprelay { remote = { address = 127.0.0.1 port = ${port + 1} } grace period = 1 }`,
  )
  return file
}

/** The script of the page with paths of this test; whatever it started is ended with the test. */
function writeScript(t: TestContext, folder: string, configuration: string): string {
  const found = examples.find(({ text }) => text.includes('### BEGIN INIT INFO'))
  assert.ok(found, 'the page has an init script')
  const program = `${folder}/tcprelay`
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${TCPRELAY} "$@"\n`)
  chmodSync(program, 0o755)
  const script = `${folder}/init`
  writeFileSync(
    script,
    found.text
      .replace('/usr/bin/tcprelay', program)
      .replace('/etc/tcprelay/tcprelay.cfg', configuration)
      .replace('/run/tcprelay.pid', `${folder}/tcprelay.pid`),
  )
  afterwards(t, async () => void spawnSync('sh', [script, 'stop']))
  return script
}
