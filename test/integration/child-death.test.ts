import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { Visitors } from '../harness/load.js'
import { type Master, type MasterOptions, masterText, spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { Newcomer } from '../harness/newcomer.js'
import { isAlive } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

/** A child may start slowly on a busy machine, and the back-off after deaths at start adds to it. */
const SLOW_MS = 30_000

async function start(
  t: TestContext,
  instances: readonly [number, number],
  options: MasterOptions = {},
): Promise<Master> {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).withMaster(spawning(instances))
  return startMaster(t, plan, { children: instances[0], ...options })
}

async function areServed(master: Master, count: number, between: () => void): Promise<void> {
  const clients = await Promise.all(Array.from({ length: count }, () => master.connect()))
  await Promise.all(clients.map((client, i) => client.send(`client ${i}`)))
  between()
  const answers = clients.map((client, i) => client.read(`client ${i}`.length))
  assert.deepEqual(
    await Promise.all(answers),
    clients.map((_, i) => `client ${i}`),
  )
  for (const client of clients) await client.close()
}

test('clients of a child that is killed before MAX wait for its successor', async (t) => {
  const newcomer = new Newcomer(t)
  const master = await start(t, [1, 1], newcomer.options)
  const [first = 0] = master.children()
  newcomer.stopNext()
  process.kill(first, 'SIGKILL')
  const second = await newcomer.stopped(master)
  await areServed(master, 20, () => process.kill(second, 'SIGKILL'))
  await master.hasChildren(1)
  assert.equal(master.program.stderr.matching(/signal SIGKILL/).length, 2)
})

test('a child that never sends MAX does not delay others', async (t) => {
  const newcomer = new Newcomer(t)
  const master = await start(t, [2, 2], newcomer.options)
  const [known = 0] = master.children()
  newcomer.stopNext()
  process.kill(known, 'SIGKILL')
  const mute = await newcomer.stopped(master)
  const clients = await Promise.all(Array.from({ length: 10 }, () => master.connect()))
  const answers = clients.map(async (client, i) => client.exchange(`client ${i}`))
  await Promise.any(answers)
  process.kill(mute, 'SIGCONT')
  await Promise.all(answers)
  for (const client of clients) await client.close()
  await master.hasChildren(2)
})

test('killing a draining child loses its own sessions only', async (t) => {
  const master = await start(t, [1, 1])
  const client = await master.connect()
  await client.exchange('before')
  const [draining = 0] = master.children()
  process.kill(draining, 'SIGHUP')
  // The master has heard of it when it starts the successor; clients that it passed on before would die with the child.
  await until('its successor to start', () => master.children().some((pid) => pid !== draining))
  await areServed(master, 20, () => process.kill(draining, 'SIGKILL'))
  await client.ending()
  await until('it to end', () => !isAlive(draining))
  await master.hasChildren(1)
  await areServed(master, 1, () => {})
})

test('a reload continues with another child if one is killed while it starts', async (t) => {
  const newcomer = new Newcomer(t)
  const master = await start(t, [2, 2], newcomer.options)
  const known = master.children()
  newcomer.stopNext()
  master.signal('SIGHUP')
  const victim = await newcomer.stopped(master)
  await areServed(master, 5, () => process.kill(victim, 'SIGKILL'))
  await master.logged(/the new configuration is in force/, 1, SLOW_MS)
  await areServed(master, 5, () => {})
  const now = await master.hasChildren(2, SLOW_MS)
  assert.ok(known.every((pid) => !now.includes(pid)))
})

test('killing the only child of a pending configuration leaves the old one in force', async (t) => {
  const newcomer = new Newcomer(t)
  const master = await start(t, [1, 1], newcomer.options)
  const known = master.children()
  writeFileSync(
    master.file,
    masterText(relayTo(await remoteThat(echoes).start(t)).withMaster(spawning([1, 1]))),
  )
  newcomer.stopNext()
  master.signal('SIGHUP')
  const victim = await newcomer.stopped(master)
  await areServed(master, 5, () => process.kill(victim, 'SIGKILL'))
  await master.logged(/no child starts with the new configuration: the old one goes on/)
  assert.deepEqual(await master.hasChildren(1), known)
  master.signal('SIGHUP')
  await master.logged(/the new configuration is in force/, 1, SLOW_MS)
})

test('the service recovers when all children are killed repeatedly under load', async (t) => {
  const master = await start(t, [2, 2])
  const visitors = new Visitors(t, master.port(), 100)
  await visitors.serveMore(20)
  const kills: { readonly killedMs: number; noticedMs: number }[] = []
  for (let round = 1; round <= 3; round++) {
    const victims = await until('children', () => master.children().length > 0 && master.children())
    const kill = { killedMs: performance.now(), noticedMs: 0 }
    for (const pid of victims) process.kill(pid, 'SIGKILL')
    for (const pid of victims) await master.logged(new RegExp(`child \\(pid ${pid}\\) .*SIGKILL`))
    kill.noticedMs = performance.now()
    kills.push(kill)
    await visitors.serveMore(50)
  }
  await visitors.stop()
  const strange = visitors.failed.filter(({ failure, overMs = 0, startedMs }) => {
    const isKilled = kills.some(({ killedMs, noticedMs }) => startedMs < noticedMs && overMs > killedMs)
    return !isKilled || /not connected|wrong reply/.test(failure ?? '')
  })
  assert.deepEqual(strange, [])
  t.diagnostic(
    `${visitors.visits.length} connections, ${visitors.failed.length} lost with ${kills.length} × all children`,
  )
  await master.hasChildren(2, SLOW_MS)
})

test('all clients are served after more arrive without a living child than one can take', async (t) => {
  if (!needs(t, 'prlimit')) return
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).withMaster(spawning([1, 2], [500, 500]))
  const master = await startMaster(t, plan, { under: ['prlimit', '--nofile=110'] })
  const [first = 0] = master.children()
  process.kill(first, 'SIGKILL')
  await master.logged(/signal SIGKILL/)
  const clients = await Promise.all(Array.from({ length: 100 }, () => master.connect()))
  await Promise.all(clients.map((client, i) => client.send(`client ${i}`)))
  await Promise.all(
    clients.map(async (client, i) => {
      assert.equal(await client.read(`client ${i}`.length), `client ${i}`)
      await client.close()
    }),
  )
  assert.doesNotMatch(master.program.stderr.text, /client was lost|cannot connect/)
})
