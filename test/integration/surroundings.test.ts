import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { MODES } from '../harness/modes.js'
import { asUser, canBecome } from '../harness/needs.js'
import { childrenOf, descriptorsOf } from '../harness/proc.js'
import { startTcprelay, tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { makeIdentity } from '../support/certificates.js'

/** Faults in the environment of a process at its start. */

const EXIT_USAGE = 64
const EXIT_OS = 71
const JOE = 54_321

const LISTENER = 'address = 127.0.0.1 port = 0'
const TLS = { listener: `${LISTENER} tls = yes`, relay: ['tls cert-file = FOLDER/both.pem'] }
const PLAIN = { listener: LISTENER, relay: [] }

/** Starts a program with an empty folder as /proc. */
const WITHOUT_PROC = [
  'unshare',
  '--map-root-user',
  '--mount',
  'sh',
  '-c',
  'mount -t tmpfs none /proc && exec "$@"',
  'sh',
]

function canHideProc(t: TestContext): boolean {
  const [file = '', ...words] = WITHOUT_PROC
  if (spawnSync(file, [...words, 'true']).status === 0) return true
  t.skip('no mount namespace can be made here')
  return false
}

for (const { name, textOf } of MODES) {
  test(`${name}: without /proc the start fails with the reason`, async (t) => {
    if (!canHideProc(t)) return
    const file = join(temporaryFolder(t), 'relay.cfg')
    writeFileSync(file, textOf(relayTo({ directive: 'address = 127.0.0.1 port = 9' })))
    const { code, stderr } = await tcprelay(t, ['-D', file], { under: WITHOUT_PROC })
    assert.equal(code, EXIT_OS)
    assert.match(stderr, /^tcprelay: cannot start: \/proc is not mounted/m)
  })

  for (const [what, { listener, relay }, top, owner] of [
    ['keys cannot be looked into by its own user', TLS, [], 0],
    ['keys can, where core files are wanted', TLS, ['coredump directory = /tmp'], JOE],
    ['no keys can', PLAIN, [], JOE],
  ] as const) {
    test(`${name}: a process that holds ${what}`, async (t) => {
      if (!canBecome(t, JOE)) return
      const plan = relayTo(await remoteThat(echoes).start(t))
        .listeningOn(listener)
        .with(...relay)
        .withTop(...top)
      const folder = temporaryFolder(t)
      chmodSync(folder, 0o755)
      const { keyPem, pem } = makeIdentity({ name: 'localhost' })
      writeFileSync(join(folder, 'both.pem'), Buffer.concat([pem, keyPem]))
      const file = join(folder, 'relay.cfg')
      writeFileSync(file, textOf(plan).replaceAll('FOLDER', folder))
      const program = startTcprelay(t, ['-D', file], { under: asUser(JOE) })
      const pids = await until('processes that serve', () => {
        const pids = [program.pid, ...childrenOf(program.pid).map(Number)]
        return pids.length === (name === 'a single process' ? 1 : 2) && pids.some(relays) && pids
      })
      // /proc belongs to root for a process that is not dumpable (proc(5), prctl(2)).
      assert.deepEqual(
        pids.map((pid) => statSync(`/proc/${pid}/environ`).uid),
        pids.map(() => owner),
      )
      program.signal('SIGTERM')
      assert.deepEqual(await program.ended(), { code: 0, signal: null })
    })
  }
}

function relays(pid: number): boolean {
  return descriptorsOf(pid).some((name) => name.includes('tcprelay-blocks'))
}

test('an invalid notification socket is ignored', async (t) => {
  const path = `/${'x'.repeat(200)}`
  const plan = relayTo(await remoteThat(echoes).start(t)).running({ env: { NOTIFY_SOCKET: path } })
  const relay = await plan.start(t)
  await relay.logged(
    /warning: ignoring NOTIFY_SOCKET '\/x+': not an absolute path or an abstract name \(@NAME\), or too long$/,
  )
})

test('a process that no master has started refuses to be a child', async (t) => {
  const file = relayTo({ directive: 'address = 127.0.0.1 port = 9' }).file(t)
  const { code, stderr } = await tcprelay(t, ['-D', file], { env: { TCPRELAY_LINK: '1' } })
  assert.equal(code, EXIT_USAGE)
  assert.equal(
    stderr,
    'tcprelay: TCPRELAY_LINK is set, but no master has started this process: take it out of the environment\n',
  )
})
