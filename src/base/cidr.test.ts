import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostBytes, hostFromBytes } from './address.js'
import { parseNetwork, rangeOf } from './cidr.js'

/** Compares bit by bit, as the definition of a prefix reads. */
function contains(network: string, host: string): boolean {
  const parsed = parseNetwork(network)
  assert.ok(parsed, network)
  const literal = hostBytes(host)
  const bytes = literal.length === 16 ? literal : hostBytes(`::ffff:${host}`)
  return bitsOf(bytes).startsWith(bitsOf(parsed.bytes).slice(0, parsed.prefixBits))
}

function bitsOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
}

test('a network contains the addresses with its prefix', () => {
  assert.equal(contains('10.0.0.0/8', '10.255.0.1'), true)
  assert.equal(contains('10.0.0.0/8', '11.0.0.0'), false)
  assert.equal(contains('10.1.2.3', '10.1.2.3'), true)
  assert.equal(contains('10.1.2.3', '10.1.2.2'), false)
  assert.equal(contains('192.168.7.9/255.255.252.0', '192.168.4.1'), true)
  assert.equal(contains('fe80::1/ffc0::', 'febf::1'), true)
  assert.equal(contains('fe80::/10', 'fec0::1'), false)
})

test('IPv4 networks match mapped addresses, 0.0.0.0/0 only IPv4, ::/0 all', () => {
  assert.equal(contains('10.0.0.0/8', '::ffff:10.1.1.1'), true)
  assert.equal(contains('0.0.0.0/0', '2001:db8::1'), false)
  assert.equal(contains('::/0', '10.1.1.1'), true)
})

test('rejects malformed networks', () => {
  const wrong = [
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '::/129',
    '10.0.0.0/255.0.255.0',
    '::/255.0.0.0',
    '10.0.0.0/ff00::',
    'x/8',
    'fe80::1%eth0/64',
    '1.2.3.4/-1',
  ]
  for (const text of wrong) assert.equal(parseNetwork(text), undefined, text)
})

test('a network as a range has its first and last address', () => {
  const range = (text: string) => {
    const network = parseNetwork(text)
    assert.ok(network, text)
    const { first, last } = rangeOf(network)
    return `${hostFromBytes(first)} - ${hostFromBytes(last)}`
  }
  assert.equal(range('10.1.2.3'), '::ffff:a01:203 - ::ffff:a01:203')
  assert.equal(range('10.1.2.3/23'), '::ffff:a01:200 - ::ffff:a01:3ff')
  assert.equal(range('2001:db8::/33'), '2001:db8:: - 2001:db8:7fff:ffff:ffff:ffff:ffff:ffff')
  assert.equal(range('::/0'), ':: - ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
})
