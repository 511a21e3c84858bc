import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { childrenOf } from '../harness/proc.js'
import { fileOfProject, Program, TCPRELAY } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { until } from '../harness/until.js'

/** The program is process 1 of a namespace, which ends with it. */
const AS_ONE = ['unshare', '--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child']

const ORPHANS = 3

/** A child that never relays: it leaves orphans behind and stays. */
function childWithOrphans(t: TestContext): { readonly exec: string; readonly ended: string } {
  const folder = temporaryFolder(t)
  const [exec, ended] = [join(folder, 'child'), join(folder, 'ended')]
  const orphan = `( ( while kill -0 $parent 2>/dev/null; do sleep 0.01; done; echo >>${ended} ) & )`
  const script = [
    '#!/bin/sh',
    ...Array.from({ length: ORPHANS }, () => `sh -c 'parent=$$; ${orphan}'`),
    'exec sleep 1000',
  ]
  writeFileSync(exec, `${script.join('\n')}\n`)
  chmodSync(exec, 0o755)
  return { exec, ended }
}

function canBeOne(t: TestContext): boolean {
  const [file = '', ...words] = AS_ONE
  if (spawnSync(file, [...words, 'true']).status === 0) return true
  t.skip('no namespace of processes can be made here')
  return false
}

test('process 1 reaps the orphans that it inherits', async (t) => {
  if (!canBeOne(t)) return
  const { ended, exec } = childWithOrphans(t)
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' }).withMaster(
    `spawn = { instances min = 1 instances max = 1 exec = ${exec} }`,
  )
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, plan.text.replace('single process = yes', ''))
  const program = new Program(t, [process.execPath, TCPRELAY, '-D', file], { under: AS_ONE })
  await program.stderr.reached(/bind to .* succeeded/)
  const [relay = 0] = childrenOf(program.pid).map(Number)
  await until('all orphans to have ended', () => {
    return existsSync(ended) && readFileSync(ended, 'utf8').length === ORPHANS
  })
  await until('nothing but the child to be left', () => childrenOf(relay).length === 1)
  const [child = 0] = childrenOf(relay).map(Number)
  process.kill(child, 'SIGKILL')
  await program.stderr.reached(/terminated abnormally \(signal SIGKILL\)/)
  process.kill(relay, 'SIGTERM')
  assert.deepEqual(await program.ended(), { code: 0, signal: null })
})

test('SIGTERM ends process 1 before it has read its configuration', async (t) => {
  if (!canBeOne(t)) return
  const hook = fileOfProject('test/harness/signal-early.cjs')
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' })
  const command = [process.execPath, '--require', hook, TCPRELAY, '-D', plan.file(t)]
  const program = new Program(t, command, { under: AS_ONE, env: { TEST_EARLY_SIGNAL: 'SIGTERM' } })
  assert.ok([0, 143].includes((await program.ended()).code ?? -1))
})
