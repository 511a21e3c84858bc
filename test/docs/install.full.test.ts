import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { fileOfProject } from '../harness/program.js'

test('a global installation of the packed program checks a configuration', (t) => {
  const folder = temporaryFolder(t)
  run('npm', 'pack', '--ignore-scripts', '--pack-destination', folder, fileOfProject('.'))
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  assert.ok(archive)
  run(
    'npm',
    'install',
    '-g',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--prefix',
    folder,
    `${folder}/${archive}`,
  )
  assert.match(run(`${folder}/bin/tcprelay`, '-v').stderr, /^tcprelay version /)
  const file = `${folder}/my.cfg`
  writeFileSync(
    file,
    'id = spawnd { listen = { port = 2222 } } id = tcprelay { remote = { address = 192.0.2.1 port = 22 } }',
  )
  assert.equal(run(`${folder}/bin/tcprelay`, '-P', file).stderr, '')
  assert.equal(run(`${folder}/bin/spawnd`, '-P', file).stderr, '')
})

function run(command: string, ...words: readonly string[]) {
  const result = spawnSync(command, words, { encoding: 'utf8', cwd: fileOfProject('.') })
  assert.equal(result.status, 0, `${command} ${words.join(' ')}\n${result.stdout}${result.stderr}`)
  return result
}
