import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress, hostFromBytes } from '../base/address.js'
import { AddressReader } from './address-reader.js'

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

test('reads every address as it is written in logs', () => {
  const reader = new AddressReader()
  const port = fc.integer({ min: 0, max: 65_535 })
  const scope = fc.constantFrom('', '2', 'eth0')
  fc.assert(
    fc.property(fc.oneof(bytesOf(4), bytesOf(16)), port, scope, (bytes, port, scope) => {
      const host = hostFromBytes(bytes)
      const address =
        bytes.length === 4
          ? ({ family: 'ipv4', host, port } as const)
          : ({ family: 'ipv6', host, port, scope } as const)
      const text = formatAddress(address)
      assert.ok(reader.read(text), text)
      assert.deepEqual(reader.bytes.subarray(0, reader.byteCount), bytes, text)
    }),
  )
})

test('all Unix sockets have the same address', () => {
  const reader = new AddressReader()
  for (const text of ['unix:', 'unix:/run/x', 'unix:@x\\x20y']) {
    assert.ok(reader.read(text))
    assert.equal(reader.byteCount, 0)
  }
})

test('rejects what is no address with a port', () => {
  const reader = new AddressReader()
  const texts = [
    '',
    '1',
    '1.2.3.4',
    '1.2.3.4:',
    '1.2.3.256:1',
    '1.2.3:4',
    '1.2.3.4.5:6',
    '1..2.3:4',
    '1.2.3.4:65536',
  ]
  for (const text of [
    ...texts,
    '1.2.3.4:5x',
    '[::1]',
    '[::1]:',
    '[::1',
    '::1:5',
    '[1.2.3.4]:5',
    '[::1]:5x',
    'host:5',
  ]) {
    assert.equal(reader.read(text), false, text)
  }
})
