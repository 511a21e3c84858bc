import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lookUpAddresses } from './addresses.js'
import type { Ask } from './client.js'
import type { DnsRecord, DnsResponse } from './message.js'

/** Answers by `TYPE NAME`; all others are denied, without SOA. */
function asking(answers: Readonly<Record<string, Partial<DnsResponse>>>): Ask {
  const none = { isTruncated: false, isAuthoritative: false, isRecursive: true }
  const response = { ...none, code: 0, answers: [], authorities: [], additionals: [] }
  return async ({ name, type }) => ({ ...response, ...answers[`${type} ${name}`] })
}

const a = (ttlMs: number, name = 'a.test'): DnsRecord => ({ type: 'A', name, ttlMs, address: '10.0.0.1' })
const aaaa = (ttlMs: number): DnsRecord => ({ type: 'AAAA', name: 'a.test', ttlMs, address: '::1' })
const alias = (ttlMs: number): DnsRecord => ({ type: 'CNAME', name: 'a.test', ttlMs, target: 'b.test' })
const soa = (ttlMs: number, minimumMs: number): DnsRecord => ({ type: 'SOA', name: 'test', ttlMs, minimumMs })

const cases: Readonly<Record<string, readonly [Parameters<typeof asking>[0], number]>> = {
  'that of the family that expires first': [
    { 'A a.test': { answers: [a(9)] }, 'AAAA a.test': { answers: [aaaa(8)] } },
    8,
  ],
  'that of the family with records': [
    { 'A a.test': { answers: [a(9)] }, 'AAAA a.test': { authorities: [soa(1, 1)] } },
    9,
  ],
  'the negative TTL that ends first': [
    { 'A a.test': { authorities: [soa(7, 9)] }, 'AAAA a.test': { authorities: [soa(9, 6)] } },
    6,
  ],
  'none without SOA': [{}, 0],
  'that of an alias': [{ 'A a.test': { answers: [alias(5), a(9, 'b.test')] } }, 5],
  'that of an alias in an answer before': [
    { 'A a.test': { answers: [alias(5)] }, 'A b.test': { answers: [a(9, 'b.test')] } },
    5,
  ],
}

for (const [what, [answers, expectedMs]] of Object.entries(cases)) {
  test(`the TTL of addresses: ${what}`, async () => {
    const { ttlMs } = await lookUpAddresses(asking(answers), 'a.test', 'any')
    assert.equal(ttlMs, expectedMs)
  })
}

test('says why there are no addresses', async () => {
  const missing = { code: 3 }
  const none = await lookUpAddresses(asking({ 'A a.test': missing, 'AAAA a.test': missing }), 'a.test', 'any')
  assert.deepEqual([none.hosts, none.denial], [[], 'NXDOMAIN'])
  assert.equal((await lookUpAddresses(asking({}), 'a.test', 'any')).denial, 'NODATA')
  assert.equal(
    (await lookUpAddresses(asking({ 'A a.test': { answers: [a(1)] } }), 'a.test', 'any')).denial,
    undefined,
  )
})

test('does not ask for records that were sent along', async () => {
  const ask: Ask = () => Promise.reject(new Error('asked'))
  const { hosts, ttlMs } = await lookUpAddresses(ask, 'a.test', 'any', [a(3), aaaa(4), a(1, 'b.test')])
  assert.deepEqual([hosts, ttlMs], [['10.0.0.1', '::1'], 3])
})

test('names that cannot be asked are failures', async () => {
  for (const name of ['', 'a..b', 'a b', 'a\u00e4', `${'a'.repeat(64)}.test`, `${'a.'.repeat(127)}a`])
    await assert.rejects(lookUpAddresses(asking({}), name, 'ipv4'), { message: `A of ${name}: not a name` })
})
