import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { Fd } from '../../src/kernel/calls.js'
import * as c from '../../src/kernel/constants.js'
import type { Client } from '../harness/client.js'
import { masterText, spawning, startMaster } from '../harness/master.js'
import { canBecome, needs } from '../harness/needs.js'
import { keptAliveCountOf } from '../harness/proc.js'
import { tcprelay } from '../harness/program.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { reactorThreadOf, traceCalls } from '../harness/strace.js'
import { until } from '../harness/until.js'
import { lookAtSession } from '../support/borrowed-sockets.js'
import { calls } from '../support/sockets.js'
import { textOption } from '../support/text-option.js'

/** An unused user id. */
const SOMEBODY = 54_321

const CONFIGURATION_IS_WRONG = 78

const isRoot = process.getuid?.() === 0

function isPrivileged(t: TestContext): boolean {
  if (!isRoot) t.skip('needs root: marks and other addresses take CAP_NET_ADMIN')
  return isRoot
}

const LISTENING = 'address = 127.0.0.1 port = 0'

function optionsOf(fd: Fd) {
  const number = (level: number, name: number) => calls.getOption(fd, level, name)
  return {
    dscp: number(c.IPPROTO_IP, c.IP_TOS) >> 2,
    fwmark: number(c.SOL_SOCKET, c.SO_MARK),
    device: textOption(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE),
    congestion: textOption(fd, c.IPPROTO_TCP, c.TCP_CONGESTION),
    userTimeoutMs: number(c.IPPROTO_TCP, c.TCP_USER_TIMEOUT),
  }
}

function keepAliveOf(fd: Fd): number[] {
  const ofTcp = [c.TCP_KEEPIDLE, c.TCP_KEEPINTVL, c.TCP_KEEPCNT]
  const timings = ofTcp.map((name) => calls.getOption(fd, c.IPPROTO_TCP, name))
  return [calls.getOption(fd, c.SOL_SOCKET, c.SO_KEEPALIVE), ...timings]
}

test('sockets of listeners and remotes have the configured options', async (t) => {
  if (!isPrivileged(t)) return
  const remote = await remoteThat(echoes).start(t)
  const there = 'dscp = 12 fwmark = 9 bind to device = lo congestion = cubic user timeout = 11'
  const relay = await relayTo(remote.with(there))
    .listeningOn(`${LISTENING} dscp = 34 fwmark = 0x80000005 vrf = lo congestion = reno user timeout = 7`)
    .start(t)
  const client = await relay.connect()
  await client.exchange('x')
  const [accepted, connected] = lookAtSession(relay.pid, relay.port(), ({ client, remote }) => [
    optionsOf(client),
    optionsOf(remote),
  ])
  const ofListener = {
    dscp: 34,
    fwmark: 0x8000_0005 | 0,
    device: 'lo',
    congestion: 'reno',
    userTimeoutMs: 7_000,
  }
  assert.deepEqual(accepted, ofListener)
  assert.deepEqual(connected, {
    dscp: 12,
    fwmark: 9,
    device: 'lo',
    congestion: 'cubic',
    userTimeoutMs: 11_000,
  })
  await client.close()
})

test('the code point of IPv6 is set on both sides', async (t) => {
  const remote = await remoteThat(echoes).start(t, { host: '::1', port: 0 })
  const relay = await relayTo(remote.with('dscp = 12'))
    .listeningOn('address = ::1 port = 0 dscp = 34')
    .start(t)
  const client = await relay.connect({ host: '::1' })
  await client.exchange('x')
  const classes = lookAtSession(relay.pid, relay.port(), (session) =>
    [session.client, session.remote].map((fd) => calls.getOption(fd, c.IPPROTO_IPV6, c.IPV6_TCLASS)),
  )
  assert.deepEqual(classes, [34 << 2, 12 << 2])
  await client.close()
})

test('keepalive is set as the sections say, on both sides', async (t) => {
  const timings = (idle: number) => [
    `tcp keepalive idle = ${idle}`,
    'tcp keepalive interval = 6',
    'tcp keepalive count = 4',
  ]
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .with(...timings(55))
    .withMaster(...timings(66))
    .start(t)
  const client = await relay.connect()
  await client.exchange('x')
  await until('keepalive on both sides', () => keptAliveCountOf(relay.pid) === 2)
  const both = lookAtSession(relay.pid, relay.port(), (session) =>
    [session.client, session.remote].map(keepAliveOf),
  )
  assert.deepEqual(both, [
    [1, 66, 6, 4],
    [1, 55, 6, 4],
  ])
  await client.close()
})

test('connections to remotes come from the local port range', async (t) => {
  const ports: (number | undefined)[] = []
  const remote = await remoteThat((socket) => {
    ports.push(socket.remotePort)
    echoes(socket)
  }).start(t)
  const [least, most] = [45_000, 45_019]
  const relay = await relayTo(remote).with(`local port range = ${least}-${most}`).start(t)
  const clients: Client[] = []
  for (let i = 0; i < 5; i++) {
    const client = await relay.connect()
    await client.exchange('x')
    clients.push(client)
  }
  assert.equal(ports.length, 5)
  assert.ok(
    ports.every((port = 0) => port >= least && port <= most),
    `came from ${ports}`,
  )
  for (const client of clients) await client.close()
})

test('options cost one call each per connection to a remote, and none for clients', async (t) => {
  if (!needs(t, 'strace')) return
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote.with('congestion = reno user timeout = 11'))
    .listeningOn(`${LISTENING} congestion = reno user timeout = 7 dscp = 1`)
    .start(t)
  let client: Client | undefined
  const trace = await traceCalls(t, reactorThreadOf(relay.pid), async () => {
    client = await relay.connect()
    await client.exchange('x')
  })
  const set = trace.matching(/^setsockopt\(/).map((line) => /\w+_\w+, (\w+)/.exec(line)?.[1])
  const asked = set.filter((name) => /CONGESTION|USER_TIMEOUT|TOS/.test(name ?? ''))
  assert.deepEqual(asked, ['TCP_CONGESTION', 'TCP_USER_TIMEOUT'])
  await client?.close()
})

/** What the program reports about a configuration, at a start and with -P. */
async function verdicts(t: TestContext, plan: RelayPlan, under: readonly string[] = []) {
  const file = plan.file(t)
  const started = await tcprelay(t, ['-D', file], { under })
  const checked = await tcprelay(t, ['-P', file], { under })
  return { started, checked }
}

const NOWHERE = { directive: 'address = 127.0.0.1 port = 9' }

for (const [what, plan, reason] of [
  [
    'an unknown algorithm of a listener',
    relayTo(NOWHERE).listeningOn(`${LISTENING} congestion = carrot`),
    /congestion = carrot: unknown; this kernel supports .*reno.*tcp_available_congestion_control/,
  ],
  [
    'an unknown algorithm of a remote',
    relayTo({ directive: `${NOWHERE.directive} congestion = carrot` }),
    /congestion = carrot: unknown/,
  ],
  [
    'ports that the kernel would ignore',
    relayTo(NOWHERE).with('local port range = 1000-2000'),
    /local port range = 1000-2000: not within net\.ipv4\.ip_local_port_range/,
  ],
] as const) {
  test(`${what}: an error at start and of -P`, async (t) => {
    const { checked, started } = await verdicts(t, plan)
    assert.match(started.stderr, reason)
    assert.equal(started.code, CONFIGURATION_IS_WRONG)
    assert.match(checked.stderr, reason)
    assert.equal(checked.code, CONFIGURATION_IS_WRONG)
  })
}

for (const [directive, plan] of [
  ['fwmark = 5', relayTo(NOWHERE).listeningOn(`${LISTENING} fwmark = 5`)],
  ['fwmark = 6', relayTo({ directive: `${NOWHERE.directive} fwmark = 6` })],
  ['local address = client', relayTo(NOWHERE).with('local address = client')],
] as const) {
  test(`without CAP_NET_ADMIN \`${directive}\` is an error that names it`, async (t) => {
    if (!needs(t, 'setpriv') || !isPrivileged(t)) return
    const less = ['setpriv', '--bounding-set=-net_admin,-net_raw']
    const { checked, started } = await verdicts(t, plan, less)
    assert.match(started.stderr, new RegExp(`${directive}: requires CAP_NET_ADMIN`))
    assert.equal(started.code, CONFIGURATION_IS_WRONG)
    assert.equal(checked.code, CONFIGURATION_IS_WRONG, checked.stderr)
  })
}

test('a missing device is a warning, because it may appear later', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote, { directive: `${NOWHERE.directive} bind to device = nowhere0` }).start(
    t,
  )
  await relay.logged(/warning: .*bind to device = nowhere0: this interface does not exist now/)
  const clients = [await relay.connect(), await relay.connect()]
  for (const client of clients) assert.equal(await client.exchange('x'), 'x')
  await relay.logged(/cannot connect to 127\.0\.0\.1:9 from here: no such device/)
  assert.doesNotMatch(relay.program.stderr.text, /is down/)
  for (const client of clients) await client.close()
})

test('children with another user keep CAP_NET_ADMIN where it is needed, and no other capability', async (t) => {
  if (!canBecome(t, SOMEBODY)) return
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote.with('fwmark = 9')).withMaster(spawning([1, 1], [5, 5], `userid = ${SOMEBODY}`))
  const master = await startMaster(t, plan)
  const [pid = 0] = master.children()
  assert.deepEqual(capabilitiesOf(pid), { uid: String(SOMEBODY), permitted: 1n << 12n, effective: 1n << 12n })
  assert.equal(inheritableOf(master.pid), 0n, 'the master is as it was')
  const client = await master.connect()
  await client.exchange('x')
  assert.equal(
    lookAtSession(pid, master.port(), (session) => calls.getOption(session.remote, c.SOL_SOCKET, c.SO_MARK)),
    9,
  )
  await client.close()
})

test('children that need no capability have none', async (t) => {
  if (!canBecome(t, SOMEBODY)) return
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).withMaster(spawning([1, 1], [5, 5], `userid = ${SOMEBODY}`))
  const master = await startMaster(t, plan)
  const [pid = 0] = master.children()
  assert.deepEqual(capabilitiesOf(pid), { uid: String(SOMEBODY), permitted: 0n, effective: 0n })
})

test('an error is reported if CAP_NET_ADMIN cannot be passed on', async (t) => {
  if (!canBecome(t, SOMEBODY)) return
  const plan = relayTo({ directive: `${NOWHERE.directive} fwmark = 9` }).withMaster(
    spawning([1, 1], [5, 5], `userid = ${SOMEBODY}`),
  )
  const file = plan.file(t)
  writeFileSync(file, masterText(plan))
  const { code, stderr } = await tcprelay(t, ['-D', file], { under: ['setpriv', '--bounding-set=-setpcap'] })
  assert.match(stderr, /'fwmark' requires CAP_NET_ADMIN, which this process cannot pass on to another user/)
  assert.equal(code, CONFIGURATION_IS_WRONG)
})

function statusOf(pid: number, name: string): string | undefined {
  return new RegExp(`^${name}:\\s+(\\w+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
}

function capabilitiesOf(pid: number) {
  const set = (name: string) => BigInt(`0x${statusOf(pid, name)}`)
  return { uid: statusOf(pid, 'Uid'), permitted: set('CapPrm'), effective: set('CapEff') }
}

function inheritableOf(pid: number): bigint {
  return BigInt(`0x${statusOf(pid, 'CapInh')}`)
}

test('a reload logs that the options of a bound listener do not change', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote)
  const relay = await plan.listeningOn(LISTENING).start(t)
  writeFileSync(relay.file, plan.listeningOn(`address = 127.0.0.1 port = ${relay.port()} dscp = 5`).text)
  relay.signal('SIGHUP')
  await relay.logged(/the options of 127\.0\.0\.1:\d+ stay as they were: a change needs a restart/)
  await relay.logged(/the new configuration is in force/)
  const client = await relay.connect()
  assert.equal(await client.exchange('x'), 'x')
  await client.close()
})

test('a user without privileges can use options that need none', async (t) => {
  if (!canBecome(t, SOMEBODY)) return
  const remote = await remoteThat(echoes).start(t)
  const harmless = 'dscp = 12 congestion = reno user timeout = 11 bind to device = lo'
  const file = relayTo(remote.with(harmless)).with('local port range = 40000-49999').file(t)
  const { code, stderr } = await tcprelay(t, ['-P', file], {
    under: ['setpriv', '--bounding-set=-all'],
  })
  assert.deepEqual([code, stderr], [0, ''])
})
