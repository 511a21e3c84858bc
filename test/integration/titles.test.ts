import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { titleOf } from '../harness/proc.js'
import { fileOfProject } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

/** Waits until the process list shows a process so, as far as its command line leaves room. */
async function shows(pid: number, title: string): Promise<void> {
  let last = ''
  try {
    await until('a title', () => {
      last = titleOf(pid)
      return last === title
    })
  } catch {
    assert.equal(last, title)
  }
}

for (const accept of ['broker', 'direct']) {
  test(`master and children say how many connections they have: ${accept}`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).withMaster(spawning([1, 1], [3, 3], `accept = ${accept}`))
    const master = await startMaster(t, plan)
    const [child = 0] = master.children()
    await shows(master.pid, 'tcprelay: 0 connections, accepting up to 3 more')
    await shows(child, 'tcprelay: 0 connections')
    const clients = [await master.connect()]
    await shows(master.pid, 'tcprelay: 1 connection, accepting up to 2 more')
    await shows(child, 'tcprelay: 1 connection')
    clients.push(await master.connect(), await master.connect())
    await shows(master.pid, 'tcprelay: 3 connections, queueing new ones')
    await shows(child, 'tcprelay: 3 connections')
    master.signal('SIGTERM')
    await shows(master.pid, 'tcprelay: 3 connections left, dying when idle')
    await shows(child, 'tcprelay: 3 connections left, dying when idle')
    for (const client of clients) await client.close()
    assert.deepEqual(await master.ended(), { code: 0, signal: null })
  })
}

test('a master of another program counts its connections, too', async (t) => {
  if (!needs(t, 'python3')) return
  const exec = `exec = ${fileOfProject('test/harness/foreign_child.py')}`
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' }).withMaster(
    spawning([1, 1], [2, 2], exec),
  )
  const master = await startMaster(t, plan, { children: 0, env: { FOREIGN_CHILD: 'hold' } })
  const client = await master.connect()
  await shows(master.pid, 'tcprelay: 1 connection, accepting up to 1 more')
  await client.close()
  await shows(master.pid, 'tcprelay: 0 connections, accepting up to 2 more')
})

test('a single process says what it has and takes', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).withMaster('overload = reset', spawning([1, 1], [1, 1]))
  const relay = await plan.start(t)
  await shows(relay.pid, 'tcprelay: 0 connections, accepting up to 1 more')
  const client = await relay.connect()
  await shows(relay.pid, 'tcprelay: 1 connection, resetting new ones')
  relay.signal('SIGTERM')
  await shows(relay.pid, 'tcprelay: 1 connection left, dying when idle')
  await client.close()
  assert.deepEqual(await relay.ended(), { code: 0, signal: null })
})
