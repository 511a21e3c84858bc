import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  AUTHORITATIVE,
  address,
  alias,
  authority,
  CODES,
  type DnsReply,
  DnsServer,
  NODATA,
  NXDOMAIN,
  SERVFAIL,
  SILENCE,
} from '../../../test/harness/dns-server.js'
import { QUICK, SourceLog } from '../../../test/support/source-log.js'
import type { DnsPlan } from '../discover-plan.js'
import { openDns } from './dns.js'

const NAME = 'www.example.test'
const A = `A ${NAME}`
const AAAA = `AAAA ${NAME}`
const ONE = { answers: [address(NAME, '10.0.0.1', 0)] }
const TWO = { answers: [address(NAME, '10.0.0.1', 0), address(NAME, '10.0.0.2', 0)] }

/** Limit of queries that are not answered; all others are answered sooner, also on a busy machine. */
const SILENT_MS = 250

function planFor(servers: readonly DnsServer[], changes: Partial<DnsPlan> = {}): DnsPlan {
  return {
    type: 'dns',
    name: NAME,
    family: 'ipv4',
    port: 80,
    servers: servers.map((server) => server.address),
    timeoutMs: 10_000,
    tries: 1,
    minIntervalMs: 10,
    maxIntervalMs: 60_000,
    ...changes,
  }
}

/** What a source reports first, by a server with these replies to the A query. */
async function reports(t: TestContext, count: number, replies: readonly DnsReply[], changes = {}) {
  const server = await DnsServer.start(t)
  server.set(A, ...replies)
  const log = SourceLog.of(t, (events) => openDns(planFor([server], changes), events, QUICK))
  const lines = await log.first(count)
  const shown = `127.0.0.1:${server.address.port}`
  return lines.map((line) => line.replaceAll(shown, 'SERVER'))
}

test('a member for each address of both families', async (t) => {
  const server = await DnsServer.start(t)
  server.setAddresses(NAME, ['10.0.0.2', '2001:DB8::0:1', '10.0.0.1', '10.0.0.2'])
  const log = SourceLog.of(t, (events) => openDns(planFor([server], { family: 'any' }), events))
  await log.first(1)
  const other = { port: 80, weight: undefined, tier: undefined }
  assert.deepEqual(log.members, [
    { name: '10.0.0.1:80', hosts: ['10.0.0.1'], ...other },
    { name: '10.0.0.2:80', hosts: ['10.0.0.2'], ...other },
    { name: '[2001:db8::1]:80', hosts: ['2001:db8::1'], ...other },
  ])
})

test('asks for one family if only that counts', async (t) => {
  const server = await DnsServer.start(t)
  server.setAddresses(NAME, ['10.0.0.1', '::1'])
  const log = SourceLog.of(t, (events) => openDns(planFor([server], { family: 'ipv6' }), events))
  assert.deepEqual(await log.first(1), ['= [::1]:80'])
  assert.deepEqual(server.queries, [`udp ${AAAA}`])
})

test('answers grow and shrink', async (t) => {
  assert.deepEqual(await reports(t, 3, [ONE, TWO, ONE]), [
    '= 10.0.0.1:80',
    '= 10.0.0.1:80 10.0.0.2:80',
    '= 10.0.0.1:80',
  ])
})

test('NXDOMAIN and NODATA are answers', async (t) => {
  const denied = { authorities: [authority(0)] }
  const replies = [ONE, { ...denied, code: CODES.NXDOMAIN }, ONE, denied, ONE]
  assert.deepEqual(await reports(t, 5, replies), [
    '= 10.0.0.1:80',
    '=',
    '= 10.0.0.1:80',
    '=',
    '= 10.0.0.1:80',
  ])
})

test('a family without records is no problem beside the other one', async (t) => {
  const server = await DnsServer.start(t)
  server.set(A, ONE)
  server.set(AAAA, NODATA)
  const log = SourceLog.of(t, (events) => openDns(planFor([server], { family: 'any' }), events, QUICK))
  assert.deepEqual(await log.first(2), ['= 10.0.0.1:80', '= 10.0.0.1:80'])
})

test('half of the families is no answer', async (t) => {
  const server = await DnsServer.start(t)
  server.set(A, ONE)
  server.set(AAAA, SERVFAIL, SILENCE, { answers: [address(NAME, '::1', 0)] })
  const plan = planFor([server], { family: 'any', timeoutMs: SILENT_MS })
  const log = SourceLog.of(t, (events) => openDns(plan, events, QUICK))
  const { port } = server.address
  assert.deepEqual(await log.first(3), [
    `! AAAA of ${NAME}: 127.0.0.1:${port}: SERVFAIL`,
    `! AAAA of ${NAME}: 127.0.0.1:${port}: no answer within 250 ms`,
    '= 10.0.0.1:80 [::1]:80',
  ])
})

test('names the failures of both families', async (t) => {
  const server = await DnsServer.start(t)
  const log = SourceLog.of(t, (events) => openDns(planFor([server], { family: 'any' }), events, QUICK))
  const refused = `of ${NAME}: 127.0.0.1:${server.address.port}: REFUSED`
  assert.deepEqual(await log.first(1), [`! A ${refused} and AAAA ${refused}`])
})

const failures: Readonly<Record<string, DnsReply>> = {
  SERVFAIL,
  REFUSED: { code: CODES.REFUSED },
  'response code 9': { code: 9 },
  'no answer within 250 ms': SILENCE,
  'no answer within 250 ms, only a response with another id': {
    ...ONE,
    alter: (message) => {
      message.writeUInt16BE(message.readUInt16BE(0) ^ 1, 0)
      return [message]
    },
  },
  'no answer within 250 ms, only a response to another question': {
    ...ONE,
    // The first letter of the name.
    alter: (message) => {
      message[13] = 'x'.charCodeAt(0)
      return [message]
    },
  },
  'no answer within 250 ms, only a malformed response': {
    ...ONE,
    alter: (message) => [message.subarray(0, message.length / 2)],
  },
  'no answer within 250 ms, only a query': {
    ...ONE,
    alter: (message) => {
      message[2] = 0
      return [message]
    },
  },
  'neither authoritative nor recursive': { ...NXDOMAIN, flags: 0 },
  'only a referral to other servers': {
    authorities: [{ type: 'NS', name: 'test', ttl: 9, class: 'IN', data: 'ns.test' }],
  },
}

for (const [reason, reply] of Object.entries(failures)) {
  test(`no answer and nothing removed: ${reason}`, async (t) => {
    assert.deepEqual(
      await reports(t, 3, [ONE, reply, ONE], reason.startsWith('no answer') ? { timeoutMs: SILENT_MS } : {}),
      ['= 10.0.0.1:80', `! A of ${NAME}: SERVER: ${reason}`, '= 10.0.0.1:80'],
    )
  })
}

test('garbage before the answer does not disturb it', async (t) => {
  const alter = (message: Buffer) => [
    Buffer.from('garbage'),
    Buffer.alloc(40, 0xff),
    Buffer.alloc(0),
    message,
  ]
  assert.deepEqual(await reports(t, 1, [{ ...TWO, alter }]), ['= 10.0.0.1:80 10.0.0.2:80'])
})

test('an authoritative server may deny a name without recursion, and without SOA', async (t) => {
  assert.deepEqual(await reports(t, 1, [{ code: CODES.NXDOMAIN, flags: AUTHORITATIVE }]), ['='])
})

test('follows aliases within an answer and over several', async (t) => {
  const server = await DnsServer.start(t)
  server.set(A, { answers: [alias(NAME, 'B.example.test'), alias('b.example.test', 'c.example.test')] })
  server.set('A c.example.test', {
    answers: [alias('C.example.test', 'd.test'), address('D.test', '10.0.0.4')],
  })
  const log = SourceLog.of(t, (events) => openDns(planFor([server]), events, QUICK))
  assert.deepEqual(await log.first(1), ['= 10.0.0.4:80'])
})

test('an alias to a name that does not exist is an answer', async (t) => {
  const answers = [alias(NAME, 'b.example.test')]
  assert.deepEqual(await reports(t, 1, [{ ...NXDOMAIN, answers }]), ['='])
})

const badAliases: Readonly<Record<string, DnsReply>> = {
  'its CNAME records form a loop': {
    answers: [alias(NAME, 'b.test'), alias('b.test', NAME), address(NAME, '10.0.0.1')],
  },
  'more than 16 CNAME records in a row': {
    answers: [NAME, ...letters()].map((name, i) => alias(name, letters()[i] ?? 'z.test')),
  },
  'its CNAME record has a target that is no name': {
    answers: [alias(NAME, 'a b.test'), address('a b.test', '10.0.0.1')],
  },
}

function letters(): readonly string[] {
  return Array.from('abcdefghijklmnopq', (letter) => `${letter}.test`)
}

for (const [reason, reply] of Object.entries(badAliases)) {
  test(`no answer: ${reason}`, async (t) => {
    assert.deepEqual(await reports(t, 1, [reply]), [
      `! A of ${NAME}: SERVER: ${reason}`.replace('SERVER: ', ''),
    ])
  })
}

test('a loop over several answers ends', async (t) => {
  const server = await DnsServer.start(t)
  server.set(A, { answers: [alias(NAME, 'b.test')] })
  server.set('A b.test', { answers: [alias('b.test', NAME)] })
  const log = SourceLog.of(t, (events) => openDns(planFor([server]), events, QUICK))
  assert.deepEqual(await log.first(1), [`! A of ${NAME}: its CNAME records form a loop`])
})

const many = { answers: Array.from({ length: 300 }, (_, i) => address(NAME, `10.0.${i >> 8}.${i & 255}`)) }

test('a truncated answer comes over TCP, whole and in pieces', async (t) => {
  for (const pieceBytes of [9, 1_000, 99_999]) {
    const server = await DnsServer.start(t)
    server.set(A, { ...many, isTruncated: true, pieceBytes })
    const log = SourceLog.of(t, (events) => openDns(planFor([server]), events, QUICK))
    await log.first(1)
    assert.equal(log.members.length, 300)
    assert.deepEqual(server.queries, [`udp ${A}`, `tcp ${A}`])
  }
})

test('no answer: what can go wrong over TCP', async (t) => {
  const overTcp = (change: (message: Buffer) => readonly Buffer[]): DnsReply => ({
    ...ONE,
    isTruncated: true,
    alter: (message, transport) => (transport === 'udp' ? [message] : change(message)),
  })
  const replies = [
    overTcp(() => []),
    overTcp((message) => [message.subarray(0, 20)]),
    overTcp((message) => [Buffer.alloc(message.length)]),
    overTcp((message) => {
      message.writeUInt16BE(message.readUInt16BE(2) | 0x200, 2)
      return [message]
    }),
  ]
  assert.deepEqual(
    await reports(
      t,
      4,
      replies.flatMap((reply) => [reply, reply]),
    ),
    [
      'connection closed before the answer',
      'a malformed response over TCP',
      'a query over TCP',
      'a truncated response over TCP',
    ].map((reason) => `! A of ${NAME}: SERVER: ${reason}`),
  )
})

test('an answer of several kilobytes in a datagram is accepted', async (t) => {
  const [line] = await reports(t, 1, [many])
  assert.equal(line?.split(' ').length, 301)
})

test('announces 1232 bytes, and asks a server without EDNS again', async (t) => {
  const server = await DnsServer.start(t)
  const sizes: (number | undefined)[] = []
  server.set(A, ({ additionals = [] }) => {
    const [extension] = additionals
    sizes.push(extension?.type === 'OPT' ? extension.udpPayloadSize : undefined)
    return extension === undefined ? TWO : { code: CODES.FORMERR }
  })
  const log = SourceLog.of(t, (events) => openDns(planFor([server]), events, QUICK))
  assert.deepEqual(await log.first(1), ['= 10.0.0.1:80 10.0.0.2:80'])
  assert.deepEqual(sizes.slice(0, 2), [1_232, undefined])
})

test('accepts an error without a question, and one with an extended code', async (t) => {
  const extension = {
    type: 'OPT' as const,
    name: '.',
    udpPayloadSize: 1_232,
    extendedRcode: 1,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  }
  const alter = (message: Buffer) => {
    message.writeUInt16BE(0, 4)
    return [message.subarray(0, 12)]
  }
  assert.deepEqual(await reports(t, 2, [{ ...SERVFAIL, alter }, { additionals: [extension] }]), [
    `! A of ${NAME}: SERVER: SERVFAIL`,
    `! A of ${NAME}: SERVER: BADVERS`,
  ])
})

test('asks the next server after silence and errors, and each one as often as configured', async (t) => {
  const [silent, failing, good] = [
    await DnsServer.start(t),
    await DnsServer.start(t),
    await DnsServer.start(t),
  ]
  silent.set(A, SILENCE)
  failing.set(A, SERVFAIL)
  good.set(A, SERVFAIL, { answers: [address(NAME, '10.0.0.1')] })
  const plan = planFor([silent, failing, good], { tries: 2, timeoutMs: SILENT_MS })
  const log = SourceLog.of(t, (events) => openDns(plan, events, QUICK))
  assert.deepEqual(await log.first(1), ['= 10.0.0.1:80'])
  assert.deepEqual(
    [silent, failing, good].map((server) => server.countOf(`udp ${A}`)),
    [2, 2, 2],
  )
})

test('names the failure of each server', async (t) => {
  const servers = [await DnsServer.start(t), await DnsServer.start(t)]
  servers[0]?.set(A, SILENCE)
  const log = SourceLog.of(t, (events) => openDns(planFor(servers, { timeoutMs: SILENT_MS }), events, QUICK))
  const [first, second] = servers.map((server) => `127.0.0.1:${server.address.port}`)
  assert.deepEqual(await log.first(1), [
    `! A of ${NAME}: ${first}: no answer within 250 ms; ${second}: REFUSED`,
  ])
})

test('a port without a server fails at once', async (t) => {
  const server = await DnsServer.start(t)
  server.set(A, SERVFAIL, ONE)
  // Nothing receives on port 1 of this address.
  const servers = [{ family: 'ipv4', host: '127.77.0.1', port: 1 } as const, server.address]
  const log = SourceLog.of(t, (events) => openDns(planFor([], { servers }), events, QUICK))
  assert.deepEqual(await log.first(2), [
    `! A of ${NAME}: 127.77.0.1:1: connection refused; 127.0.0.1:${server.address.port}: SERVFAIL`,
    '= 10.0.0.1:80',
  ])
})

test('asks again after the smallest TTL within its bounds', async (t) => {
  const server = await DnsServer.start(t)
  const inSeconds = (ttl: number) => ({
    answers: [address(NAME, '10.0.0.1', ttl), address(NAME, '10.0.0.2', 9)],
  })
  server.set(A, inSeconds(0), inSeconds(1), inSeconds(2 ** 32 - 1), inSeconds(9))
  const startedMs = performance.now()
  const plan = planFor([server], { minIntervalMs: 100, maxIntervalMs: 300 })
  const log = SourceLog.of(t, (events) => openDns(plan, events))
  await log.first(4)
  // 100 ms for a TTL of 0, 300 ms for one of 1 s, and 100 ms for one with the highest bit, which is 0.
  const elapsedMs = performance.now() - startedMs
  assert.ok(elapsedMs >= 495, `${elapsedMs} ms`)
})

test('asks again after the negative TTL', async (t) => {
  const server = await DnsServer.start(t)
  server.set(A, { ...NXDOMAIN, authorities: [authority(3_600, 1)] }, TWO)
  const startedMs = performance.now()
  const log = SourceLog.of(t, (events) => openDns(planFor([server]), events))
  assert.deepEqual(await log.first(2), ['=', '= 10.0.0.1:80 10.0.0.2:80'])
  const elapsedMs = performance.now() - startedMs
  assert.ok(elapsedMs >= 995, `${elapsedMs} ms`)
})

test('reports nothing after it has been closed', async (t) => {
  const server = await DnsServer.start(t)
  server.set(A, SILENCE)
  const log = new SourceLog()
  const source = openDns(planFor([server]), log, QUICK)
  await server.isAsked(`udp ${A}`)
  source.close()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(log.lines, [])
})
