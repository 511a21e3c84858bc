import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { type Master, masterText, spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { childrenOf, isAlive } from '../harness/proc.js'
import { fileOfProject, tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { until } from '../harness/until.js'

const EXEC = `exec = ${fileOfProject('test/harness/foreign_child.py')}`

/** What a classic child reports about a client. */
interface About {
  readonly pid: number
  readonly argv: readonly string[]
  readonly realm: string
  readonly flags: number
  readonly tls: number
  readonly aaa: number
  readonly protocol: number
  readonly size: number
}

/** A master of ours with classic children, which behave as the words say. */
async function startWith(
  t: TestContext,
  words: string,
  spawn: string,
  listener = 'address = 127.0.0.1 port = 0',
): Promise<Master | undefined> {
  if (!needs(t, 'python3')) return undefined
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' }).withMaster(spawn).listeningOn(listener)
  return startMaster(t, plan, { children: 0, env: { FOREIGN_CHILD: words } })
}

async function ask(master: Master): Promise<About> {
  const client = await master.connect()
  const line = await client.readToEnd()
  await client.close()
  return JSON.parse(line)
}

test('warns about listeners that override options of relaying', async (t) => {
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' })
    .listeningOn('address = 127.0.0.1 port = 0 idle timeout = 5 splice = no')
    .withMaster(spawning([1, 1], [1, 1], EXEC))
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, masterText(plan))
  const { code, stderr } = await tcprelay(t, ['-P', file])
  const warned = [...stderr.matchAll(/warning: (.* of a listener has no effect: .*)/g)].map(
    ([, text]) => text,
  )
  assert.deepEqual(
    warned,
    ['idle timeout', 'splice'].map(
      (name) => `'${name}' of a listener has no effect: another program relays its clients`,
    ),
  )
  assert.equal(code, 0)
})

test('1,000 connections to classic children are all answered, and counts return to zero', async (t) => {
  const master = await startWith(t, '', spawning([2, 2], [5, 10], EXEC))
  if (!master) return
  const pids = new Map<number, number>()
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(master)))
    for (const { pid } of answers) pids.set(pid, (pids.get(pid) ?? 0) + 1)
  }
  assert.equal(pids.size, 2)
  assert.ok(
    [...pids.values()].every((count) => count > 100),
    `shares: ${[...pids.values()]}`,
  )
  // More at a time than both may have: only correct counts of DONE let all of them through.
  assert.equal(
    [...pids.values()].reduce((sum, count) => sum + count),
    1_000,
  )
  assert.doesNotMatch(master.program.stderr.text, /unknown|cannot reach|at start/)
})

test("a classic child gets the documented message with the listener's settings", async (t) => {
  const master = await startWith(
    t,
    '',
    spawning([1, 1], [5, 10], EXEC, 'id = some-section'),
    'address = 127.0.0.1 port = 0 realm = myrealm',
  )
  if (!master) return
  const { argv, flags, protocol, realm, size, tls } = await ask(master)
  assert.deepEqual(
    { argv, flags, protocol, realm, size, tls },
    { argv: [master.file, 'some-section'], flags: 0, protocol: 6, realm: 'myrealm', size: 40, tls: 0 },
  )
})

const HAPROXY = 1
const ACCOUNTING = 2
const TLS_PSK = 4
const TLS_AUTO = 8

const FORWARDED: readonly (readonly [directives: string, heard: Partial<About>])[] = [
  ['haproxy = yes flag = access', { flags: HAPROXY }],
  ['flag = accounting', { flags: ACCOUNTING }],
  ['haproxy flag = access,accounting tls psk = yes', { flags: HAPROXY | ACCOUNTING | TLS_PSK }],
  ['tls = yes', { tls: 0x0403 }],
  ['tls = auto', { tls: 0x0403, flags: TLS_AUTO }],
  ['tls = TLSv1.2', { tls: 0x03 }],
  ['tls = TLSv1.3', { tls: 0x04 }],
  ['tls = TLSv1.2,TLSv1.3', { tls: 0x0304 }],
  ['aaa.protocol = tacacs.tcp', { aaa: 465 }],
  ['aaa.protocol = radius.udp realm = exactly-fifteen', { aaa: 389, realm: 'exactly-fifteen' }],
]

test("a classic child gets a listener's bytes unchanged", async (t) => {
  if (!needs(t, 'python3')) return
  const listeners = FORWARDED.map(([directives]) => `address = 127.0.0.1 port = 0 ${directives}`)
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' })
    .withMaster(spawning([1, 1], [50, 50], EXEC))
    .listeningOn(...listeners)
  const master = await startMaster(t, plan, { children: 0 })
  for (const [index, [directives, heard]] of FORWARDED.entries()) {
    const client = await master.connect(master.port(index))
    const { aaa, flags, protocol, realm, size, tls }: About = JSON.parse(await client.readToEnd())
    const nothing = { aaa: 0, flags: 0, protocol: 6, realm: '', size: 40, tls: 0 }
    assert.deepEqual({ aaa, flags, protocol, realm, size, tls }, { ...nothing, ...heard }, directives)
    await client.close()
  }
})

test('a classic child gets no more clients than its own maximum', async (t) => {
  const master = await startWith(t, 'max=2,hold', spawning([1, 1], [5, 10], EXEC))
  if (!master) return
  const clients = [await master.connect(), await master.connect()]
  for (const client of clients) await client.read(1)
  const waiting = await master.connect()
  await master.logged(/queueing new connections/)
  await clients[0]?.close()
  assert.equal(await waiting.read(1), '{')
  await waiting.close()
})

test('a classic child gets no clients after DYING, and is replaced', async (t) => {
  const master = await startWith(t, 'dying=3', spawning([1, 1], [5, 10], EXEC))
  if (!master) return
  const pids: number[] = []
  for (let i = 0; i < 7; i++) {
    const { pid } = await ask(master)
    if (pids.at(-1) !== pid) pids.push(pid)
    // It ends after its third client; one that is handed to it in that moment is lost too.
    if (i % 3 === 2) await until('the child to end', () => !isAlive(pid))
  }
  assert.equal(pids.length, 3)
})

test('a classic child with a wrong configuration ends the master with the documented code', async (t) => {
  const master = await startWith(t, 'bad', spawning([1, 1], [5, 10], EXEC))
  if (!master) return
  assert.equal((await master.ended()).code, 78)
  assert.match(master.program.stderr.text, /Child reported fatal configuration problem\. Exiting\./)
})

test('BAD_CFG from a classic child does not end a master that already serves', async (t) => {
  const master = await startWith(t, 'late-bad', spawning([1, 1], [5, 10], EXEC))
  if (!master) return
  const first = await ask(master)
  await master.logged(/Child reported fatal configuration problem\. Going on without it\./)
  const second = await ask(master)
  assert.notEqual(second.pid, first.pid)
})

test('classic children that are killed as soon as they serve are replaced at once', async (t) => {
  const master = await startWith(t, '', spawning([1, 1], [5, 10], EXEC))
  if (!master) return
  for (let round = 1; round <= 5; round++) {
    const { pid } = await ask(master)
    process.kill(pid, 'SIGKILL')
    await master.logged(/signal SIGKILL/, round)
    const answer = await ask(master)
    assert.notEqual(answer.pid, pid)
    assert.deepEqual(childrenOf(master.pid).map(Number), [answer.pid])
  }
  assert.doesNotMatch(master.program.stderr.text, /at start/)
})

test('a classic child that never sent MAX has died at start, however long it lived', async (t) => {
  const master = await startWith(t, 'mute', spawning([1, 1], [5, 10], EXEC))
  if (!master) return
  const [pid = 0] = await until('the child', () => {
    const found = childrenOf(master.pid).map(Number)
    return found.length === 1 && found
  })
  process.kill(pid, 'SIGTERM')
  await master.logged(/children die at start: the next one in 1 s/)
})
