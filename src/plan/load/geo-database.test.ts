import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inCountry, inSystem, mmdb } from '../../../test/support/mmdb.js'
import { runs, proxySeed as seedOfRun } from '../../../test/support/proxy-runs.js'
import { AccessList } from '../../admission/access-list.js'
import { compileAccess } from '../../admission/compile-access.js'
import { hostBytes } from '../../base/address.js'
import { isInNetwork, parseNetwork } from '../../base/cidr.js'
import { readGeoDatabase } from './geo-database.js'

const SHAPES = [
  { ipVersion: 4, recordBits: 24 },
  { ipVersion: 6, recordBits: 28 },
  { ipVersion: 6, recordBits: 32 },
] as const

/** The addresses of an origin, of these. */
function hostsIn(file: Buffer, origin: string, hosts: readonly string[]): string {
  const bounds = readGeoDatabase(file, new Set([origin])).get(origin)
  if (bounds === undefined) return 'none'
  const list = new AccessList(compileAccess([{ isPermit: true, isNegated: false, bounds }]))
  return hosts.filter((host) => list.admits(hostBytes(host))).join(' ')
}

test('finds the networks of a country in files of each shape', () => {
  const networks = {
    '192.0.2.0/25': inCountry('DE'),
    '192.0.2.128/25': inCountry('FR'),
    '198.51.100.0/24': inCountry('DE'),
    '203.0.113.7/32': inCountry('DE'),
  }
  const hosts = ['192.0.2.1', '192.0.2.200', '198.51.100.255', '203.0.113.7', '203.0.113.8', '::c000:201']
  for (const shape of SHAPES) {
    const file = mmdb(networks, shape)
    assert.equal(hostsIn(file, 'DE', hosts), '192.0.2.1 198.51.100.255 203.0.113.7')
    assert.equal(hostsIn(file, 'FR', hosts), '192.0.2.200')
    assert.equal(hostsIn(file, 'IT', hosts), 'none')
  }
})

test('IPv6 networks, and ranges of networks that follow each other', () => {
  const file = mmdb({
    '10.0.0.0/9': inSystem(64_500),
    '10.128.0.0/10': inSystem(64_500),
    '2001:db8::/33': inSystem(64_500),
    '2001:db8:8000::/33': inSystem(64_500),
    '2001:db9::/32': inSystem(64_501),
  })
  const bounds = readGeoDatabase(file, new Set(['AS64500'])).get('AS64500') ?? new Uint8Array()
  assert.equal(bounds.length, 2 * 32)
  const hosts = ['10.191.0.1', '10.192.0.1', '2001:db8::1', '2001:db8:ffff::1', '2001:db9::1']
  assert.equal(hostsIn(file, 'AS64500', hosts), '10.191.0.1 2001:db8::1 2001:db8:ffff::1')
})

test('knows the fields of other publishers', () => {
  const file = mmdb({
    '10.0.0.0/8': { country_code: 'de', asn: 'AS64500' },
    '192.0.2.0/24': { country: 'DE', asn: 64_501 },
  })
  assert.deepEqual(
    ['DE', 'AS64500', 'AS64501'].map((origin) => hostsIn(file, origin, ['10.0.0.1', '192.0.2.1'])),
    ['10.0.0.1 192.0.2.1', '10.0.0.1', '192.0.2.1'],
  )
})

const seed = seedOfRun()

test(`random networks have exactly their addresses (seed ${seed})`, () => {
  const byte = fc.nat(255)
  const network = fc
    .tuple(fc.tuple(byte, byte, byte, byte), fc.integer({ min: 1, max: 32 }), fc.boolean())
    .map(([host, bits, isFirst]) => [`${host.join('.')}/${bits}`, isFirst ? 'AA' : 'BB'] as const)
  fc.assert(
    fc.property(
      fc.array(network, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(...SHAPES),
      (all, shape) => {
        // The writer takes disjoint networks only.
        const chosen = all.filter(([text], i) => all.slice(0, i).every(([other]) => !overlaps(text, other)))
        const file = mmdb(Object.fromEntries(chosen.map(([text, iso]) => [text, inCountry(iso)])), shape)
        const hosts = all.flatMap(([text]) => neighbours(text))
        const wanted = hosts.filter((host) =>
          chosen.some(([text, iso]) => iso === 'AA' && contains(text, host)),
        )
        const isThere = chosen.some(([, iso]) => iso === 'AA')
        assert.equal(hostsIn(file, 'AA', hosts), isThere ? wanted.join(' ') : 'none')
      },
    ),
    { seed, numRuns: runs(100) },
  )
})

test(`a mutated file is read or rejected, in time (seed ${seed})`, () => {
  const good = mmdb({
    '10.0.0.0/8': inCountry('DE'),
    '192.0.2.0/24': inCountry('FR'),
    '2001:db8::/32': inCountry('DE'),
  })
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255))
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(good.length), (changes, cut) => {
      const file = Buffer.from(good)
      for (const [at, value] of changes) file[at] = value
      for (const bytes of [file, file.subarray(0, cut)]) {
        try {
          readGeoDatabase(bytes, new Set(['DE']))
        } catch (error) {
          assert.ok(error instanceof Error)
        }
      }
    }),
    { seed, numRuns: runs(300) },
  )
})

function contains(network: string, host: string): boolean {
  const parsed = parseNetwork(network)
  return parsed !== undefined && isInNetwork(hostBytes(host), parsed)
}

function overlaps(a: string, b: string): boolean {
  return contains(a, b.replace(/\/.*/, '')) || contains(b, a.replace(/\/.*/, ''))
}

/** Addresses at the edges of a network. */
function neighbours(network: string): readonly string[] {
  const [host = '', bits = '32'] = network.split('/')
  const value = Buffer.from(hostBytes(host)).readUInt32BE()
  const size = 2 ** (32 - Number(bits))
  const first = value - (value % size)
  return [first - 1, first, first + size - 1, first + size]
    .filter((one) => one >= 0 && one < 2 ** 32)
    .map(dotted)
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}
