import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHostLiteral } from './address.js'
import { isPublicAddress, unmappedAddress } from './public-address.js'

function literalOf(text: string) {
  const literal = parseHostLiteral(text)
  assert.ok(literal !== undefined, text)
  return literal
}

const NOT_PUBLIC = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1'],
  ...['127.255.255.255', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1'],
  ...['192.88.99.1', '192.168.0.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1'],
  ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...[
    '::',
    '::1',
    '::10.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:0.0.0.0',
    '::ffff:100.64.0.1',
  ],
  ...['64:ff9b::10.0.0.1', '64:ff9b::127.0.0.1', '64:ff9b:1::1', '100::1', '2001::1', '2001:db8::1'],
  ...['2002:a00:1::1', '3fff::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fec0::1', 'ff02::1'],
]

const PUBLIC = [
  ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '126.255.255.255'],
  ...[
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.255.255',
    '198.17.255.255',
    '223.255.255.255',
  ],
  ...['::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2001:4860:4860::8888', '2a00:1450::1', '2606:4700::1111'],
]

test('special addresses are not public, also as part of an IPv6 address', () => {
  for (const text of NOT_PUBLIC) assert.equal(isPublicAddress(literalOf(text)), false, text)
})

test('addresses beside the special ones are public', () => {
  for (const text of PUBLIC) assert.equal(isPublicAddress(literalOf(text)), true, text)
})

test('an IPv4-mapped address is converted to IPv4, others are not', () => {
  assert.deepEqual(unmappedAddress(literalOf('::ffff:10.0.0.1')), { family: 'ipv4', host: '10.0.0.1' })
  for (const text of ['10.0.0.1', '64:ff9b::10.0.0.1', '2001:db8::1'])
    assert.deepEqual(unmappedAddress(literalOf(text)), literalOf(text))
})
