import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../harness/clean-up.js'
import type { Client } from '../harness/client.js'
import { freeze } from '../harness/held.js'
import { DIRECT, type Master, type MasterOptions, spawning, startMaster } from '../harness/master.js'
import { Newcomer } from '../harness/newcomer.js'
import { isAlive } from '../harness/proc.js'
import { relayTo, type Target } from '../harness/relay.js'
import { greets, remoteThat } from '../harness/remote.js'

/** More than a child accepts before it handles a signal. */
const CROWD = 500

function startDirect(t: TestContext, target: Target, options: MasterOptions = {}): Promise<Master> {
  return startMaster(t, relayTo(target).withMaster(spawning([1, 1], undefined, DIRECT)), options)
}

async function crowdOf(master: Master): Promise<Client[]> {
  const clients: Client[] = []
  while (clients.length < CROWD) clients.push(await master.connect())
  return clients
}

/** Every client hears its remote and leaves. */
async function allAreServed(clients: readonly Client[]): Promise<void> {
  const answers = await Promise.all(
    clients.map((client) => client.read(1).catch((error: Error) => error.message)),
  )
  const failures = answers.filter((answer) => answer !== 'x')
  assert.deepEqual([failures.length, failures[0]], [0, undefined])
  for (const client of clients) await client.close()
}

/** Stops a process, which continues after the test at the latest. */
async function freezeFor(t: TestContext, pid: number): Promise<boolean> {
  afterwards(t, () => {
    if (isAlive(pid)) process.kill(pid, 'SIGCONT')
  })
  return freeze(pid)
}

test('SIGTERM to the master: a child that has not accepted yet serves the waiting clients', async (t) => {
  const newcomer = new Newcomer(t)
  const master = await startDirect(t, await remoteThat(greets('x')).start(t), newcomer.options)
  const [old = 0] = master.children()
  newcomer.stopNext()
  process.kill(old, 'SIGKILL')
  const young = await newcomer.stopped(master)
  const waiting = await master.connect()
  master.signal('SIGTERM')
  await master.logged(/SIGTERM: exiting/)
  process.kill(young, 'SIGCONT')
  await allAreServed([waiting])
  assert.deepEqual(await master.ended(), { code: 0, signal: null })
})

// A service manager sends its signal to all processes of the service.
test('SIGTERM to the master and its child: waiting clients are served', async (t) => {
  const master = await startDirect(t, await remoteThat(greets('x')).start(t))
  const [child = 0] = master.children()
  assert.ok(await freezeFor(t, child))
  const clients = await crowdOf(master)
  process.kill(child, 'SIGTERM')
  master.signal('SIGTERM')
  await master.logged(/SIGTERM: exiting/)
  process.kill(child, 'SIGCONT')
  await allAreServed(clients)
  assert.deepEqual(await master.ended(), { code: 0, signal: null })
})

// The other order: the child closes nothing before the master has answered.
test('SIGTERM to a child while its master is stopped: waiting clients are served', async (t) => {
  const master = await startDirect(t, await remoteThat(greets('x')).start(t))
  const [child = 0] = master.children()
  assert.ok(await freezeFor(t, master.pid))
  process.kill(child, 'SIGTERM')
  await master.logged(/SIGTERM: No longer accepting new connections/)
  const clients = await crowdOf(master)
  master.signal('SIGTERM')
  process.kill(master.pid, 'SIGCONT')
  await allAreServed(clients)
  assert.deepEqual(await master.ended(), { code: 0, signal: null })
})
