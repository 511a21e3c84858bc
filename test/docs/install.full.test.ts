import assert from 'node:assert/strict'
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { runNpm } from '../harness/npm.js'
import { fileOfProject } from '../harness/program.js'

const ROOT = fileOfProject('.')

test('a global installation of the packed program checks a configuration', (t) => {
  const folder = temporaryFolder(t)
  npm('pack', '--ignore-scripts', '--pack-destination', folder, ROOT)
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  assert.ok(archive)
  npm(
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

function npm(...words: readonly string[]): void {
  succeeded(`npm ${words.join(' ')}`, runNpm(words, { cwd: ROOT }))
}

function run(command: string, ...words: readonly string[]): SpawnSyncReturns<string> {
  return succeeded(
    `${command} ${words.join(' ')}`,
    spawnSync(command, words, { encoding: 'utf8', cwd: ROOT }),
  )
}

function succeeded(line: string, result: SpawnSyncReturns<string>): SpawnSyncReturns<string> {
  assert.equal(result.status, 0, `${line}\n${result.stdout}${result.stderr}`)
  return result
}
