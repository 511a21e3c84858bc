/** The phase `proxy-header`: whose header is used, and what becomes of connections without one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type DetectingOptions, DetectingWorld } from '../../../test/support/detecting-world.js'
import { v1Header, v2Header } from '../../../test/support/proxy-header.js'
import { proxySeed, runs } from '../../../test/support/proxy-runs.js'
import { compileAccess } from '../../admission/compile-access.js'
import { parseNetwork } from '../../base/cidr.js'
import { COUNT } from '../../observe/counters.js'
import { PROTOCOL } from '../../wire/sniff/protocol-names.js'
import { latinBytes } from '../../wire/sniff/read.js'
import type { ClientRules } from '../context.js'

const TIMEOUT_MS = 5_000

/** Peers inside and outside of `proxy from`. */
const PROXY = '192.0.2.1'
const OTHER = '203.0.113.5'

function worldWith(isOptional: boolean, rest: DetectingOptions = {}): DetectingWorld {
  const networks = [parseNetwork('192.0.2.0/24')].filter((network) => network !== undefined)
  const from = compileAccess([{ isPermit: true, isNegated: false, networks }])
  return new DetectingWorld({ ...rest, proxy: { isOptional, from, timeoutMs: TIMEOUT_MS } })
}

const V1 = v1Header({ source: '198.51.100.9', port: 7 })
const V2 = v2Header({ family: 0x11, source: [198, 51, 100, 9], port: 7 })
const SSH = latinBytes('SSH-2.0-x\r\n')
const DETECTS_SSH = { detection: { protocols: 1 << PROTOCOL.ssh, keys: [], timeoutMs: TIMEOUT_MS } }

const ends = (world: DetectingWorld) =>
  world.ended.map(({ client, reason, via }) => ({ client, reason, via }))

test('the client of the header replaces the peer, and its bytes begin behind the header', () => {
  for (const header of [V1, V2]) {
    const world = worldWith(false, DETECTS_SSH)
    world.connect(Buffer.concat([header, SSH]), PROXY)
    assert.deepEqual(world.routed, [{ protocol: 'ssh', key: '', afterMs: 0 }])
    world.cut()
    assert.deepEqual(ends(world), [{ client: '198.51.100.9:7', reason: 'shutdown', via: '192.0.2.1:1024' }])
  }
})

test('a session that is frozen and thawed keeps its client, its peer and its TLVs', () => {
  const world = worldWith(false)
  const header = v2Header({ family: 0x11, source: [198, 51, 100, 9], port: 7, tlvs: [[1, [0x68, 0x32]]] })
  world.connect(Buffer.concat([header, SSH]), PROXY)
  world.accept()
  assert.deepEqual(world.phases, ['relaying'])
  world.move()
  world.cut()
  assert.deepEqual(ends(world), [{ client: '198.51.100.9:7', reason: 'shutdown', via: '192.0.2.1:1024' }])
  assert.equal(world.ended[0]?.tlvs, 'alpn:h2')
})

test('a header that arrives byte by byte stays in the kernel until it is complete', () => {
  for (const header of [V1, V2]) {
    const world = worldWith(false, DETECTS_SSH)
    const client = world.connect(header.subarray(0, 1), PROXY)
    for (let at = 1; at < header.length - 1; at++) world.send(client, header.subarray(at, at + 1))
    world.pass(300)
    assert.deepEqual(world.phases, ['proxy-header'])
    assert.equal(client.received.length, header.length - 1)
    world.send(client, header.subarray(-1))
    world.pass(300)
    assert.deepEqual(world.phases, ['detecting'])
    assert.equal(client.received.length, 0)
    world.send(client, SSH)
    assert.deepEqual(
      world.routed.map(({ protocol }) => protocol),
      ['ssh'],
    )
  }
})

test('peeks again on a timer, since no poller reports peeked bytes', () => {
  const world = worldWith(false)
  const client = world.connect(V1.subarray(0, 9), PROXY)
  client.received.push(V1.subarray(9))
  world.pass(20)
  assert.equal(world.routed.length, 1)
})

test('a header without a client leaves the peer as the client', () => {
  for (const header of [latinBytes('PROXY UNKNOWN\r\n'), v2Header({ command: 0, family: 0 })]) {
    const world = worldWith(false)
    world.connect(header, PROXY)
    world.cut()
    assert.deepEqual(ends(world), [{ client: '192.0.2.1:1024', reason: 'shutdown', via: '' }])
  }
})

test('a missing, malformed or late header ends the connection, with one line for each', () => {
  const late = `timed out`
  for (const [bytes, wanted] of [
    ['GET / HTTP/1.1\r\n', 'is missing'],
    ['PROXY TCP9 1 2 3 4\r\n', 'is malformed: invalid line of version 1'],
    ['PROXY TCP4 ', late],
    ['PRO', 'is missing'],
    ['', late],
  ] as const) {
    const world = worldWith(false)
    world.connect(latinBytes(bytes), PROXY)
    world.pass(TIMEOUT_MS)
    assert.deepEqual(ends(world), [{ client: '192.0.2.1:1024', reason: 'proxy-header', via: '' }])
    assert.equal(world.ended[0]?.cause, `PROXY header ${wanted}`)
    assert.equal(world.counters[COUNT.badProxyHeaders], 1)
    assert.deepEqual(world.warnings, [
      `closed the connection of 192.0.2.1:1024 to listener: PROXY header ${wanted}`,
    ])
  }
})

test('the end of the stream within a header is an incomplete header', () => {
  const world = worldWith(false)
  world.end(world.connect(V1.subarray(0, 9), PROXY))
  world.pass(300)
  assert.equal(world.ended[0]?.cause, 'PROXY header is incomplete')
})

test('a health check that sends nothing is counted and not logged', () => {
  for (const finish of ['end', 'reset'] as const) {
    const world = worldWith(false)
    world[finish](world.connect(undefined, PROXY))
    assert.deepEqual([world.ended, world.phases, world.warnings], [[], [], []])
    assert.equal(world.counters[COUNT.proxyChecks], 1)
    assert.equal(world.counters[COUNT.ended], 1)
  }
})

test('optional: without a header the peer is the client, at once or after the timeout', () => {
  const world = worldWith(true, DETECTS_SSH)
  world.connect(SSH, PROXY)
  assert.deepEqual(
    world.routed.map(({ protocol }) => protocol),
    ['ssh'],
  )
  const silent = worldWith(true)
  silent.connect(undefined, PROXY)
  silent.pass(TIMEOUT_MS - 1)
  assert.deepEqual(silent.routed, [])
  silent.pass(1)
  assert.equal(silent.routed.length, 1)
  const ended = worldWith(true)
  ended.end(ended.connect(latinBytes('PR'), PROXY))
  ended.pass(300)
  assert.equal(ended.routed.length, 1)
  assert.deepEqual([...silent.warnings, ...ended.warnings], [])
})

test('access rules decide about the client of the header', () => {
  const asked: string[] = []
  const clientRules: ClientRules = {
    againstSender: ({ listener, peer }) => {
      asked.push(`${[...peer.subarray(0, 8)].join(' ')} ${listener}`)
      return { reason: 'rejected', rule: 'relay.cfg:7' }
    },
    needsFacts: () => false,
    hasRulesOf: () => false,
    againstClient: () => assert.fail(),
    againstRouted: () => assert.fail(),
  }
  const world = worldWith(false, { clientRules })
  world.connect(V2, PROXY)
  assert.deepEqual(asked, ['2 0 0 7 198 51 100 9 listener'])
  assert.deepEqual(ends(world), [{ client: '198.51.100.9:7', reason: 'rejected', via: '192.0.2.1:1024' }])
  assert.equal(world.ended[0]?.rule, 'relay.cfg:7')
  assert.equal(world.counters[COUNT.rejected], 1)
})

test('a handshake must be complete in the time that counts from the accept', () => {
  const world = worldWith(false, {
    greeting: { context: undefined, timeoutMs: 6_000, detectMs: 6_000 } as never,
  })
  const client = world.connect(undefined, PROXY)
  world.pass(4_000)
  world.send(client, Buffer.concat([V1, latinBytes('\x16\x03\x01')]))
  world.pass(1_999)
  assert.deepEqual(world.phases, ['greeting'])
  world.pass(1)
  assert.equal(world.ended[0]?.reason, 'bad-greeting')
})

const seed = proxySeed()

test(`a header from outside of 'proxy from' is never used (seed ${seed})`, () => {
  const address = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
  const peers = address.filter(([a, b, c]) => a > 0 && !(a === 192 && b === 0 && c === 2))
  fc.assert(
    fc.property(
      peers,
      address,
      fc.boolean(),
      fc.boolean(),
      fc.nat(60),
      (peer, named, isOptional, isV1, cut) => {
        const header = isV1
          ? v1Header({ source: named.join('.'), port: 9 })
          : v2Header({ family: 0x11, source: named, port: 9 })
        const world = worldWith(isOptional, DETECTS_SSH)
        const client = world.connect(header.subarray(0, cut), peer.join('.'))
        if (isOptional) world.send(client, header.subarray(cut))
        world.pass(TIMEOUT_MS)
        world.cut()
        const wanted = isOptional ? 'shutdown' : 'rejected'
        assert.deepEqual(ends(world), [{ client: `${peer.join('.')}:1024`, reason: wanted, via: '' }])
        // Its bytes are the client's, and none of a protocol that is looked for.
        assert.deepEqual(
          world.routed.map(({ protocol }) => protocol),
          isOptional ? ['none'] : [],
        )
      },
    ),
    { seed, numRuns: runs(100) },
  )
})

test('an interrupted call is repeated', () => {
  for (let seedOfCalls = 1; seedOfCalls < 20; seedOfCalls++) {
    const world = worldWith(false, { ...DETECTS_SSH, interrupted: 0.3, seed: seedOfCalls })
    world.connect(Buffer.concat([V2, SSH]), PROXY)
    assert.deepEqual(
      world.routed.map(({ protocol }) => protocol),
      ['ssh'],
    )
  }
})

test('a stranger is rejected before a byte is read', () => {
  const world = worldWith(false)
  world.connect(V1, OTHER)
  assert.equal(world.ended[0]?.rule, 'proxy-from')
})
