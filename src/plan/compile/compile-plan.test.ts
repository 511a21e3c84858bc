import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import { planOf } from '../../../test/support/compiled-plan.js'
import { NO_ACCESS_RULES } from '../../admission/rule-list-plan.js'
import { DEFAULT_BACK_OFF } from '../../balance/back-off.js'
import { NO_TLS } from '../../engine/tls-settings.js'
import { NO_OPTIONS } from '../../kernel/socket-options.js'
import { DEFAULT_RELAY_OPTIONS } from '../../relay/options.js'
import { PLAIN_REMOTE } from '../../relay/remote-options.js'
import { DEFAULT_SESSION_OPTIONS } from '../../relay/session-options.js'
import { SPLICE_POLICIES } from '../../relay/transfer/splice-policies.js'
import { FLAG_ACCOUNTING } from '../../wire/child-message.js'
import type { PlanSurroundings } from './compile-plan.js'
import { NO_REMOTE } from './remote-plans.js'

const LEAST = 'id = spawnd { listen { port = 1 } } id = tcprelay { remote { 10.0.0.1:2 } }'

const EVERYTHING = `
syslog ident = common
id = spawnd {
  listen {
    port = 101-102 realm = here backlog = 50 overload backlog = 7 sticky cache period = 60 sticky cache size = 9
    dscp = 5 user timeout = 3 flag = accounting max connections = 40
  }
  listen { port = 103-104 protocol = MPTCP bind to device = eth0 }
  permit 10.0.0.0/8
  permit user = nobody
  overload = reset
  tcp bufsize = 4096
  syslog ident = master
  spawn { instances min = 2 instances max = 4 users min = 3 users max = 20 sticky cache period = 30 }
}
id = tcprelay {
  remote { 10.0.0.1:2 weight = 3 fwmark = 8 max connections = 7 }
  remote { address = named.example port = 201-202 }
  remote { address = 10.0.0.3 port = same fast open = yes }
  connect timeout = 0 dial timeout = 4 dial retries = 1 idle timeout = 50 half-close timeout = 6
  max connections = 60 queue = { size = 90 timeout = 2s } rebalance = 11 retire = 1000 splice = no tcp keepalive idle = 12
  local address = 10.0.0.9 local port range = 2000-3000 access log = syslog
  syslog ident = children syslog facility = LOCAL0
  mavis authorization = host
  mavis timeout = 7
  mavis module = null { }
}
`

const POOLS = `
id = spawnd { listen { port = 101 pool = mail } listen { port = 102 } }
id = tcprelay {
  rebalance = 4 idle timeout = 60
  pool = web { remote { 10.0.0.2:80 } remote = { name = second address = 10.0.0.3:80 } dial retries = 0 }
  pool = mail { remote { 10.0.0.2:25 } rebalance = 0 idle timeout = 0 }
  remote { 10.0.0.1:2 }
}
`

const LEAST_USE = {
  backOff: { ...DEFAULT_BACK_OFF, jitter: 0.2 },
  retryBudgetPercent: undefined,
  hedge: undefined,
  policy: 'least-use',
  key: undefined,
  sticky: undefined,
  boundedLoad: undefined,
  tierMinUsable: 1,
  closesOnRecovery: false,
  closesOnDown: false,
  drainDeadlineMs: Number.POSITIVE_INFINITY,
  shed: undefined,
  slowStartAggression: 1,
  maxConnections: Number.POSITIVE_INFINITY,
  queueSize: Number.POSITIVE_INFINITY,
  slot: 0,
}

const SURROUNDINGS: PlanSurroundings = {
  listenerNames: ['[::]:101', '[::]:102', '[::]:103', '[::]:104'],
  listenerKinds: ['tcp', 'tcp', 'tcp', 'tcp'],
  listenerSlots: [5, 6, 7, 8],
  remoteSlots: [4, 1, 2],
  poolSlots: [0, 1, 2, 3],
  mechanism: 'poll',
}

test('without directives the plan has the defaults', () => {
  const { relay, pools, tls, workers } = planOf(LEAST)
  const { ephemeralPorts } = DEFAULT_RELAY_OPTIONS
  assert.deepEqual({ ...relay, ephemeralPorts }, DEFAULT_RELAY_OPTIONS)
  const { clientSource: _clientSource, ...options } = DEFAULT_SESSION_OPTIONS
  assert.deepEqual(pools, [
    { name: 'default', label: '', members: [0], spares: [], ...LEAST_USE, rebalance: 0, options },
  ])
  assert.deepEqual(tls, NO_TLS)
  assert.equal(workers.sessionsMax, Number.POSITIVE_INFINITY)
})

test('listeners: each port of a block is one, with everything about it', () => {
  const { listeners } = planOf(EVERYTHING, SURROUNDINGS)
  const first = {
    name: '[::]:101',
    kind: 'tcp',
    realm: 'here',
    pool: undefined,
    overrides: undefined,
    portIndex: 0,
    countersSlot: 5,
    maxConnections: 40,
    proxy: undefined,
    starttls: undefined,
    isMptcp: false,
    isUdp: false,
    queue: { backlog: 50, overloadBacklog: 7 },
    block: listeners[0]?.block,
    sticky: { periodMs: 60_000, size: 9 },
    message: {
      tlsVersions: 0,
      aaaProtocol: 0,
      flags: FLAG_ACCOUNTING,
      realm: 'here',
      listenerMark: 1,
      protocol: 6,
    },
    tls: { mode: 'off' },
    socket: { ...NO_OPTIONS, dscp: 5, userTimeoutMs: 3_000 },
  }
  const second = {
    ...first,
    name: '[::]:102',
    portIndex: 1,
    countersSlot: 6,
    maxConnections: 40,
    message: { ...first.message, listenerMark: 2 },
  }
  assert.deepEqual(listeners.slice(0, 2), [first, second])
  const third = listeners[2]
  assert.deepEqual([third?.isMptcp, third?.socket.device, third?.sticky], [true, 'eth0', undefined])
  assert.notEqual(third?.block, first.block)
})

test('remotes are at their slots, and the pool has no others', () => {
  const { pools, remotes } = planOf(EVERYTHING, SURROUNDINGS)
  const common = {
    weight: 1,
    slowStartMs: 0,
    tier: 0,
    maxConnections: Number.POSITIVE_INFINITY,
    tlsClient: undefined,
    starttls: undefined,
    options: PLAIN_REMOTE,
    sctp: undefined,
    failAfter: undefined,
    healthName: undefined,
  }
  const literal = (host: string, port: number) => [{ family: 'ipv4', host, port }]
  const marked = { ...PLAIN_REMOTE, socket: { ...NO_OPTIONS, fwmark: 8 } }
  assert.deepEqual(remotes, [
    NO_REMOTE,
    { ...common, name: 'named.example:201-202', addresses: [], ports: [201, 202, 201, 202] },
    {
      ...common,
      name: '10.0.0.3:same',
      addresses: literal('10.0.0.3', 0),
      ports: 'same',
      options: { ...PLAIN_REMOTE, isFastOpen: true },
    },
    NO_REMOTE,
    {
      ...common,
      name: '10.0.0.1:2',
      weight: 3,
      maxConnections: 7,
      addresses: literal('10.0.0.1', 2),
      ports: 'own',
      options: marked,
    },
  ])
  assert.deepEqual(
    pools.map(({ options: _options, ...pool }) => pool),
    [
      {
        name: 'default',
        label: '',
        members: [4, 1, 2],
        spares: [],
        ...LEAST_USE,
        maxConnections: 60,
        queueSize: 90,
        rebalance: 11,
      },
    ],
  )
})

test('times are milliseconds, and what has no limit is Infinity', () => {
  const { pools, relay } = planOf(EVERYTHING, SURROUNDINGS)
  assert.deepEqual(pools[0]?.options, {
    connectTimeoutMs: Number.POSITIVE_INFINITY,
    dialTimeoutMs: 4_000,
    queueTimeoutMs: 2_000,
    dialRetries: 1,
    attemptsMax: Number.POSITIVE_INFINITY,
    idleTimeoutMs: 50_000,
    halfCloseTimeoutMs: 6_000,
    keepAlive: { isOn: true, idleS: 12, intervalS: 0, count: 0 },
    splice: SPLICE_POLICIES.no,
    limits: undefined,
    localAddress: { family: 'ipv4', host: '10.0.0.9', port: 0 },
    localPorts: 3000 * 0x1_0000 + 2000,
  })
  assert.deepEqual(
    { ...relay, ephemeralPorts: undefined },
    {
      ephemeralPorts: undefined,
      retireLimit: 1000,
      hasAccessLog: true,
      logsReasons: false,
      asks: { about: 'host', timeoutMs: 7_000 },
      notesPeers: true,
    },
  )
})

test('pools: their remotes, what they override, and the listeners that select them', () => {
  const { defaultPool, listeners, pools } = planOf(POOLS, {
    ...SURROUNDINGS,
    listenerKinds: ['tcp', 'tcp'],
    remoteSlots: [0, 1, 2, 3],
    poolSlots: [0, 1, 2, 3],
  })
  assert.equal(defaultPool, 0)
  assert.deepEqual(
    listeners.map(({ pool }) => pool),
    [2, undefined],
  )
  assert.deepEqual(
    pools.map(({ label, members, name, options, rebalance }) => [
      name,
      label,
      members,
      rebalance,
      options.idleTimeoutMs,
      options.dialRetries,
    ]),
    [
      ['default', 'default', [0], 4, 60_000, 3],
      ['web', 'web', [1, 2], 4, 60_000, 0],
      ['mail', 'mail', [3], 0, Number.POSITIVE_INFINITY, 3],
    ],
  )
})

test('slow start of the section, a pool and a remote', () => {
  const text = `
id = spawnd { listen { port = 1 } }
id = tcprelay {
  slow start = 30s
  remote { 10.0.0.1:1 } remote { 10.0.0.2:1 slow start = 0 } remote { 10.0.0.3:1 slow start = 5s }
  pool = own { slow start = 10s slow start aggression = 1.5 remote { 10.0.0.4:1 } }
  pool = table { balance = maglev slow start = 0 remote { 10.0.0.5:1 } }
}`
  const { pools, remotes } = planOf(text, { ...SURROUNDINGS, remoteSlots: [0, 1, 2, 3, 4] })
  assert.deepEqual(
    remotes.map(({ slowStartMs }) => slowStartMs),
    [30_000, 0, 5_000, 10_000, 0],
  )
  assert.deepEqual(
    pools.map(({ slowStartAggression }) => slowStartAggression),
    [1, 1.5, 1],
  )
})

test('attempts, back-off and retry budget of the section and of pools', () => {
  const text = `
id = spawnd { listen { port = 1 } }
id = tcprelay {
  remote { 10.0.0.1:1 }
  attempts max = 9 back-off jitter = 50% retry budget = 30%
  pool = own {
    attempts max = 0 back-off first = 0.2 back-off max = 4m back-off jitter = 0 retry budget = 0 remote { 10.0.0.2:1 }
  }
  pool = same { back-off first = 0 remote { 10.0.0.3:1 } }
  route { server name = host.test dynamic = yes dynamic port = 443 dynamic names = host.test }
}`
  const { pools } = planOf(text, { ...SURROUNDINGS, remoteSlots: [0, 1, 2, 3], poolSlots: [0, 1, 2, 3] })
  assert.deepEqual(
    pools.map(({ backOff, options, retryBudgetPercent }) => [
      options.attemptsMax,
      retryBudgetPercent,
      backOff,
    ]),
    [
      [9, 30, { firstMs: 1_000, maxMs: 30_000, jitter: 0.5 }],
      [Number.POSITIVE_INFINITY, 0, { firstMs: 200, maxMs: 240_000, jitter: 0 }],
      [9, 30, { firstMs: 0, maxMs: 30_000, jitter: 0.5 }],
      [9, undefined, DEFAULT_BACK_OFF],
    ],
  )
})

test('pools hedge, except where a client has a remote of its own', () => {
  const text = `
id = spawnd { listen { port = 1 } }
id = tcprelay {
  hedge = p95
  remote { 10.0.0.1:1 }
  pool = fixed { hedge = 50ms remote { 10.0.0.2:1 } }
  pool = off { hedge = no remote { 10.0.0.3:1 } }
  pool = sticky { sticky = { ttl = 1h } remote { 10.0.0.4:1 } }
  pool = hashing { balance = source remote { 10.0.0.5:1 } }
}`
  const { pools } = planOf(text, { ...SURROUNDINGS, remoteSlots: [0, 1, 2, 3, 4] })
  assert.deepEqual(
    pools.map(({ hedge }) => hedge),
    [{ percentile: 95 }, { afterMs: 50 }, undefined, undefined, undefined],
  )
})

test('stickiness of the section and of pools', () => {
  const text = `
id = spawnd { listen { port = 1 } }
id = tcprelay {
  sticky = { ttl = 1h }
  remote { 10.0.0.1:1 }
  pool = own { sticky = { by = rdp cookie size = 4k } remote { 10.0.0.2:1 } }
  pool = off { sticky = { size = 0 } remote { 10.0.0.3:1 } }
}`
  const { pools, relay } = planOf(text, { ...SURROUNDINGS, remoteSlots: [0, 1, 2] })
  assert.deepEqual(
    pools.map(({ sticky }) => sticky),
    [
      { key: { by: 'source', ipv4Bits: 32, ipv6Bits: 128 }, ttlMs: 3_600_000, entries: 102_400 },
      { key: { by: 'rdp-cookie' }, ttlMs: 1_800_000, entries: 4_096 },
      undefined,
    ],
  )
  assert.equal(relay.notesPeers, true)
})

test('policies, keys and tiers', () => {
  const text = `
id = spawnd { listen { port = 1 } }
id = tcprelay {
  balance = maglev key = source/24 bounded load = 125
  remote { 10.0.0.1:1 weight = 0 } remote { 10.0.0.2:1 backup = yes } remote { 10.0.0.3:1 tier = 2 weight = -5 }
  pool = names { key = server name balance = source tier min usable = 2 remote { 10.0.0.4:1 } }
  pool = turns { balance = round-robin remote { 10.0.0.4:1 } }
}`
  const { pools, relay, remotes } = planOf(text, {
    ...SURROUNDINGS,
    remoteSlots: [0, 1, 2, 3, 4],
    poolSlots: [0, 1, 2, 3],
  })
  assert.deepEqual(
    pools.map(({ boundedLoad, key, policy, tierMinUsable }) => [policy, key, boundedLoad, tierMinUsable]),
    [
      ['maglev', { by: 'source', ipv4Bits: 24, ipv6Bits: 64 }, 1.25, 1],
      ['source', { by: 'server-name' }, 1.25, 2],
      ['round-robin', undefined, 1.25, 1],
    ],
  )
  assert.deepEqual(
    remotes.map(({ tier, weight }) => [tier, weight]),
    [
      [0, 0],
      [1, 1],
      [2, 1],
      [0, 1],
      [0, 1],
    ],
  )
  assert.equal(relay.notesPeers, true)
})

test('without remotes outside of pools there is no pool for listeners that select none', () => {
  const text =
    'id = spawnd { listen { port = 1 pool = a } } id = tcprelay { pool = a { remote { 10.0.0.1:2 } } }'
  assert.equal(planOf(text).defaultPool, undefined)
})

test('what processes need: placement of clients, and the log of children', () => {
  const { mavis, process, workers } = planOf(EVERYTHING, SURROUNDINGS)
  assert.deepEqual(workers, {
    placement: { instancesMin: 2, instancesMax: 4, usersMin: 3, usersMax: 20 },
    sessionsMax: 20,
    retireLimit: 1000,
    overload: 'reset',
    wireBufferBytes: 4096,
    sticky: workers.sticky,
  })
  assert.equal(workers.sticky?.periodMs, 30_000)
  assert.deepEqual(process, {
    mechanism: 'poll',
    log: {
      syslogIdent: 'children',
      syslogFacility: 'LOCAL0',
      syslogSeverity: 'INFO',
      debugRedirect: undefined,
    },
    debugMask: 0,
    hidesMemory: false,
    sandbox: 'yes',
  })
  assert.deepEqual(
    mavis.modules.map(({ module }) => module),
    ['null'],
  )
})

test('access rules: networks are compiled, those of users are a list', () => {
  const { section } = planOf(EVERYTHING, SURROUNDINGS).access
  assert.deepEqual(
    section.steps.map(({ kind }) => kind),
    ['addresses', 'identities'],
  )
  assert.deepEqual(planOf(LEAST).access, NO_ACCESS_RULES)
})

test('a plan survives the way to a child and to a thread', () => {
  const script = 'script out = { if (user =~ /^x(y)/) set comment = "$1" }'
  const groups = 'mavis module = groups { group filter = /^admin/ }'
  const text = EVERYTHING.replace('module = null { }', `module = null { ${script} }\n${groups}`)
  const plan = planOf(text, SURROUNDINGS)
  assert.deepEqual(deserialize(serialize(plan)), plan)
  assert.deepEqual(structuredClone(plan), plan)
})

test('the queue of a pool is that of its own block, or of the section', () => {
  const { pools } = planOf(
    `
id = spawnd { listen { port = 1 } }
id = tcprelay {
  remote { 10.0.0.1:1 } max connections = 5 connect timeout = 7 queue = { size = 8 timeout = 3 }
  pool = a { remote { 10.0.0.2:1 } queue = { size = 0 } }
  pool = b { remote { 10.0.0.3:1 } queue = { timeout = 0 } }
}
`,
    { ...SURROUNDINGS, remoteSlots: [0, 1, 2] },
  )
  const queues = pools.map(({ options, queueSize }) => [queueSize, options.queueTimeoutMs])
  assert.deepEqual(queues, [
    [8, 3_000],
    [0, 7_000],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])
  const [alone] = planOf(LEAST.replace('id = tcprelay {', 'id = tcprelay { connect timeout = 7')).pools
  assert.deepEqual([alone?.queueSize, alone?.options.queueTimeoutMs], [Number.POSITIVE_INFINITY, 7_000])
})
