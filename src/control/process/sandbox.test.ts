import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fakeSandbox } from '../../../test/support/fake-sandbox.js'
import type { ProbePlan, ProbeResults } from '../../../test/support/sandbox-probe.js'
import { AF_INET } from '../../kernel/constants.js'
import { linuxSandbox } from '../../kernel/sandbox-calls.js'
import { enterSandbox, sandboxLacks, usesLandlock } from './sandbox.js'

const PROBE = fileURLToPath(new URL('../../../test/support/sandbox-probe.js', import.meta.url))
const ENOSYS = 38
const EOPNOTSUPP = 95

const kernel = linuxSandbox()
const skip =
  kernel.filterSupport() < 0 || kernel.landlockVersion() < 0 ? 'this kernel lacks seccomp or Landlock' : false
const folder = mkdtempSync(join(tmpdir(), 'tcprelay-sandbox-'))
process.on('exit', () => rmSync(folder, { recursive: true }))
const file = join(folder, 'existing')
writeFileSync(file, 'text')

function probe(plan: Omit<ProbePlan, 'file' | 'created'>, created = join(folder, 'created')): ProbeResults {
  const words = [PROBE, JSON.stringify({ ...plan, file, created } satisfies ProbePlan)]
  const { stderr, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  assert.ok(stdout.startsWith('{'), stderr)
  return JSON.parse(stdout) as ProbeResults
}

const CHILD = { families: [AF_INET], writable: undefined }

const REFUSED_CALLS = {
  'start a program': 'EPERM',
  ptrace: 'EPERM',
  'read memory of another process': 'EPERM',
  'signal another process': 'EPERM',
  'signal itself': 'ok',
  mount: 'EPERM',
  bpf: 'EPERM',
  kexec: 'EPERM',
  unshare: 'EPERM',
  'an unlisted call': 'ENOSYS',
  'socket: IPv4': 'ok',
  'socket: IPv6': 'EPERM',
  'socket: raw': 'EPERM',
  'socket: Unix stream': 'EPERM',
  'socket: Unix datagram': 'ok',
  'socket: netlink': 'EPERM',
  'socket: packet': 'EPERM',
}

test('a child opens no file, starts no program, reaches no process, and has no other sockets', {
  skip,
}, () => {
  assert.deepEqual(probe({ needs: { ...CHILD, mode: 'yes' } }), {
    'open for reading': 'EPERM',
    'open for writing': 'EPERM',
    create: 'EPERM',
    unlink: 'EPERM',
    ...REFUSED_CALLS,
    'open in an earlier thread': 'EPERM',
  })
})

test('Landlock alone takes all files from a child', { skip }, () => {
  const results = probe({ needs: { ...CHILD, mode: 'yes' }, only: 'landlock' })
  const { create, ptrace } = results
  assert.equal(results['open for reading'], 'EACCES')
  assert.equal(results['open for writing'], 'EACCES')
  assert.equal(create, 'EACCES')
  assert.equal(results['start a program'], 'EACCES')
  assert.equal(ptrace, 'EPERM')
  assert.equal(results['socket: IPv6'], 'ok')
})

test('with files, only the given folders are writable', { skip }, () => {
  const other = mkdtempSync(join(tmpdir(), 'tcprelay-sandbox-'))
  const writable = { folders: [other], files: ['/dev/null'] }
  const needs = { families: [AF_INET], writable, mode: 'yes' } as const
  try {
    const inside = probe({ needs }, join(other, 'created'))
    assert.deepEqual(inside, {
      'open for reading': 'ok',
      'open for writing': 'EACCES',
      create: 'ok',
      unlink: 'ok',
      ...REFUSED_CALLS,
      'open in an earlier thread': 'ok',
    })
    assert.equal(probe({ needs }).create, 'EACCES')
  } finally {
    rmSync(other, { recursive: true })
  }
})

test('`log` permits everything that the process may do without a sandbox', { skip }, () => {
  const results = probe({ needs: { ...CHILD, mode: 'log' } })
  const without = probe({ needs: { ...CHILD, mode: 'no' } })
  assert.deepEqual(results, without)
  assert.equal(without['open for writing'], 'ok')
  assert.equal(without['start a program'], 'ok')
})

test('without Landlock the filter alone protects files', { skip }, () => {
  const results = probe({ needs: { ...CHILD, mode: 'yes' }, only: 'filter' })
  assert.equal(results['open for reading'], 'EPERM')
  assert.equal(results['open in an earlier thread'], 'EPERM')
})

const YES = { ...CHILD, mode: 'yes' } as const

test('reports what the kernel lacks, and uses the rest', () => {
  const { asked, calls } = fakeSandbox({ landlockVersion: () => -EOPNOTSUPP })
  assert.equal(enterSandbox(calls, YES), undefined)
  assert.deepEqual(asked, ['no_new_privs', 'seccomp'])
  assert.deepEqual(sandboxLacks(calls, 'yes'), [
    'sandbox: the kernel has no Landlock, so only the filter of system calls restricts access to files: operation not supported',
  ])
  assert.equal(usesLandlock(calls, 'yes'), false)
  assert.deepEqual(sandboxLacks(calls, 'log'), [])
  const old = fakeSandbox({ landlockVersion: () => -ENOSYS, filterSupport: () => -ENOSYS })
  assert.equal(sandboxLacks(old.calls, 'yes').length, 2)
  assert.deepEqual(sandboxLacks(old.calls, 'no'), [])
})

test('`log` enters no Landlock domain, `no` changes nothing', () => {
  const { asked, calls } = fakeSandbox({})
  assert.equal(enterSandbox(calls, { ...CHILD, mode: 'log' }), undefined)
  assert.deepEqual(asked, ['no_new_privs', 'seccomp'])
  const none = fakeSandbox({})
  assert.equal(enterSandbox(none.calls, { ...CHILD, mode: 'no' }), undefined)
  assert.deepEqual(none.asked, [])
})

test('a step that fails is an error, and ends the entering', () => {
  const { asked, calls } = fakeSandbox({ restrictFiles: () => -7 })
  assert.equal(
    enterSandbox(calls, YES),
    "cannot enter the sandbox: Landlock: error 7; 'sandbox = no' disables it",
  )
  assert.deepEqual(asked, ['no_new_privs'])
  assert.match(
    enterSandbox(fakeSandbox({ filterCalls: () => 4711 }).calls, YES) ?? '',
    /seccomp: thread 4711 has another filter/,
  )
})
