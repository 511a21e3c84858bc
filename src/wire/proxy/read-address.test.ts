import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { proxySeed, runs } from '../../../test/support/proxy-runs.js'
import { hostBytes, parseHostLiteral } from '../../base/address.js'
import { decimalIn, readIpv4, readIpv6 } from './read-address.js'

/** Between other bytes, which must not matter. */
function read(readHost: typeof readIpv4 | typeof readIpv6, text: string, bytes: number) {
  const around = Buffer.from(`1:${text}:1.`, 'latin1')
  const into = new Uint8Array(bytes).fill(0xaa)
  return readHost(around, 2, around.length - 3, into) ? into : undefined
}

function check(text: string): void {
  const bytesOf = (is: boolean) => (is ? hostBytes(parseHostLiteral(text)?.host ?? '') : undefined)
  assert.deepEqual(read(readIpv4, text, 4), bytesOf(isIPv4(text)), text)
  assert.deepEqual(read(readIpv6, text, 16), bytesOf(isIPv6(text)), text)
}

test('addresses in all forms, and what is none', () => {
  for (const text of [
    '0.0.0.0',
    '255.255.255.255',
    '256.0.0.1',
    '1.2.3',
    '1.2.3.4.5',
    '1..2.3',
    '01.2.3.4',
    '',
  ])
    check(text)
  for (const text of ['::', '::1', '1::', '1::2', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7::', '::2:3:4:5:6:7:8'])
    check(text)
  for (const text of ['::ffff:192.0.2.7', '1:2:3:4:5:6:192.0.2.7', '64:ff9b::192.0.2.33', 'ABCD:ef01::'])
    check(text)
  for (const text of [
    ':',
    ':::',
    '1:',
    ':1',
    '1:2',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '12345::',
  ])
    check(text)
  for (const text of [
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3.4:5',
    '::1.2.3',
    '::g',
    '::ffff:1.2.3.256',
    '1.2.3.4::',
  ])
    check(text)
})

const seed = proxySeed()

test(`addresses and mutants of them are read as by inet_pton(3) (seed ${seed})`, () => {
  const mutants = fc
    .tuple(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.nat(),
      fc.constantFrom('', ':', '::', '.', '0', 'f', '1.2.3.4', ' '),
    )
    .map(([text, at, change]) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + change + text.slice(place + (at % 3))
    })
  fc.assert(fc.property(mutants, check), { seed, numRuns: runs(2_000) })
})

test('ports are decimal numbers without leading zeros', () => {
  const port = (text: string) => decimalIn(Buffer.from(text), 0, text.length, 65_535)
  assert.deepEqual(['0', '443', '65535'].map(port), [0, 443, 65_535])
  for (const text of ['', '00', '0443', '65536', '100000', '-1', '+1', '1 ', '1e3'])
    assert.equal(port(text), -1, text)
})
