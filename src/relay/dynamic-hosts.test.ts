import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostLiteral } from '../base/address.js'
import { decodeAddress } from '../kernel/sockaddr.js'
import { DynamicHost } from './dynamic-host.js'
import { DynamicHosts } from './dynamic-hosts.js'

const PLAN = { names: ['*.a.test', 'b.test'], port: 443, timeoutMs: 5_000, networks: [] }
const V4: HostLiteral = { family: 'ipv4', host: '192.0.2.1' }
const V6: HostLiteral = { family: 'ipv6', host: '2001:db8::1', scope: '' }

function settled(port: number, ...addresses: readonly HostLiteral[]): DynamicHost {
  const hosts = new DynamicHosts({ ...PLAN, port }, 0, 0)
  const host = hosts.settle('b.test', { addresses, reason: undefined, cause: '', ttlMs: 100 }, 0)
  assert.ok(host instanceof DynamicHost)
  return host
}

const textOf = (host: DynamicHost, attempt: number) => {
  const { byteLength, region } = host.addressAt(host.order[attempt] ?? 0)
  const address = decodeAddress(region.bytes, byteLength)
  return address.family === 'unix' ? '' : `${address.host} ${address.port}`
}

test('allows the names of its route', () => {
  const hosts = new DynamicHosts(PLAN, 0, 0)
  for (const name of ['www.a.test', 'b.test']) assert.ok(hosts.allows(name))
  for (const name of ['a.test', 'www.b.test', '']) assert.ok(!hosts.allows(name))
  assert.equal(new DynamicHosts({ ...PLAN, names: ['*'] }, 0, 0).allows(''), false)
})

test('an answer is known until it expires, a failure too', () => {
  const hosts = new DynamicHosts(PLAN, 0, 0)
  const host = hosts.settle('b.test', { addresses: [V4], reason: undefined, cause: '', ttlMs: 100 }, 50)
  const failure = { addresses: [], reason: 'name-not-resolved', cause: 'ENOTFOUND', ttlMs: 10 } as const
  hosts.settle('c.a.test', failure, 50)
  assert.deepEqual(hosts.known('c.a.test', 59), { reason: 'name-not-resolved', cause: 'ENOTFOUND' })
  assert.equal(hosts.known('c.a.test', 60), undefined)
  assert.equal(hosts.known('b.test', 149), host)
  assert.equal(hosts.known('b.test', 150), undefined)
})

test('addresses of both families are dialled in order, with the port of the route', () => {
  const host = settled(443, V6, V4)
  assert.equal(host.addressCount, 2)
  assert.deepEqual([textOf(host, 0), textOf(host, 1)], ['2001:db8::1 443', '192.0.2.1 443'])
  assert.equal(host.ports, 'own')
  assert.equal(settled(0, V4).ports, 'same')
})

test('the address that answered is tried first by the next client', () => {
  const host = settled(443, V6, V4)
  host.prefer(1)
  assert.deepEqual([textOf(host, 0), textOf(host, 1)], ['192.0.2.1 443', '2001:db8::1 443'])
})
