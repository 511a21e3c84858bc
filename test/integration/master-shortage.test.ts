import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import type { Client } from '../harness/client.js'
import { masterText, spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { fileOfProject, tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

const EXIT_OS = 71
const CANNOT_CREATE = 73
const EXIT_CONFIG = 78

/** A remote that no client reaches. */
const NOWHERE = { directive: 'address = 127.0.0.1 port = 9' }

const PROCESSES = ['yes', 'no'] as const

function fileWith(t: TestContext, singleProcess: 'yes' | 'no', more = spawning([1, 2])): string {
  const plan = relayTo(NOWHERE).withMaster(more)
  const file = join(temporaryFolder(t), 'some.cfg')
  writeFileSync(file, singleProcess === 'yes' ? plan.text : masterText(plan))
  return file
}

for (const singleProcess of PROCESSES) {
  for (const limit of [30, 62]) {
    test(`${limit} descriptors are refused with one sentence: single process = ${singleProcess}`, async (t) => {
      if (!needs(t, 'prlimit')) return
      const under = ['prlimit', `--nofile=${limit}`]
      const { code, stderr } = await tcprelay(t, ['-D', fileWith(t, singleProcess)], { under })
      assert.equal(code, EXIT_OS, stderr)
      assert.match(stderr, /cannot start: the limit of open files is .*, at least 64 are required/)
      assert.doesNotMatch(stderr, /^ +at /m)
    })
  }

  test(`a pidfile on a full disk ends the start, and none is left: single process = ${singleProcess}`, async (t) => {
    const under = underFullDisk(t)
    if (under === undefined) return
    const { code, stderr, stdout } = await tcprelay(
      t,
      ['-D', '-p', '/mnt/pidfile', fileWith(t, singleProcess)],
      { under },
    )
    assert.equal(code, CANNOT_CREATE, stderr)
    assert.match(stderr, /cannot write the pidfile: ENOSPC/)
    assert.equal(stdout, 'left: filler\n')
  })
}

test('users max above the descriptor limit is reported; excess clients wait and all are served', async (t) => {
  if (!needs(t, 'prlimit')) return
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).withMaster(spawning([1, 2], [500, 1_000]))
  const master = await startMaster(t, plan, { under: ['prlimit', '--nofile=110'] })
  await master.logged(
    /users max = 1000 requires more open files than the limit allows: a child can serve about \d+/,
  )
  const clients = await Promise.all(Array.from({ length: 70 }, () => master.connect()))
  await Promise.all(clients.map((client, i) => client.send(`client ${i}`)))
  await master.logged(/queueing new connections/)
  await Promise.all(clients.map((client, i) => servedThenGone(client, `client ${i}`)))
  await master.logged(/resuming normal operation/)
  assert.doesNotMatch(master.program.stderr.text, /client was lost|cannot accept|cannot reach|is down/)
})

for (const { name, harm, reason } of [
  { name: 'missing', harm: rmSync, reason: /no such file or directory/ },
  { name: 'not executable', harm: forbid, reason: /is not executable/ },
]) {
  test(`a master does not start if the program of its children is ${name}`, async (t) => {
    const exec = ownProgram(t)
    harm(exec)
    const { code, stderr } = await tcprelay(t, ['-D', fileWith(t, 'no', `spawn = { exec = ${exec} }`)])
    assert.equal(code, EXIT_CONFIG)
    assert.match(stderr, reason)
  })

  test(`clients wait until a program that became ${name} is back`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const exec = ownProgram(t)
    const spawn = spawning([1, 1], [5, 5], `exec = ${exec}`, 'id = tcprelay')
    const master = await startMaster(t, relayTo(remote).withMaster(spawn))
    const [child = 0] = master.children()
    harm(exec)
    process.kill(child, 'SIGKILL')
    await master.logged(/child \(pid -\) could not be started: .*(ENOENT|EACCES)/)
    await master.logged(/children die at start: the next one in \d+ s/)
    const waiting = await master.connect()
    await waiting.send('patience')
    writeProgram(exec)
    assert.equal(await waiting.read(8), 'patience')
    await waiting.close()
  })
}

async function servedThenGone(client: Client, text: string): Promise<void> {
  assert.equal(await client.read(text.length), text)
  await client.endWriting()
  assert.equal(await client.readToEnd(), '')
  await client.close()
}

/** This program as a foreign child. */
function ownProgram(t: TestContext): string {
  const exec = join(temporaryFolder(t), 'child')
  writeProgram(exec)
  return exec
}

function writeProgram(path: string): void {
  const command = `exec '${process.execPath}' '${fileOfProject('bin/tcprelay.js')}' "$@"`
  writeFileSync(path, `#!/bin/sh\n${command}\n`)
  chmodSync(path, 0o755)
}

function forbid(path: string): void {
  chmodSync(path, 0o644)
}

/** A full disk at /mnt of the program alone; its files are listed afterwards. */
const FULL_DISK = `
  mount -t tmpfs -o size=4k tmpfs /mnt && head -c 4096 /dev/zero >/mnt/filler || exit 99
  "$@"
  code=$?
  echo left: $(ls /mnt)
  exit $code`

function underFullDisk(t: TestContext): readonly string[] | undefined {
  if (!needs(t, 'unshare')) return undefined
  for (const namespaces of ['-m', '-rm']) {
    const under = ['unshare', namespaces, 'sh', '-c', FULL_DISK, 'sh']
    const [file = '', ...words] = under
    if (spawnSync(file, [...words, 'true']).status === 0) return under
  }
  t.skip('no file system can be mounted here')
  return undefined
}
