import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { DIRECT, spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { descriptorKinds, descriptorNumbersOf } from '../harness/proc.js'
import { tcprelay } from '../harness/program.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { reactorThreadOf, traceCalls } from '../harness/strace.js'
import { ACCEPT_WAYS } from '../harness/variants.js'

const CONFIG = 78

const SOMEWHERE = { directive: 'address = 127.0.0.1 port = 9' }

/** The number of each, and the calls by which it waits: the C library chooses one. */
const MECHANISMS = [
  { name: 'epoll', mask: '4', waits: /^epoll_/ },
  { name: 'poll', mask: '8', waits: /^p?poll$/ },
  { name: 'select', mask: '16', waits: /^(?:_newselect|select|pselect6)$/ },
] as const

/** Beside select(2), the select poller asks poll(2) for the exact events. */
const ASKS = /^p?poll$/

/** Node's own loops use epoll. */
const epollsOf = (pid: number) => descriptorKinds(pid).get('anon_inode:[eventpoll]') ?? 0

const withMask = (mask: string) => ({ env: { IO_POLL_MECHANISM: mask } })

const SAYS = / event notification mechanism is being used/

for (const { mask, name, waits } of MECHANISMS) {
  test(`IO_POLL_MECHANISM = ${mask}: the reactor waits by ${name} only`, async (t) => {
    if (!needs(t, 'strace')) return
    const remote = await remoteThat(echoes).start(t)
    const relay = await relayTo(remote).running(withMask(mask)).start(t)
    await relay.logged(new RegExp(`${name}${SAYS.source}`))
    assert.equal(relay.program.stderr.matching(SAYS).length, 1)
    const client = await relay.connect()
    const { counts } = await traceCalls(t, reactorThreadOf(relay.pid), async () => {
      for (let i = 0; i < 20; i++) assert.equal(await client.exchange('hello'), 'hello')
    })
    const waited = Object.keys(counts).filter((call) => /poll|select/.test(call))
    assert.ok(waited.some((call) => waits.test(call)))
    const others = waited.filter((call) => !waits.test(call) && !(name === 'select' && ASKS.test(call)))
    assert.deepEqual(others, [])
  })
}

test('`setenv` overrides the environment, and the best mechanism of a mask is used', async (t) => {
  const plan = relayTo(SOMEWHERE).withTop('setenv IO_POLL_MECHANISM = 59').running(withMask('4'))
  const relay = await plan.start(t)
  await relay.logged(/ poll event notification mechanism is being used/)
})

const WRONG: readonly [what: string, plan: RelayPlan, env: Record<string, string>, told: RegExp][] = [
  [
    'a mask of mechanisms of other systems',
    relayTo(SOMEWHERE).withTop('setenv IO_POLL_MECHANISM = 35'),
    {},
    /relay\.cfg:1:1: no working event notification mechanism found: IO_POLL_MECHANISM = 35 stands for kqueue, \/dev\/poll, port/,
  ],
  [
    'the same from the environment',
    relayTo(SOMEWHERE),
    { IO_POLL_MECHANISM: '0' },
    /\(environment\):1:1: no working event notification mechanism found: IO_POLL_MECHANISM = 0 stands for none/,
  ],
  [
    'a word instead of a number',
    relayTo(SOMEWHERE).withTop('', 'setenv IO_POLL_MECHANISM = epoll'),
    {},
    /relay\.cfg:2:1: IO_POLL_MECHANISM must be a sum of numbers, not 'epoll'/,
  ],
]

for (const [what, plan, env, told] of WRONG) {
  test(`IO_POLL_MECHANISM: ${what} is an error`, async (t) => {
    const file = plan.file(t)
    for (const words of [['-P'], ['-D']]) {
      const { code, stderr } = await tcprelay(t, [...words, file], { env })
      assert.equal(code, CONFIG)
      assert.match(stderr, told)
    }
  })
}

test('with select a process has no more descriptors after a reload than before', async (t) => {
  const plan = relayTo(SOMEWHERE).running(withMask('16'))
  const relay = await plan.start(t)
  const limitOf = (pid: number) =>
    /Max open files +(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]
  assert.equal(limitOf(relay.pid), '1024')
  await reload(relay, plan.with('idle timeout = 60').text)
  assert.equal(limitOf(relay.pid), '1024')
})

test('a reload does not change the mechanism and logs that', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).withTop('setenv IO_POLL_MECHANISM = 8').start(t)
  const before = epollsOf(relay.pid)
  writeFileSync(relay.file, relayTo(remote).withTop('setenv IO_POLL_MECHANISM = 4').text)
  relay.signal('SIGHUP')
  await relay.logged(/a change of `setenv IO_POLL_MECHANISM` needs a restart: it stays as it was/)
  await relay.logged(/the new configuration is in force/)
  assert.equal(await (await relay.connect()).exchange('hello'), 'hello')
  assert.equal(epollsOf(relay.pid), before)
  writeFileSync(relay.file, relayTo(remote).withTop('setenv IO_POLL_MECHANISM = 2').text)
  relay.signal('SIGHUP')
  await relay.logged(/no working event notification mechanism found/)
  await relay.logged(/the new configuration is wrong: the old one goes on/)
})

for (const accept of ACCEPT_WAYS) {
  test(`accept = ${accept}: master and children use the same mechanism, and clients are served`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const ways = accept === 'direct' ? [DIRECT] : []
    const plan = relayTo(remote).withMaster(spawning([2, 2], [100, 1_000], ...ways))
    const epolls = new Map<string, string>()
    for (const { mask, name } of MECHANISMS) {
      const master = await startMaster(t, plan, { children: 2, ...withMask(mask) })
      const clients = await Promise.all(Array.from({ length: 50 }, () => master.connect()))
      for (const client of clients) assert.equal(await client.exchange(name), name)
      epolls.set(name, [master.pid, ...master.children()].map(epollsOf).join())
      for (const client of clients) await client.close()
      master.signal('SIGTERM')
      assert.deepEqual(await master.ended(), { code: 0, signal: null })
    }
    const [epoll, poll, select] = MECHANISMS.map(({ name }) => epolls.get(name) ?? '')
    assert.equal(select, poll)
    const fewer = epoll?.split(',').map((count, i) => Number(count) - Number(poll?.split(',')[i]))
    // Without clients to hand over a master has no reactor.
    assert.deepEqual(fewer, [accept === 'direct' ? 0 : 1, 1, 1])
  })
}

test('select: clients beyond the last descriptor wait and are served', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).running(withMask('16')).start(t)
  const [, , most] = await relay.logged(/select has (1024) descriptors and so about (\d+) connections/)
  const clients = await Promise.all(Array.from({ length: 520 }, () => relay.connect()))
  await relay.logged(/limit of \d+ concurrent users reached, queueing new connections/)
  assert.ok(Math.max(...descriptorNumbersOf(relay.pid)) < 1024)
  assert.ok(relay.socketCount >= 2 * Number(most) - 40, `${relay.socketCount} sockets`)
  await Promise.all(
    clients.map(async (client, i) => {
      assert.equal(await client.exchange(`hello ${i}`), `hello ${i}`)
      await client.close()
    }),
  )
  await relay.logged(/resuming normal operation/)
})

for (const { mask, name } of MECHANISMS.slice(1)) {
  test(`${name}: a partial ClientHello wakes the relay a few times only`, async (t) => {
    if (!needs(t, 'strace')) return
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote)
      .listeningOn('address = 127.0.0.1 port = 0 tls = pass')
      .with('tls handshake timeout = 1')
      .running(withMask(mask))
    const relay = await plan.start(t)
    const client = await relay.connect()
    const half = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
    const trace = await traceCalls(t, reactorThreadOf(relay.pid), async () => {
      await client.send(half)
      // What begins as TLS and never becomes readable is refused, not relayed as plain.
      await client.ending()
    })
    const looks = trace.matching(/^recvfrom\(.*MSG_PEEK/).length
    assert.ok(looks > 2 && looks < 30, `${looks} looks in a second`)
  })
}

test('select: `users max` beyond the descriptors of a child gives a warning', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).withMaster(spawning([1, 1], [100, 1_000]))
  const master = await startMaster(t, plan, withMask('16'))
  await master.logged(
    /users max = 1000 requires more file descriptors than select supports: a child can serve about 4\d\d/,
  )
})
