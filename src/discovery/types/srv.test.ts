import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Answer } from 'dns-packet'
import { afterwards } from '../../../test/harness/clean-up.js'
import {
  address,
  authority,
  CODES,
  DnsServer,
  NODATA,
  NXDOMAIN,
  SERVFAIL,
  service,
} from '../../../test/harness/dns-server.js'
import { QUICK, SourceLog } from '../../../test/support/source-log.js'
import type { SrvPlan } from '../discover-plan.js'
import { openSrv } from './srv.js'

const NAME = '_http._tcp.example.test'
const SRV = `SRV ${NAME}`

function planFor(server: DnsServer, changes: Partial<SrvPlan> = {}): SrvPlan {
  return {
    type: 'srv',
    name: NAME,
    family: 'ipv4',
    servers: [server.address],
    timeoutMs: 10_000,
    tries: 1,
    minIntervalMs: 10,
    maxIntervalMs: 60_000,
    ...changes,
  }
}

interface World {
  readonly server: DnsServer
  open(changes?: Partial<SrvPlan>): SourceLog
  /** The records of a service, in the forms of zone files. */
  services(...answers: readonly (readonly string[])[]): void
}

async function world(t: TestContext): Promise<World> {
  const server = await DnsServer.start(t)
  return {
    server,
    open: (changes) => SourceLog.of(t, (events) => openSrv(planFor(server, changes), events, QUICK)),
    services: (...answers) =>
      server.set(SRV, ...answers.map((texts) => ({ answers: texts.map((text) => service(NAME, text, 0)) }))),
  }
}

test('a member for each target and port, with tier and weight', async (t) => {
  const { open, server, services } = await world(t)
  services(['20 5 8080 B.example.test', '10 60 8080 a.example.test', '10 40 8081 a.example.test'])
  server.setAddresses('a.example.test', ['10.0.0.2', '10.0.0.1', '2001:db8::1'])
  server.setAddresses('b.example.test', ['10.0.0.3'])
  const log = open({ family: 'any' })
  await log.first(1)
  const ofA = ['10.0.0.1', '10.0.0.2', '2001:db8::1']
  assert.deepEqual(log.members, [
    { name: 'a.example.test:8080', hosts: ofA, port: 8080, weight: 60, tier: 0 },
    { name: 'a.example.test:8081', hosts: ofA, port: 8081, weight: 40, tier: 0 },
    { name: 'b.example.test:8080', hosts: ['10.0.0.3'], port: 8080, weight: 5, tier: 1 },
  ])
  assert.deepEqual(server.countOf('udp A a.example.test'), 1)
})

test('weight 0 is an equal share among zeros and a small one beside others', async (t) => {
  const { open, server, services } = await world(t)
  services(['0 0 1 a.test', '0 0 2 a.test', '7 0 3 a.test', '7 9 4 a.test'])
  server.setAddresses('a.test', ['10.0.0.1'])
  const log = open()
  await log.first(1)
  assert.deepEqual(
    log.members.map(({ tier, weight }) => [tier, weight]),
    [
      [0, 1],
      [0, 1],
      [1, 1],
      [1, 9],
    ],
  )
})

test('a target with several priorities has the best one', async (t) => {
  const { open, server, services } = await world(t)
  services(['5 1 80 a.test', '3 2 80 a.test'])
  server.setAddresses('a.test', ['10.0.0.1'])
  const log = open()
  await log.first(1)
  assert.deepEqual(log.members, [{ name: 'a.test:80', hosts: ['10.0.0.1'], port: 80, weight: 2, tier: 0 }])
})

test('members appear and vanish with their records', async (t) => {
  const { open, server, services } = await world(t)
  services(['0 1 80 a.test'], ['0 1 80 a.test', '0 1 80 b.test'], ['0 1 80 b.test'])
  server.setAddresses('a.test', ['10.0.0.1'])
  server.setAddresses('b.test', ['10.0.0.2'])
  assert.deepEqual(await open().first(3), ['= a.test:80', '= a.test:80 b.test:80', '= b.test:80'])
})

test('no records, no name and the target "." are answers without members', async (t) => {
  const { open, server } = await world(t)
  const denied = { authorities: [authority(0)] }
  server.set(SRV, denied, { ...denied, code: CODES.NXDOMAIN }, { answers: [service(NAME, '0 0 0 .', 0)] })
  assert.deepEqual(await open().first(3), ['=', '=', '='])
})

test('a failure of the name itself is no answer', async (t) => {
  const { open, server } = await world(t)
  server.set(SRV, SERVFAIL)
  const shown = `127.0.0.1:${server.address.port}`
  assert.deepEqual(await open().first(1), [`! SRV of ${NAME}: ${shown}: SERVFAIL`])
})

test('uses addresses that come with the records, and asks for the missing family', async (t) => {
  const { open, server } = await world(t)
  const additionals: Answer[] = [
    address('A.test', '10.0.0.1'),
    address('a.test', '10.0.0.2'),
    address('c.test', '10.0.0.9'),
  ]
  server.set(SRV, { answers: [service(NAME, '0 1 80 a.test'), service(NAME, '0 1 80 b.test')], additionals })
  server.set('AAAA a.test', NODATA)
  server.setAddresses('b.test', ['::1'])
  const log = open({ family: 'any' })
  await log.first(1)
  assert.deepEqual(
    log.members.map(({ hosts }) => hosts),
    [['10.0.0.1', '10.0.0.2'], ['::1']],
  )
  assert.deepEqual(
    server.queries.toSorted(),
    [`udp ${SRV}`, 'udp A b.test', 'udp AAAA a.test', 'udp AAAA b.test'].toSorted(),
  )
})

for (const [what, reply, reason] of [
  ['fails', SERVFAIL, 'A of a.test: SERVER: SERVFAIL'],
  ['does not exist any more', NXDOMAIN, 'a.test has no address (NXDOMAIN)'],
  ['has no address any more', NODATA, 'a.test has no address (NODATA)'],
] as const) {
  test(`a target that ${what} keeps its last addresses`, async (t) => {
    const { open, server, services } = await world(t)
    services(['0 1 80 a.test', '0 1 80 b.test'])
    server.set('A a.test', { answers: [address('a.test', '10.0.0.1', 0)] }, reply)
    server.setAddresses('b.test', ['10.0.0.2'])
    const log = open()
    const lines = await log.first(3)
    assert.deepEqual(
      lines.map((line) => line.replace(`127.0.0.1:${server.address.port}`, 'SERVER')),
      ['= a.test:80 b.test:80', ...Array(2).fill(`= a.test:80 b.test:80 (${reason})`)],
    )
    assert.deepEqual(log.members[0]?.hosts, ['10.0.0.1'])
  })
}

test('a target that was never resolved is left out and reported', async (t) => {
  const { open, server, services } = await world(t)
  services(['0 1 80 a.test', '1 1 80 b.test'])
  server.set('A a.test', NXDOMAIN, NXDOMAIN, { answers: [address('a.test', '10.0.0.1')] })
  server.setAddresses('b.test', ['10.0.0.2'])
  const log = open()
  assert.deepEqual(await log.first(3), [
    '= b.test:80 (a.test has no address (NXDOMAIN))',
    '= b.test:80 (a.test has no address (NXDOMAIN))',
    '= a.test:80 b.test:80',
  ])
  assert.deepEqual(
    log.members.map(({ tier }) => tier),
    [0, 1],
  )
})

test('without an address of any target there is no answer', async (t) => {
  const { open, services } = await world(t)
  services(['0 1 80 a.test', '0 1 80 b.test', '0 1 80 a\tb.test'])
  const [line = ''] = await open().first(1)
  assert.match(line, /^! 3 targets cannot be resolved, one of them: A of /)
})

test('looks up many targets', async (t) => {
  const { open, server, services } = await world(t)
  const names = Array.from({ length: 200 }, (_, i) => `t${i}.test`)
  services(names.map((name) => `0 1 80 ${name}`))
  for (const name of names) server.set(`A ${name}`, { answers: [address(name, '10.0.0.1')] })
  const log = open()
  await log.first(1)
  assert.equal(log.members.length, 200)
})

test('asks for the addresses of a target again when they expire', async (t) => {
  const { open, server } = await world(t)
  server.set(SRV, { answers: [service(NAME, '0 1 80 a.test', 3_600), service(NAME, '0 1 80 b.test', 3_600)] })
  server.set(
    'A a.test',
    { answers: [address('a.test', '10.0.0.1', 0)] },
    { answers: [address('a.test', '10.0.0.9')] },
  )
  server.setAddresses('b.test', ['10.0.0.2'])
  const log = open()
  await log.first(2)
  assert.deepEqual(
    log.members.map(({ hosts }) => hosts),
    [['10.0.0.9'], ['10.0.0.2']],
  )
  assert.equal(server.countOf('udp A b.test'), 1)
})

test('after a restart a target that cannot be resolved has the addresses of before', async (t) => {
  const { server, services } = await world(t)
  services(['0 1 80 a.test', '0 1 80 b.test'])
  server.set('A a.test', SERVFAIL)
  server.setAddresses('b.test', ['10.0.0.2'])
  const log = new SourceLog()
  const a = { name: 'a.test:80', hosts: ['10.0.0.1'], port: 80, weight: 1, tier: 0 }
  const source = openSrv(planFor(server), Object.assign(log, { known: [a] }), QUICK)
  afterwards(t, () => source.close())
  await log.first(1)
  assert.deepEqual(log.members[0], a)
})
