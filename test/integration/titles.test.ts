import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Load, titleOf } from '../../src/control/process/process-title.js'
import { spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { titleOf as shownTitleOf } from '../harness/proc.js'
import { fileOfProject } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { IN_FORCE } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { ACCEPT_WAYS } from '../harness/variants.js'

/** A process of a test, and its configuration. */
interface Shown {
  readonly pid: number
  readonly file: string
}

/** Waits until the process list shows this load, as far as the command line leaves room. */
async function shows({ file, pid }: Shown, load: Partial<Load>): Promise<void> {
  const roomBytes = readFileSync(`/proc/${pid}/cmdline`).length - 1
  const whole = { connections: 0, connectionsMax: undefined, overload: 'queue', isDying: false } as const
  const title = titleOf({ program: 'tcprelay', configurationFile: file }, { ...whole, ...load }, roomBytes)
  assert.match(title, /\.cfg\]$/, 'there is room for the name of the configuration')
  await until(`the title '${title}'`, () => shownTitleOf(pid) === title)
}

for (const accept of ACCEPT_WAYS) {
  test(`master and children show how many connections they have: ${accept}`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).withMaster(spawning([1, 1], [3, 3], `accept = ${accept}`))
    const master = await startMaster(t, plan)
    const [pid = 0] = master.children()
    const child = { pid, file: master.file }
    await shows(master, { connections: 0, connectionsMax: 3 })
    await shows(child, { connections: 0 })
    const clients = [await master.connect()]
    await shows(master, { connections: 1, connectionsMax: 3 })
    await shows(child, { connections: 1 })
    clients.push(await master.connect(), await master.connect())
    await shows(master, { connections: 3, connectionsMax: 3 })
    await shows(child, { connections: 3 })
    master.signal('SIGTERM')
    await shows(master, { connections: 3, isDying: true })
    await shows(child, { connections: 3, isDying: true })
    for (const client of clients) await client.close()
    assert.deepEqual(await master.ended(), { code: 0, signal: null })
  })
}

test('a master with foreign children shows its connections, too', async (t) => {
  if (!needs(t, 'python3')) return
  const exec = `exec = ${fileOfProject('test/harness/foreign_child.py')}`
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' }).withMaster(
    spawning([1, 1], [2, 2], exec),
  )
  const master = await startMaster(t, plan, { children: 0, env: { FOREIGN_CHILD: 'hold' } })
  const client = await master.connect()
  await shows(master, { connections: 1, connectionsMax: 2 })
  await client.close()
  await shows(master, { connections: 0, connectionsMax: 2 })
})

for (const accept of ACCEPT_WAYS) {
  test(`sessions of an old configuration take no place of the new one: ${accept}`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).withMaster(spawning([1, 1], [2, 2], `accept = ${accept}`))
    const master = await startMaster(t, plan)
    const clients = [await master.connect(), await master.connect()]
    for (const client of clients) await client.exchange('old')
    const waiting = await master.connect()
    await waiting.send('waits')
    await master.logged(/limit of 2 concurrent users reached, queueing new connections/)
    await shows(master, { connections: 2, connectionsMax: 2 })
    master.signal('SIGHUP')
    await master.logged(IN_FORCE)
    assert.equal(await waiting.read(5), 'waits')
    await shows(master, { connections: 3, connectionsMax: 4 })
    await master.logged(/resuming normal operation/)
    clients.push(waiting, await master.connect())
    await clients.at(-1)?.exchange('new')
    await shows(master, { connections: 4, connectionsMax: 4 })
    for (const client of clients) await client.close()
    await shows(master, { connections: 0, connectionsMax: 2 })
    await master.hasChildren(1)
  })
}

test('the maximum that a foreign child sends is the limit', async (t) => {
  if (!needs(t, 'python3')) return
  const exec = `exec = ${fileOfProject('test/harness/foreign_child.py')}`
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' }).withMaster(
    spawning([1, 1], [9, 9], exec),
  )
  const env = { FOREIGN_CHILD: 'hold,max=2' }
  const master = await startMaster(t, plan, { children: 0, env })
  const clients = [await master.connect()]
  await shows(master, { connections: 1, connectionsMax: 2 })
  clients.push(await master.connect(), await master.connect())
  await master.logged(/limit of 2 concurrent users reached, queueing new connections/)
  await shows(master, { connections: 2, connectionsMax: 2 })
  for (const client of clients) await client.close()
})

test('a single process shows its connections and limit', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).withMaster('overload = reset', spawning([1, 1], [1, 1]))
  const relay = await plan.start(t)
  await shows(relay, { connections: 0, connectionsMax: 1 })
  const client = await relay.connect()
  await shows(relay, { connections: 1, connectionsMax: 1, overload: 'reset' })
  relay.signal('SIGTERM')
  await shows(relay, { connections: 1, isDying: true })
  await client.close()
  assert.deepEqual(await relay.ended(), { code: 0, signal: null })
})
