import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onlyPool, run, simulated, type Wish } from '../../test/support/run-simulation.js'
import { BEGIN_MS, type Line, planOfText, traceOf } from '../../test/support/simulation-plan.js'
import { NO_REMOTE } from './decision.js'
import { generateTrace } from './generate-trace.js'
import type { PoolReport } from './report.js'
import { reportText } from './report-text.js'

const TWO =
  'id = spawnd { listen { port = 80 } } id = tcprelay { remote { name = a 10.0.0.1:1 } remote { name = b 10.0.0.2:1 } }'

const connections = ({ remotes }: PoolReport) => remotes.map(({ simulated }) => simulated.connections)

test('counts sessions over time as one would by hand', () => {
  // a has a session from 0 to 10 and from 2 to 4, b one from 5 to 10.
  const lines = [
    { at: 0, seconds: 10, fields: 'remote=a' },
    { at: 2, seconds: 2, fields: 'remote=a' },
    { at: 5, seconds: 5, fields: 'remote=b' },
  ]
  const { logged, remotes } = onlyPool(run(TWO, lines))
  assert.deepEqual(
    remotes.map(({ logged }) => logged),
    [
      { connections: 2, share: 2 / 3, meanSessions: 1.2, peakSessions: 2 },
      { connections: 1, share: 1 / 3, meanSessions: 0.5, peakSessions: 1 },
    ],
  )
  assert.equal(logged?.connectionImbalance, 2 / 1.5)
  // The highest is that of a at all times: 12 of 17 session-seconds.
  assert.ok(Math.abs((logged?.sessionImbalance ?? 0) - 12 / 8.5) < 1e-9)
})

test('takes connections in the order of their starts, not of their ends', () => {
  const lines = [
    { at: 1, seconds: 1, fields: 'remote=a' },
    { at: 0, seconds: 9, fields: 'remote=a' },
  ]
  const { remotes } = onlyPool(run(TWO, lines))
  // The first one, which is the second line, is still there: the other one goes to b.
  assert.deepEqual(
    remotes.map(({ simulated }) => simulated.meanSessions),
    [1, 1 / 9],
  )
})

test('weights share the expected load', () => {
  const text = TWO.replace('10.0.0.2:1', '10.0.0.2:1 weight = 3')
  const lines = Array.from({ length: 40 }, (_, at) => ({ at, seconds: 1_000, fields: 'remote=a' }))
  const { logged, remotes, simulated } = onlyPool(run(text, lines))
  assert.deepEqual(
    remotes.map(({ expectedShare }) => expectedShare),
    [0.25, 0.75],
  )
  assert.deepEqual(
    remotes.map(({ simulated }) => simulated.connections),
    [10, 30],
  )
  assert.equal(simulated.connectionImbalance, 1)
  // Only remotes that the log names count for what happened.
  assert.equal(logged?.connectionImbalance, 1)
})

test('counts clients that move to another remote', () => {
  const lines = [
    { at: 0, client: '192.0.2.1:1', fields: 'remote=a' },
    { at: 1, client: '192.0.2.1:2', fields: 'remote=b' },
    { at: 2, client: '192.0.2.1:3', fields: 'remote=a' },
    { at: 3, client: '192.0.2.2:1', fields: 'remote=a' },
    { at: 4, client: '192.0.2.2:1', fields: 'remote=a' },
  ]
  const { logged, simulated } = onlyPool(run(TWO, lines, { policy: 'source' }))
  assert.deepEqual([logged?.clients, logged?.movedClients, logged?.moves], [2, 1, 2])
  assert.deepEqual([simulated.clients, simulated.movedClients, simulated.moves], [2, 0, 0])
})

test('counts connections that get another remote than in the log', () => {
  const lines = Array.from({ length: 10 }, (_, at) => ({ at, seconds: 1, fields: 'remote=b' }))
  assert.equal(onlyPool(run(TWO, lines, { policy: 'first' })).different, 10)
  const same = lines.map((line) => ({ ...line, fields: 'remote=a' }))
  assert.equal(onlyPool(run(TWO, same, { policy: 'first' })).different, 0)
})

test('an outage cuts sessions, and clients go to the other remotes until it is over', () => {
  const lines = [
    { at: 0, seconds: 100, fields: 'remote=a' },
    ...Array.from({ length: 100 }, (_, i) => ({ at: i + 1, fields: 'remote=a' })),
  ]
  const report = run(TWO, lines, { policy: 'first', down: [['a', 10.5, 20.5]] })
  const { simulated } = onlyPool(report)
  assert.equal(simulated.cut, 1)
  assert.equal(simulated.noRemote, 0)
  const [a = 0, b = 0] = connections(onlyPool(report))
  // Back-offs of 1, 2, 4 and 8 s: a is found again by the client at 26 s.
  assert.deepEqual([a, b], [101 - 15, 15])
})

test('an outage without an end lasts to the end', () => {
  const lines = Array.from({ length: 50 }, (_, at) => ({ at, fields: 'remote=a' }))
  assert.deepEqual(connections(onlyPool(run(TWO, lines, { policy: 'first', down: [['a', 5]] }))), [5, 45])
})

test('clients wait for further rounds when all remotes are down', () => {
  const text = TWO.replace('id = tcprelay {', 'id = tcprelay { dial retries = 2')
  const lines = [0, 1.5, 2.5, 3.5, 4.5, 9].map((at) => ({ at, fields: 'remote=a' }))
  const down: Wish['down'] = [
    ['a', 1, 5],
    ['b', 1, 5],
  ]
  const { trace } = traceOf(lines)
  const { decisions, report } = simulated(text, trace, { down })
  // Rounds at 1.5, 2.5 and 3.5 s fail; the client of 3.5 s is served at 5.5 s.
  assert.deepEqual(
    [...decisions].map((decision) => (decision >= 0 ? 'served' : decision)),
    ['served', NO_REMOTE, NO_REMOTE, 'served', 'served', 'served'],
  )
  assert.equal(onlyPool(report).simulated.noRemote, 2)
})

test('`dial timeout` ends the wait', () => {
  const text = TWO.replace('id = tcprelay {', 'id = tcprelay { dial retries = 9 dial timeout = 2')
  const lines = [0, 1, 20].map((at) => ({ at, fields: 'remote=a' }))
  const down: Wish['down'] = [
    ['a', 0.5, 3.5],
    ['b', 0.5, 3.5],
  ]
  assert.equal(onlyPool(run(text, lines, { down })).simulated.noRemote, 1)
})

test('clients of a sticky pool keep their remotes, and get them back after an outage', () => {
  const text = TWO.replace('id = tcprelay {', 'id = tcprelay { sticky = { ttl = 60s }')
  const lines = Array.from({ length: 200 }, (_, at) => ({
    at: at / 2,
    client: `192.0.2.${at % 5}:1`,
    fields: 'remote=a',
  }))
  const calm = onlyPool(run(text, lines)).simulated
  assert.deepEqual([calm.clients, calm.moves], [5, 0])
  const { movedClients, moves } = onlyPool(run(text, lines, { down: [['a', 20, 40]] })).simulated
  assert.ok(movedClients === 2 || movedClients === 3, `${movedClients} clients moved`)
  assert.equal(moves, 2 * movedClients)
  const later = lines.map((line) => ({ ...line, at: line.at < 50 ? line.at : line.at + 120 }))
  const forgotten = simulated(text, traceOf(later).trace, { policy: 'random' }).decisions
  const kept = simulated(text.replace('60s', '1h'), traceOf(later).trace, { policy: 'random' }).decisions
  assert.deepEqual(forgotten.slice(0, 100), kept.slice(0, 100))
  assert.notDeepEqual(forgotten, kept)
})

test('a remote starts slowly after an outage', () => {
  const slow = TWO.replace('id = tcprelay {', 'id = tcprelay { slow start = 100s')
  const lines = Array.from({ length: 1_000 }, (_, i) => ({ at: i / 5, fields: 'remote=a' }))
  const sharesOf = (text: string) => {
    const { decisions } = simulated(text, traceOf(lines).trace, { down: [['a', 10, 20]] })
    // Back-offs are over at 26 s.
    return [...decisions.slice(150, 350)].filter((row) => row === 0).length / 200
  }
  assert.ok(sharesOf(slow) < 0.35, `${sharesOf(slow)} of the clients`)
  assert.ok(sharesOf(TWO) > 0.45, `${sharesOf(TWO)} of the clients`)
})

test('listeners may override the number of rounds', () => {
  const text = TWO.replace('port = 80', 'port = 80 dial retries = 0')
  const down: Wish['down'] = [
    ['a', 0, 3],
    ['b', 0, 3],
  ]
  const lines = [0, 9].map((at) => ({ at, fields: 'remote=a' }))
  assert.equal(onlyPool(run(text, lines, { down })).simulated.noRemote, 1)
  assert.equal(onlyPool(run(TWO, lines, { down })).simulated.noRemote, 0)
})

/** Attempts cannot be seen, but at which rounds clients give up. */
test('`attempts max` ends clients as soon as one more attempt would be needed', () => {
  const down: Wish['down'] = [
    ['a', 0.5, 3.5],
    ['b', 0.5, 3.5],
  ]
  const lines = [0, 1.5, 2, 20].map((at) => ({ at, fields: 'remote=a' }))
  const servedWith = (words: string) => {
    const text = TWO.replace('id = tcprelay {', `id = tcprelay { ${words}`)
    return [...simulated(text, traceOf(lines).trace, { down }).decisions].map((decision) => decision >= 0)
  }
  // A round is two attempts: those of 1.5 and 2 s are served in their third one.
  assert.deepEqual(servedWith('dial retries = 9'), [true, true, true, true])
  assert.deepEqual(servedWith('dial retries = 9 attempts max = 5'), [true, true, true, true])
  assert.deepEqual(servedWith('dial retries = 9 attempts max = 4'), [true, false, false, true])
  assert.deepEqual(servedWith('dial retries = 9 attempts max = 1'), [true, false, false, true])
  const own = TWO.replace('port = 80', 'port = 80 attempts max = 4')
  assert.equal(onlyPool(run(own, lines, { down })).simulated.noRemote, 2)
})

test('`retry budget` ends clients of a pool that is down, and does not touch a pool with a remote left', () => {
  const lines = Array.from({ length: 4_000 }, (_, i) => ({ at: i / 100, fields: 'remote=a' }))
  const rejectedWith = (words: string, down: Wish['down'] & {}) => {
    const text = TWO.replace('id = tcprelay {', `id = tcprelay { ${words}`)
    return onlyPool(run(text, lines, { down })).simulated.noRemote
  }
  const both: Wish['down'] = [
    ['a', 10, 11.2],
    ['b', 10, 11.2],
  ]
  assert.equal(rejectedWith('', both), 0)
  // 120 clients try the other remote, 20 of them both again, and all succeed after the outage: 280 retries.
  assert.equal(rejectedWith('retry budget = 20%', both), 0)
  const rejected = rejectedWith('retry budget = 10%', both)
  assert.ok(rejected > 60 && rejected < 100, `${rejected} of 120 clients`)
  assert.equal(rejectedWith('retry budget = 0', [['a', 10, 30]]), 0)
})

test('back-off has the numbers of the pool, and the same jitter for the same seed', () => {
  const lines = Array.from({ length: 600 }, (_, i) => ({ at: i / 10, fields: 'remote=a' }))
  const servedBy = (words: string, seed = 1) => {
    const text = TWO.replace('id = tcprelay {', `id = tcprelay { ${words}`)
    const { decisions } = simulated(text, traceOf(lines).trace, {
      policy: 'first',
      down: [['a', 10, 20.05]],
      seed,
    })
    return [...decisions]
  }
  // Failures at 10 s and each 2 s later.
  const exact = servedBy('back-off jitter = 0 back-off first = 2s back-off max = 2s')
  assert.deepEqual([exact.lastIndexOf(1), exact.filter((row) => row === 1).length], [219, 120])
  assert.equal(servedBy('back-off first = 0').filter((row) => row === 1).length, 101)
  const spread = 'back-off jitter = 100%'
  assert.deepEqual(servedBy(spread, 5), servedBy(spread, 5))
  assert.notDeepEqual(servedBy(spread, 5), servedBy(spread, 6))
})

test('full remotes and pools get no clients', () => {
  const text = TWO.replace('10.0.0.1:1', '10.0.0.1:1 max connections = 3')
  const lines = Array.from({ length: 10 }, (_, i) => ({ at: i / 10, seconds: 60, fields: 'remote=a' }))
  const { remotes, simulated } = onlyPool(run(text, lines, { policy: 'first' }))
  assert.deepEqual(
    remotes.map(({ simulated }) => simulated.peakSessions),
    [3, 7],
  )
  assert.equal(simulated.noRemote, 0)
  const capped = text.replace('id = tcprelay {', 'id = tcprelay { max connections = 5 queue = { size = 0 }')
  assert.equal(onlyPool(run(capped, lines, { policy: 'first' })).simulated.queue.full, 5)
})

test('the hosts of dynamic routes count as one remote', () => {
  const text = TWO.replace(
    'id = tcprelay {',
    'id = tcprelay { route = { server name = * dynamic = yes dynamic names = *.example.com } route = { pool = default }',
  )
  const tls = 'tls=passed sni=www.example.com'
  const lines = [
    { at: 0, fields: `remote=www.example.com:443 ${tls}` },
    { at: 1, fields: `remote=other.example.com:443 ${tls}` },
    { at: 2, fields: 'remote=a' },
    { at: 3, fields: 'tls=passed sni=www.example.org', end: 'name-not-allowed' },
  ]
  const [own, hosts, ...others] = run(text, lines).pools
  assert.deepEqual([own?.simulated.connections, own?.logged?.connections, own?.different], [1, 1, 0])
  assert.deepEqual([hosts?.simulated.connections, hosts?.logged?.connections, hosts?.different], [2, 2, 0])
  assert.deepEqual(others, [])
  assert.deepEqual(planOfText(text).notes, [
    'dynamic route 1: the hosts that its clients ask for count as one remote',
  ])
})

test('a backup remote is used while the others are down', () => {
  const text = TWO.replace('10.0.0.2:1', '10.0.0.2:1 backup = yes')
  const lines = Array.from({ length: 20 }, (_, at) => ({ at, fields: 'remote=a' }))
  const pool = onlyPool(run(text, lines, { down: [['a', 9.5]] }))
  assert.deepEqual(connections(pool), [10, 10])
  assert.deepEqual(
    pool.remotes.map(({ expectedShare }) => expectedShare),
    [1, 0],
  )
})

const ROUTED = `
id = spawnd { listen { name = front port = 80 } listen { name = direct port = 81 pool = web } deny 203.0.113.0/24 permit 0.0.0.0/0 }
id = tcprelay {
  pool = web { remote { name = w 10.0.0.1:1 } }
  pool = db { remote { name = d 10.0.0.2:1 } }
  route = { server name = *.example.com pool = web }
  route = { source = 198.51.100.0/24 pool = db }
  route = { source = 192.0.2.99 reject = close }
}`

test('routes and access rules decide as they do in the relay', () => {
  const tls = 'pool=web remote=w tls=TLSv1.3 sni=www.example.com'
  const lines: Line[] = [
    { at: 0, listener: 'front', fields: tls },
    { at: 1, listener: 'front', fields: 'pool=web remote=w', client: '198.51.100.7:1' },
    { at: 2, listener: 'direct', fields: 'pool=web remote=w' },
    { at: 3, listener: 'front', fields: 'pool=web remote=w' },
    { at: 4, listener: 'front', fields: 'pool=web remote=w', client: '192.0.2.99:1' },
    { at: 5, listener: 'front', fields: tls, client: '203.0.113.1:1' },
    { at: 6, listener: 'front', end: 'no-route' },
    { at: 7, listener: 'front', end: 'rejected', client: '198.51.100.7:1' },
  ]
  const { pools, refused } = run(ROUTED, lines)
  assert.deepEqual(pools.map(connections), [[2], [2]])
  assert.deepEqual(refused, {
    simulated: { rejected: 1, noRoute: 2, rejectedByRoute: 1 },
    logged: { rejected: 1, noRoute: 1, rejectedByRoute: 0 },
  })
})

test('where routes ask for what no log has, clients get the pools of the log', () => {
  const text = ROUTED.replace('server name = *.example.com', 'protocol = ssh')
  const lines: Line[] = [
    { at: 0, listener: 'front', fields: 'pool=db remote=d' },
    { at: 1, listener: 'front', fields: 'pool=gone remote=x' },
    { at: 2, listener: 'front', end: 'rejected-by-route' },
  ]
  const { pools, refused } = run(text, lines)
  assert.deepEqual(pools.map(connections), [[0], [1], [0]])
  assert.deepEqual(refused.simulated, { rejected: 0, noRoute: 1, rejectedByRoute: 1 })
  const { notes } = planOfText(text)
  assert.deepEqual(notes, [
    'listener front: routes ask for the protocol, which no access log has: its clients get the pools of the log',
  ])
})

test('connections that no configuration would change are left out', () => {
  const lines: Line[] = [
    { at: 0, listener: 'front', end: 'bad-greeting' },
    { at: 1, listener: 'front', end: 'mavis-denied' },
    { at: 2, listener: 'front', end: 'mavis-denied' },
    { at: 3, listener: 'elsewhere', fields: 'pool=web remote=w' },
    { at: 4, listener: '192.0.2.5:81', fields: 'pool=web remote=w' },
    { at: 5, listener: 'elsewhere', end: 'no-route' },
  ]
  const { pools, trace } = run(ROUTED, lines)
  assert.deepEqual(trace.leftOut, { 'end=bad-greeting': 1, 'end=mavis-denied': 2, 'listener=elsewhere': 2 })
  assert.deepEqual(pools.map(connections), [[1], [0]], 'the port identifies a listener')
})

test('pools and remotes that only the log has are reported', () => {
  const lines = [
    { at: 0, fields: 'remote=a' },
    { at: 1, fields: 'remote=old' },
    { at: 2, fields: 'pool=gone remote=x' },
  ]
  const { pools } = run(TWO, lines)
  assert.deepEqual(
    pools.map(({ name, remotes }) => [name, remotes.map(({ name, weight }) => [name, weight])]),
    [
      [
        'default',
        [
          ['a', 1],
          ['b', 1],
          ['old', undefined],
        ],
      ],
      ['gone', [['x', undefined]]],
    ],
  )
  assert.deepEqual(
    pools.map(({ logged }) => logged?.connections),
    [2, 1],
  )
})

test('a trace without connections has a report', () => {
  const { pools, trace } = run(TWO, [])
  assert.deepEqual(trace, { connections: 0, clients: 0, leftOut: {} })
  assert.deepEqual(pools.map(connections), [[0, 0]])
})

test('policies that measure bytes get them evenly over the length of a session', () => {
  // The first client of each pair transfers all the bytes.
  const lines = Array.from({ length: 400 }, (_, i) => ({
    at: i,
    seconds: 60,
    bytes: i % 2 === 0 ? 60_000_000 : 0,
    fields: 'remote=a',
  }))
  const { trace } = traceOf(lines)
  const { decisions } = simulated(TWO, trace, { policy: 'least-bandwidth' })
  const heavy = [...decisions].filter((_, i) => i % 2 === 0)
  const onFirst = heavy.filter((row) => row === 0).length
  assert.ok(onFirst > 70 && onFirst < 130, `${onFirst} of 200 heavy sessions`)
})

test('the same seed gives the same trace and the same choices', () => {
  const generation = { count: 2_000, ratePerS: 50, clients: 100, lengthMs: 1_000, listeners: ['*:80'] }
  const decisionsOf = (seed: number) => {
    const trace = generateTrace({ ...generation, seed })
    return [trace.startMs.slice(0, 2_000), simulated(TWO, trace, { policy: 'random', seed }).decisions]
  }
  assert.deepEqual(decisionsOf(5), decisionsOf(5))
  assert.notDeepEqual(decisionsOf(5), decisionsOf(6))
})

test('generated connections have the distributions that they are meant to have', () => {
  const count = 50_000
  const clients = 1_000
  const trace = generateTrace({
    count,
    clients,
    ratePerS: 200,
    lengthMs: 2_000,
    seed: 11,
    listeners: ['x', 'y'],
  })
  const lastS = ((trace.startMs[count - 1] ?? 0) - BEGIN_MS) / 1_000
  assert.ok(Math.abs(lastS - count / 200) < 10, `${lastS} s`)
  const lengths = trace.lengthMs.slice(0, count).sort()
  assert.ok(Math.abs((lengths[count / 2] ?? 0) - 2_000) < 100, `${lengths[count / 2]} ms`)
  const popularity = new Int32Array(trace.clients.count)
  for (const client of trace.client.subarray(0, count)) popularity[client] = (popularity[client] ?? 0) + 1
  popularity.sort().reverse()
  // The harmonic number of 1,000 is 7.49.
  const first = (popularity[0] ?? 0) / (count / 7.49)
  assert.ok(Math.abs(first - 1) < 0.1, `${popularity[0]} connections of the first client`)
  assert.ok(Math.abs((popularity[9] ?? 0) / (popularity[0] ?? 1) - 0.1) < 0.03)
  const listeners = trace.listener.subarray(0, count).filter((word) => trace.words.text(word) === 'x').length
  assert.ok(Math.abs(listeners / count - 0.5) < 0.02)
})

const GOLDEN = `\
12 connections of 4 clients, 2026-01-01T00:00:00.000Z to 2026-01-01T00:00:13.000Z
not simulated: 2 with end=bad-greeting
a note

pool default (round-robin)
  remote  weight  expected  connections   share  mean  peak  |  log: connections  log: share  log: mean  log: peak
  a            1    50.0 %            5  50.0 %   1.5     2  |                 8      80.0 %        2.5          4
  b            1    50.0 %            5  50.0 %   1.5     2  |                 1      10.0 %        0.3          1
  old          -         -            0   0.0 %   0.0     0  |                 1      10.0 %        0.3          1

                                simulated   log
  connections                          10    10
  clients                               3     3
  moved clients                         3     1
  moves                                 7     2
  refused: no remote                    0     0
  cut by outages                        0     -
  imbalance of connections           1.00  1.78
  imbalance of sessions              1.10  1.78
  other remote than in the log          6
`

test('prints a report', () => {
  const remotes = ['a', 'a', 'b', 'a', 'a', 'old', 'a', 'a', 'a', 'a']
  const lines: Line[] = [
    ...remotes.map((name, at) => ({
      at,
      seconds: 4,
      client: `192.0.2.${at % 3}:1`,
      fields: `remote=${name}`,
    })),
    { at: 11, end: 'bad-greeting', client: '192.0.2.9:1' },
    { at: 12, end: 'bad-greeting', client: '192.0.2.9:1' },
  ]
  assert.equal(reportText(run(TWO, lines, { policy: 'round-robin' }), ['a note']), GOLDEN)
})

test('prints refused clients, and only what was simulated without a log', () => {
  const denied: Line[] = [
    { at: 0, listener: 'front', client: '203.0.113.1:1', fields: 'pool=web remote=w' },
    { at: 1, listener: 'front', fields: 'pool=web remote=w' },
    { at: 2, listener: 'front', end: 'no-route' },
  ]
  const [, refused] = reportText(run(ROUTED, denied), []).split('\n\n  refused')
  assert.equal(
    refused,
    '          simulated  log\n  by access rules          1    0\n  no route                 2    1\n  by routes                0    0\n',
  )
  const trace = generateTrace({
    count: 10,
    clients: 1,
    ratePerS: 1,
    lengthMs: 1,
    seed: 1,
    listeners: ['*:80'],
  })
  const text = reportText(simulated(TWO, trace).report, ['seed 1'])
  assert.match(text, /^10 connections of 1 clients, 2026-01-01T.*\nseed 1\n\npool default \(least-use\)\n/)
  assert.ok(!text.includes('log'), text)
})
