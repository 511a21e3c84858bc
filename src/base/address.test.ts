import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fileOf, formatAddress, formatHost, hostBytes, hostFromBytes, parseHostLiteral } from './address.js'

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

test('addresses round-trip through their literals', () => {
  fc.assert(
    fc.property(fc.oneof(bytesOf(4), bytesOf(16)), (bytes) => {
      const host = hostFromBytes(bytes)
      assert.deepEqual(hostBytes(host), bytes)
      const literal = parseHostLiteral(host)
      assert.equal(literal?.host, host)
      assert.equal(literal?.family, bytes.length === 4 ? 'ipv4' : 'ipv6')
    }),
  )
})

test('literals are canonicalised', () => {
  const canonical = (text: string) => parseHostLiteral(text)?.host
  assert.equal(canonical('127.1'), '127.0.0.1')
  assert.equal(canonical('2001:DB8:0:0:0:0:0:1'), '2001:db8::1')
  assert.equal(canonical('::0'), '::')
  assert.equal(canonical('::ffff:10.0.0.1'), '::ffff:a00:1')
  assert.equal(canonical('::10.0.0.1'), '::a00:1')
  assert.equal(canonical('::0.0.0.1'), '::1')
  assert.equal(canonical('64:ff9b::10.0.0.1'), '64:ff9b::a00:1')
})

test('accepts every interface name of Linux as scope', () => {
  for (const scope of ['eth0', '3', 'br-lan', 'eth0.100', 'wg_home', 'Tun0', 'veth@x']) {
    assert.deepEqual(parseHostLiteral(`fe80::1%${scope}`), { family: 'ipv6', host: 'fe80::1', scope })
  }
})

test('returns undefined for malformed literals', () => {
  const wrong = ['', 'localhost', '1.2.3.4.5', '256.1.1.1', '1.2.3.4:80', '[::1]', ':::', '1::2::3', 'g::1']
  const wrongScopes = ['fe80::1%', '::1%a b', '::1%a/b', '::1%a%b', '::1%name-longer-than-15']
  for (const text of [...wrong, ...wrongScopes, '127.0.0.1%lo', ' ::1', '::1 ']) {
    assert.equal(parseHostLiteral(text), undefined, JSON.stringify(text))
  }
})

test('formats addresses with their port', () => {
  const shown = [
    formatAddress({ family: 'ipv4', host: '10.0.0.1', port: 80 }),
    formatAddress({ family: 'ipv6', host: '::1', port: 80, scope: '' }),
    formatAddress({ family: 'ipv6', host: 'fe80::1', port: 80, scope: 'eth0' }),
    formatAddress({ family: 'unix', path: '/run/x' }),
    formatAddress({ family: 'unix', path: '\0name' }),
  ]
  assert.deepEqual(shown, ['10.0.0.1:80', '[::1]:80', '[fe80::1%eth0]:80', 'unix:/run/x', 'unix:@name'])
})

test('formats hosts without the port', () => {
  const shown = [
    formatHost({ family: 'ipv4', host: '10.0.0.1', port: 80 }),
    formatHost({ family: 'ipv6', host: 'fe80::1', port: 80, scope: 'eth0' }),
    formatHost({ family: 'unix', path: '\0name' }),
  ]
  assert.deepEqual(shown, ['10.0.0.1', '[fe80::1%eth0]', 'unix:@name'])
})

test('a Unix socket has a file unless its name is abstract', () => {
  assert.equal(fileOf({ family: 'unix', path: '/run/x' }), '/run/x')
  assert.equal(fileOf({ family: 'unix', path: '\0/run/x' }), undefined)
  assert.equal(fileOf({ family: 'ipv4', host: '10.0.0.1', port: 80 }), undefined)
})
