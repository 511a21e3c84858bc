import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { clientPortsHeldBy } from '../harness/held.js'
import { masterText, spawning, startMaster } from '../harness/master.js'
import { MODES } from '../harness/modes.js'
import { childrenOf, descriptorsOf, handlesSignal, listeningPortsOf } from '../harness/proc.js'
import { fileOfProject, Program, startTcprelay, TCPRELAY } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { ACCEPT_WAYS } from '../harness/variants.js'

const SIGUSR1 = 10
const SIGTERM = 15

for (const accept of ACCEPT_WAYS) {
  test(`SIGUSR1 to a master and to each of its children opens no port: accept = ${accept}`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).withMaster(spawning([2, 2], [100, 1_000], `accept = ${accept}`))
    const master = await startMaster(t, plan, { children: 2 })
    const clients = [await master.connect(), await master.connect()]
    for (const client of clients) await client.exchange('hello')
    const pids = [master.pid, ...master.children()]
    for (let i = 0; i < 5; i++) for (const pid of pids) process.kill(pid, 'SIGUSR1')
    // A round trip of another signal: by then an inspector would be open.
    const busy = master.children().find((pid) => clientPortsHeldBy(pid, master.port()).size > 0)
    assert.ok(busy !== undefined)
    process.kill(busy, 'SIGHUP')
    await master.logged(/SIGHUP: No longer accepting/)
    for (const client of clients) assert.equal(await client.exchange('still'), 'still')
    for (const pid of pids) assert.deepEqual(foreignPortsOf(pid, master.port()), [])
    for (const client of clients) await client.close()
    await master.hasChildren(2)
  })
}

test('SIGUSR1 to a master and its children while they start leaves no port open', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const file = join(temporaryFolder(t), 'master.cfg')
  writeFileSync(file, masterText(relayTo(remote).withMaster(spawning([2, 2]))))
  const program = startTcprelay(t, ['-D', file])
  const signalled = new Map<number, number>()
  const isSignalled = (pid: number) => (signalled.get(pid) ?? 0) > 0
  const seen = await until('children that serve', () => {
    for (const pid of [program.pid, ...childrenOf(program.pid).map(Number)]) annoy(pid, signalled)
    const children = childrenOf(program.pid).map(Number)
    const areReady = children.length === 2 && children.every(serves)
    return areReady && [program.pid, ...children].every(isSignalled) && children
  })
  const [, port] = await program.stderr.reached(/bind to .*:(\d+) succeeded/)
  await until('no inspector', () => {
    return [program.pid, ...seen].every((pid) => foreignPortsOf(pid, Number(port)).length === 0)
  })
  await endsInOrder(program)
})

const HOOK = ['--require', fileOfProject('test/harness/signal-first.cjs')]

for (const { name, textOf } of MODES) {
  test(`SIGUSR1 before the first statement of ${name} leaves no port open`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const file = join(temporaryFolder(t), 'relay.cfg')
    writeFileSync(file, textOf(relayTo(remote)))
    const program = new Program(t, [process.execPath, ...HOOK, TCPRELAY, '-D', file])
    const [, port] = await program.stderr.reached(/bind to .*:(\d+) succeeded/)
    // Node prints this for each process: the first one, and its child.
    const hasChild = name !== 'a single process'
    await program.stderr.reached(/Debugger listening on/, hasChild ? 2 : 1)
    const client = await Client.connect(t, { port: Number(port) })
    assert.equal(await client.exchange('hello'), 'hello')
    const pids = [program.pid, ...childrenOf(program.pid).map(Number)]
    assert.equal(pids.length, hasChild ? 2 : 1)
    await until('no inspector', () => pids.every((pid) => foreignPortsOf(pid, Number(port)).length === 0))
    await client.close()
    await endsInOrder(program)
  })
}

/** Sends the signal, unless the process has no handler yet and would end. */
function annoy(pid: number, signalled: Map<number, number>): void {
  try {
    if (!handlesSignal(pid, SIGUSR1)) return
    process.kill(pid, 'SIGUSR1')
    signalled.set(pid, (signalled.get(pid) ?? 0) + 1)
  } catch {
    // It has just ended, or has not started.
  }
}

function serves(pid: number): boolean {
  try {
    return handlesSignal(pid, SIGTERM) && descriptorsOf(pid).some((name) => name.includes('tcprelay-blocks'))
  } catch {
    return false
  }
}

function foreignPortsOf(pid: number, own: number): number[] {
  return listeningPortsOf(pid).filter((port) => port !== own)
}

async function endsInOrder(program: Program): Promise<void> {
  program.signal('SIGTERM')
  assert.deepEqual(await program.ended(), { code: 0, signal: null })
}
