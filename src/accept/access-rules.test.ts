import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, FakePoller } from '../../test/support/fake-poller.js'
import { NOTHING_KNOWN } from '../../test/support/route-facts.js'
import { compileAccess, type NetworkRule } from '../admission/compile-access.js'
import type { IdentityRule } from '../admission/identity-list.js'
import { type AccessPlan, NO_ACCESS_RULES, type RuleListPlan } from '../admission/rule-list-plan.js'
import { parseNetwork } from '../base/cidr.js'
import { COUNTERS } from '../cells/layout.js'
import type { Fd } from '../kernel/calls.js'
import { AF_UNIX } from '../kernel/constants.js'
import { ENOPROTOOPT } from '../kernel/errno.js'
import { credentialsIn, type PeerCalls } from '../kernel/peer-credentials.js'
import { heapRegion, type Region } from '../kernel/region.js'
import { encodeAddress, SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import { COUNT } from '../observe/counters.js'
import { NOTICE } from '../observe/severity.js'
import { Loop } from '../reactor/loop.js'
import { AccessRules, clientKey, datagramKey, type Rejected } from './access-rules.js'

/** Descriptors. */
const JOE = 7
const ANN = 8
const ANYBODY = 9

/** Credentials of the client of each descriptor: user, group, supplementary groups. */
const CLIENTS: Readonly<Record<number, readonly number[]>> = {
  [JOE]: [1000, 100, 27, 50],
  [ANN]: [1001, 100],
}

/** A fake kernel that reports the credentials of these clients only. */
function fakePeers(): PeerCalls {
  const groups = new Uint32Array(16)
  return {
    groups,
    findCredentials(fd, peer) {
      const [user = 0, group = 0] = CLIENTS[fd] ?? []
      const view = new DataView(peer.bytes.buffer)
      // The layout of `credentialsIn`: struct ucred behind the family and a marker.
      peer.bytes.set([AF_UNIX, 0, CLIENTS[fd] === undefined ? 0 : 1])
      view.setUint32(8, user, true)
      view.setUint32(12, group, true)
      return CLIENTS[fd] === undefined ? -ENOPROTOOPT : 12
    },
    findGroups(fd) {
      const [, , ...further] = CLIENTS[fd] ?? []
      groups.set(further)
      return further.length
    },
  }
}

const BANNED = parseNetwork('10.9.0.0/16')
/** In line 7 of x.cfg. */
const denied: readonly NetworkRule[] = BANNED
  ? [{ isPermit: false, isNegated: false, networks: [BANNED], position: { file: 'x.cfg', line: 7 } }]
  : []

const NOON_MS = Date.UTC(2026, 0, 5, 12)

function permit(network: string): NetworkRule {
  const parsed = parseNetwork(network)
  assert.ok(parsed)
  return { isPermit: true, isNegated: false, networks: [parsed] }
}

function addresses(...rules: readonly NetworkRule[]): RuleListPlan {
  return {
    steps: [{ kind: 'addresses', table: compileAccess(rules) }],
    ofIp: { isPermit: false },
    ofUnix: { isPermit: true },
  }
}

/** Rules that admit only 10.0.0.0/8, and of the clients of Unix sockets those that `rules` admit. */
function world(...rules: readonly IdentityRule[]) {
  const { steps, ...list } = addresses(...denied, permit('10.0.0.0/8'))
  const section: RuleListPlan = {
    ...list,
    steps: [...steps, { kind: 'identities', rules }],
    ofUnix: { isPermit: rules.length === 0 },
  }
  return worldOf({ ...NO_ACCESS_RULES, section: rules.length === 0 ? { ...list, steps } : section })
}

function worldOf(access: AccessPlan) {
  const clock = new FakeClock()
  const loop = new Loop(new FakePoller(), clock)
  const counters = new Float64Array(COUNTERS.length)
  const said: (readonly [number, string])[] = []
  const log = (severity: number, text: string) => void said.push([severity, text])
  const written: string[] = []
  const writeAccess = ({ listener, peer, rule }: Rejected) =>
    void written.push(`${describeClient(peer)} ${listener} ${rule}`)
  const describeClient = (peer: Uint8Array) => {
    const who = credentialsIn(peer)
    return who === undefined ? `${peer.subarray(4, 8).join('.')}` : `user ${who.user}`
  }
  const accessRules = new AccessRules(
    {
      loop,
      counters,
      log,
      describeClient,
      peers: fakePeers(),
      peer: heapRegion(SOCKADDR_BYTES_MAX),
      listeners: [{ block: 0 }, { block: 1 }],
      wallMs: () => NOON_MS,
      writeAccess,
    },
    access,
  )
  const pass = (ms: number) => {
    clock.nowMs += ms
    loop.turn(0)
  }
  return { accessRules, counters, said, pass, written, rejected: () => counters[COUNT.rejected] }
}

function ipv4(host: string, port = 1): Region {
  return peer(encodeAddress({ family: 'ipv4', host, port }))
}

function ipv6(host: string): Region {
  return peer(encodeAddress({ family: 'ipv6', host, port: 1, scope: '' }))
}

function unix(): Region {
  return peer(encodeAddress({ family: 'unix', path: '/run/x' }))
}

function peer(address: Uint8Array): Region {
  const region = heapRegion(SOCKADDR_BYTES_MAX)
  region.bytes.set(address)
  return region
}

test('admitted clients are neither counted nor logged', () => {
  const { accessRules, rejected, said } = world()
  assert.equal(accessRules.admits(ANYBODY, ipv4('10.0.0.1'), 0, 'here'), true)
  assert.equal(accessRules.admits(ANYBODY, ipv6('::ffff:10.0.0.1'), 0, 'here'), true)
  assert.deepEqual([rejected(), said], [0, []])
})

test('network rules do not apply to clients of Unix sockets', () => {
  const { accessRules, rejected } = world()
  assert.equal(accessRules.admits(ANYBODY, unix(), 0, 'here'), true)
  assert.equal(rejected(), 0)
})

const ONLY_JOE: IdentityRule = { isPermit: true, isNegated: false, users: [1000], groups: [] }
const ONLY_ADMINS: IdentityRule = { isPermit: true, isNegated: false, users: [], groups: [50] }

test('clients of Unix sockets are judged by the credentials that the kernel reports', () => {
  for (const rule of [ONLY_JOE, ONLY_ADMINS]) {
    const { accessRules, rejected, said } = world(rule)
    assert.equal(accessRules.admits(JOE, unix(), 0, 'here'), true)
    assert.equal(accessRules.admits(ANN, unix(), 0, 'here'), false)
    assert.equal(rejected(), 1)
    assert.deepEqual(said, [
      [NOTICE, 'connection attempt from user 1001 rejected (listener here, rule none)'],
    ])
  }
})

test('rejects clients whose credentials the kernel does not report', () => {
  const { accessRules } = world({ isPermit: true, isNegated: true, users: [1001], groups: [] })
  assert.deepEqual(
    [accessRules.admits(JOE, unix(), 0, 'here'), accessRules.admits(ANYBODY, unix(), 0, 'here')],
    [true, false],
  )
})

test('user rules do not apply to IP clients', () => {
  const { accessRules } = world(ONLY_JOE)
  assert.equal(accessRules.admits(ANN, ipv4('10.0.0.1'), 0, 'here'), true)
  assert.equal(accessRules.admits(JOE, ipv4('192.0.2.7'), 0, 'here'), false)
})

test('peers that send PROXY headers: networks are about their clients, users and groups about the peers', () => {
  const { accessRules, rejected, said, written } = world(ONLY_JOE)
  assert.equal(accessRules.admitsSender(ANN, ipv4('192.0.2.7'), 0, 'here'), true)
  assert.equal(accessRules.admitsSender(JOE, unix(), 0, 'here'), true)
  assert.equal(accessRules.admitsSender(ANN, unix(), 0, 'here'), false)
  assert.deepEqual([rejected(), said.length, written.length], [1, 1, 1])
})

test('clients of PROXY headers: their sessions count them, and write their lines', () => {
  const { accessRules, pass, rejected, said, written } = world(ONLY_JOE)
  const against = (peer: Region, rules = accessRules) => {
    const client = { fd: JOE, peer: peer.bytes, isNamed: true, listenerSlot: 0, listener: 'here' }
    return rules.againstSender(client)?.rule
  }
  assert.equal(against(ipv4('10.0.0.1')), undefined)
  assert.equal(against(ipv4('10.9.0.1')), 'x.cfg:7')
  pass(1_000)
  assert.equal(against(ipv6('2001:db8::1')), 'none')
  pass(1_000)
  // A header does not say which user is behind a Unix socket.
  assert.equal(against(unix()), 'none')
  assert.equal(against(unix(), world().accessRules), undefined)
  assert.deepEqual([rejected(), written], [0, []])
  assert.equal(said[0]?.[1], 'connection attempt from 10.9.0.1 rejected (listener here, rule x.cfg:7)')
  assert.equal(said.length, 3)
})

test('counts and logs rejected clients', () => {
  const { accessRules, rejected, said } = world()
  assert.equal(accessRules.admits(ANYBODY, ipv4('192.0.2.7'), 0, 'here'), false)
  assert.equal(accessRules.admits(ANYBODY, ipv6('2001:db8::1'), 0, 'here'), false)
  assert.equal(rejected(), 2)
  assert.deepEqual(said, [[NOTICE, 'connection attempt from 192.0.2.7 rejected (listener here, rule none)']])
})

test('logs listener and rule of every rejected client', () => {
  const { accessRules, said, written } = world({
    ...ONLY_JOE,
    isPermit: false,
    position: { file: 'y.cfg', line: 3 },
  })
  for (const host of ['10.9.0.1', '10.1.0.1', '192.0.2.7']) accessRules.admits(ANYBODY, ipv4(host), 0, 'here')
  for (const client of [JOE, ANN, ANYBODY]) accessRules.admits(client, unix(), 0, 'there')
  assert.equal(said[0]?.[1], 'connection attempt from 10.9.0.1 rejected (listener here, rule x.cfg:7)')
  assert.deepEqual(written.slice(0, 4), [
    '10.9.0.1 here x.cfg:7',
    '192.0.2.7 here none',
    'user 1000 there y.cfg:3',
    'user 1001 there none',
  ])
  assert.match(written[4] ?? '', / there none$/)
  assert.equal(written.length, 5)
})

test('rejections are logged once a second, with the number of suppressed lines', () => {
  const { accessRules, pass, rejected, said } = world()
  for (let i = 0; i < 1_000; i++) {
    accessRules.admits(ANYBODY, ipv4('192.0.2.7'), 0, 'here')
    pass(1)
  }
  assert.equal(said.length, 1)
  accessRules.admits(ANYBODY, ipv4('192.0.2.8'), 0, 'here')
  assert.equal(
    said[1]?.[1],
    'connection attempt from 192.0.2.8 rejected (listener here, rule none) (999 similar suppressed)',
  )
  pass(1_000)
  accessRules.admits(ANYBODY, ipv4('192.0.2.9'), 0, 'here')
  assert.equal(said[2]?.[1], 'connection attempt from 192.0.2.9 rejected (listener here, rule none)')
  assert.equal(rejected(), 1_002)
})

test('the key of a client is its address without the port', () => {
  assert.equal(clientKey(ipv4('10.0.0.1', 1).bytes), clientKey(ipv4('10.0.0.1', 2).bytes))
  assert.notEqual(clientKey(ipv4('10.0.0.1').bytes), clientKey(ipv4('10.0.0.2').bytes))
  assert.notEqual(clientKey(ipv6('::1').bytes), clientKey(ipv6('::2').bytes))
  assert.equal(clientKey(unix().bytes), undefined)
})

test('the key of a UDP client is its address, its port and the destination port', () => {
  const at = (host: string, port: number) =>
    host.includes(':')
      ? encodeAddress({ family: 'ipv6', host, port, scope: '' })
      : encodeAddress({ family: 'ipv4', host, port })
  const local = at('127.0.0.1', 1812)
  const keys = [
    datagramKey(at('10.0.0.1', 5000), local),
    datagramKey(at('10.0.0.1', 5001), local),
    datagramKey(at('10.0.0.2', 5000), local),
    datagramKey(at('10.0.0.1', 5000), at('127.0.0.1', 1813)),
    datagramKey(at('2001:db8::1', 5000), local),
    datagramKey(at('2001:db8::1', 5001), local),
    clientKey(at('10.0.0.1', 5000)),
    clientKey(at('2001:db8::1', 5000)),
  ]
  assert.equal(new Set(keys).size, keys.length)
  assert.equal(datagramKey(at('10.0.0.1', 5000), at('127.0.0.2', 1812)), keys[0])
})

test('other rules decide from then on', () => {
  const { accessRules, written } = world()
  assert.equal(accessRules.admits(ANYBODY, ipv4('10.0.0.1'), 0, 'here'), true)
  accessRules.replace({ ...NO_ACCESS_RULES, section: addresses(permit('192.0.2.0/24')) })
  assert.equal(accessRules.admits(ANYBODY, ipv4('10.0.0.1'), 0, 'here'), false)
  assert.equal(accessRules.admits(ANYBODY, ipv4('192.0.2.1'), 0, 'here'), true)
  assert.deepEqual(written, ['10.0.0.1 here none'])
})

test('a client has to pass the rules of the section and those of its listener, each with its counter', () => {
  const { accessRules, counters, written } = worldOf({
    ...NO_ACCESS_RULES,
    section: addresses(...denied, permit('10.0.0.0/8')),
    listeners: new Map([
      [1, addresses(permit('10.1.0.0/16'), permit('10.9.0.0/16'), permit('192.0.2.0/24'))],
    ]),
  })
  const hosts = ['10.1.0.1', '10.2.0.1', '10.9.0.1', '192.0.2.1']
  const admitted = (slot: number) =>
    hosts.filter((host) => accessRules.admits(ANYBODY, ipv4(host), slot, `${slot}`))
  assert.deepEqual(admitted(0), ['10.1.0.1', '10.2.0.1'])
  assert.deepEqual(admitted(1), ['10.1.0.1'])
  assert.deepEqual(written, [
    '10.9.0.1 0 x.cfg:7',
    '192.0.2.1 0 none',
    '10.2.0.1 1 none@listener',
    '10.9.0.1 1 x.cfg:7',
    '192.0.2.1 1 none',
  ])
  assert.deepEqual([counters[COUNT.rejected], counters[COUNT.rejectedByListener]], [4, 1])
})

/** Denies a server name, then permits Joe, or 10.0.0.0/8; all others are rejected. */
const BY_NAME: AccessPlan = {
  ...NO_ACCESS_RULES,
  section: {
    steps: [
      {
        kind: 'condition',
        isPermit: false,
        isNegated: false,
        conditions: { serverNames: ['bad.test'] },
        position: { file: 'x.cfg', line: 3 },
      },
      { kind: 'identities', rules: [{ isPermit: true, isNegated: false, users: [1000], groups: [] }] },
      { kind: 'addresses', table: compileAccess([permit('10.0.0.0/8')]) },
    ],
    ofIp: { isPermit: false },
    ofUnix: { isPermit: false },
  },
}

test('rules about facts are open until the facts are known', () => {
  const { accessRules } = worldOf(BY_NAME)
  assert.equal(accessRules.needsFacts(0), true)
  assert.equal(world().accessRules.needsFacts(0), false)
  assert.deepEqual(
    [ipv4('10.0.0.1'), ipv4('192.0.2.1')].map((peer) => accessRules.admits(ANYBODY, peer, 0, 'here')),
    [true, false],
  )
  const second = (serverName: string, peer: Region, fd: Fd = ANYBODY, isNamed = false) => {
    const client = { fd, peer: peer.bytes, isNamed, listenerSlot: 0, listener: 'here' }
    const refusal = accessRules.againstClient(client, { ...NOTHING_KNOWN, serverName: () => serverName })
    return refusal === undefined ? 'in' : `${refusal.reason} ${refusal.rule}`
  }
  assert.equal(second('', ipv4('10.0.0.1')), 'in')
  assert.equal(second('bad.test', ipv4('10.0.0.1')), 'rejected x.cfg:3')
  assert.equal(second('good.test', unix(), JOE), 'in')
  assert.equal(second('good.test', unix(), ANN), 'rejected none')
  // The descriptor is that of a proxy.
  assert.equal(second('good.test', unix(), JOE, true), 'rejected none')
})

test('a route has rules of its own', () => {
  const { accessRules } = worldOf({
    ...NO_ACCESS_RULES,
    routes: new Map([
      [2, { ...addresses(...denied, permit('10.0.0.0/8')), route: { file: 'x.cfg', line: 9 } }],
    ]),
  })
  const peer = ipv4('10.9.0.1').bytes
  const client = { fd: ANYBODY, peer, isNamed: false, listenerSlot: 0, listener: 'here' }
  assert.deepEqual(
    [1, 2].map((route) => accessRules.hasRulesOf(route)),
    [false, true],
  )
  assert.equal(accessRules.againstRouted(client, NOTHING_KNOWN, 1), undefined)
  assert.deepEqual(accessRules.againstRouted(client, NOTHING_KNOWN, 2), {
    reason: 'route-rule',
    rule: 'x.cfg:7@route:x.cfg:9',
  })
})
