import assert from 'node:assert/strict'
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { linuxSandbox } from '../../src/kernel/sandbox-calls.js'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { foreignMaster, MAX } from '../harness/foreign-master.js'
import { masterText, spawning, startMaster } from '../harness/master.js'
import { MODES, type Running } from '../harness/modes.js'
import { childrenOf } from '../harness/proc.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

const skip = linuxSandbox().filterSupport() < 0 ? 'this kernel has no filters of system calls' : false

/** `NoNewPrivs` and `Seccomp` of all threads of a process, as one text for each kind of thread. */
function restrictionsOf(pid: number): string[] {
  const texts = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')
    return ['NoNewPrivs', 'Seccomp']
      .map((name) => new RegExp(`^${name}:\\s+(\\d)$`, 'm').exec(status)?.[1])
      .join()
  })
  return [...new Set(texts)]
}

const SANDBOXED = '1,2'
const FREE = ['0,0']

/** A process may be seen before it has entered the sandbox. */
async function isSandboxed(pid: number): Promise<void> {
  await until(`the sandbox of ${pid}`, () => restrictionsOf(pid).join(' ') === SANDBOXED)
}

/** The processes that relay: the children, or the only one. */
function relaying({ pid }: Running): number[] {
  const children = childrenOf(pid).map(Number)
  return children.length > 0 ? children : [pid]
}

async function plan(t: TestContext): Promise<RelayPlan> {
  return relayTo(await remoteThat(echoes).start(t))
}

async function serves(t: TestContext, running: Running): Promise<void> {
  const client = await Client.connect(t, { port: running.port() })
  assert.equal(await client.exchange('x'), 'x')
  await client.close()
}

for (const mode of MODES) {
  test(`all threads of the processes that relay are restricted: ${mode.name}`, { skip }, async (t) => {
    const running = await mode.start(t, await plan(t))
    await serves(t, running)
    for (const pid of relaying(running)) await isSandboxed(pid)
    if (!relaying(running).includes(running.pid)) assert.deepEqual(restrictionsOf(running.pid), FREE)
  })
}

test('`sandbox = no` disables it for new children at a reload, `log` does not', { skip }, async (t) => {
  const given = (await plan(t)).withMaster(spawning([1, 1]))
  const master = await startMaster(t, given.with('sandbox = log'), { children: 1 })
  await isSandboxed(Number(childrenOf(master.pid)[0]))
  await serves(t, master)
  await reload(master, masterText(given.with('sandbox = no')))
  await until('the new child only', () => childrenOf(master.pid).length === 1)
  assert.deepEqual(restrictionsOf(Number(childrenOf(master.pid)[0])), FREE)
})

test('a single process writes logs and state, and reloads in its sandbox', { skip }, async (t) => {
  const [folder, elsewhere] = [temporaryFolder(t), temporaryFolder(t)]
  const file = join(folder, 'access.log')
  const given = (await plan(t)).with(`state file = ${join(folder, 'state')}`)
  const relay = await given.with(`access log = ${file}`).start(t)
  await isSandboxed(relay.pid)
  await serves(t, relay)
  await until('a line', () => readFileSync(file, 'utf8').includes('end=done'))
  renameSync(file, `${file}.1`)
  relay.signal('SIGUSR1')
  await until('a new file', () => readdirSync(folder).includes('access.log'))
  await reload(relay, given.with(`access log = ${join(folder, 'other.log')}`).text)
  if (linuxSandbox().landlockVersion() > 0) {
    const refused = given.with(`access log = ${join(elsewhere, 'access.log')}`).text
    await reload(relay, refused, /cannot write .*: permission denied/)
  }
  relay.signal('SIGTERM')
  await relay.ended()
  assert.deepEqual(readdirSync(folder).sort(), ['access.log', 'access.log.1', 'other.log', 'state'])
})

test('a reload that needs programs asks a sandboxed process for a restart', { skip }, async (t) => {
  const given = await plan(t)
  const relay = await given.start(t)
  await isSandboxed(relay.pid)
  const health = 'health = { type = exec exec = /bin/true }'
  await reload(relay, given.with(health).text, /a change of `sandbox` needs a restart/)
})

test('a part that needs programs disables the sandbox, which is logged once', { skip }, async (t) => {
  const given = await plan(t)
  const module = 'mavis authorization = host mavis module = external { exec = /bin/cat cat }'
  const master = await startMaster(t, given.with(module).withMaster(spawning([1, 1])), { children: 1 })
  await master.logged(/sandbox: off, because the MAVIS module 'external' needs programs or files/)
  assert.deepEqual(restrictionsOf(Number(childrenOf(master.pid)[0])), FREE)
  const relay = await given.with('health = { type = exec exec = /bin/true }').start(t)
  await relay.logged(/sandbox: off, because the health check 'exec' needs programs or files/)
  assert.deepEqual(restrictionsOf(relay.pid), FREE)
})

test('a child of a foreign master is restricted', { skip }, async (t) => {
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, masterText(await plan(t)))
  const master = await foreignMaster(t, file)
  if (!master) return
  await master.hears(MAX)
  await isSandboxed(master.childPid)
  assert.deepEqual(await master.clients(10), { right: 10 })
})
