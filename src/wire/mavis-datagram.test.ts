import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AV, SENT_ATTRIBUTES } from '../base/mavis-attributes.js'
import { Blowfish } from './blowfish.js'
import { decodeDatagram, encodeDatagram } from './mavis-datagram.js'

/** Decodes without throwing, for any bytes. */
const RUNS = process.env.TCPRELAY_TESTS === 'full' ? 50_000 : 2_000

const CIPHERS = [undefined, new Blowfish(new TextEncoder().encode('secret'))]

function valuesOf(entries: Iterable<readonly [number: number, value: string]>): (string | undefined)[] {
  const values: (string | undefined)[] = []
  for (const [number, value] of entries) values[number] = value
  return values
}

const character = fc
  .integer({ min: 1, max: 255 })
  .filter((code) => code !== 13)
  .map((code) => String.fromCharCode(code))
const value = fc.array(character).map((characters) => characters.join(''))
const attribute = fc.integer({ min: 0, max: SENT_ATTRIBUTES - 1 })

test('encodes plain lines without a key', () => {
  const datagram = encodeDatagram(
    valuesOf([
      [AV.TYPE, 'TACPLUS'],
      [AV.USER, 'jo\xe9'],
    ]),
    undefined,
  )
  assert.equal(Buffer.from(datagram ?? []).toString('latin1'), '0 TACPLUS\n4 jo\xe9\n')
})

test('decodes what it encodes, with and without a key', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(attribute, value)), fc.constantFrom(...CIPHERS), (entries, cipher) => {
      const values = valuesOf(entries)
      const datagram = encodeDatagram(values, cipher)
      assert.deepEqual(decodeDatagram(datagram ?? Uint8Array.of(1), cipher), values)
    }),
  )
})

test('decodes any bytes to values or undefined', () => {
  const noise = fc.uint8Array({ maxLength: 200 })
  const nearly = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 70 }), fc.constantFrom(' ', '', '\n', '\0'), value))
    .map((parts) => new TextEncoder().encode(parts.map((part) => part.join('')).join('\n')))
  fc.assert(
    fc.property(fc.oneof(noise, nearly), fc.constantFrom(...CIPHERS), (bytes, cipher) => {
      const values = decodeDatagram(bytes, cipher)
      if (values === undefined) return
      assert.ok(values.length <= SENT_ATTRIBUTES)
      assert.ok(values.every((found) => found === undefined || /^[\x01-\xff]*$/.test(found)))
    }),
    { numRuns: RUNS },
  )
})

test('stops decoding at NUL', () => {
  assert.deepEqual(
    decodeDatagram(new TextEncoder().encode('4 joe\n\x005 x'), undefined),
    valuesOf([[AV.USER, 'joe']]),
  )
  assert.equal(decodeDatagram(new TextEncoder().encode('4 joe\nnonsense\n'), undefined), undefined)
})

test('refuses to encode NUL and what is too long for mavisd', () => {
  for (const cipher of CIPHERS) {
    assert.equal(encodeDatagram(valuesOf([[AV.USER, 'a\0b']]), cipher), undefined)
    const longest = 64_991 - '4 \n'.length
    assert.ok((encodeDatagram(valuesOf([[AV.USER, 'x'.repeat(longest)]]), cipher)?.length ?? 0) < 65_000)
    assert.equal(encodeDatagram(valuesOf([[AV.USER, 'x'.repeat(longest + 1)]]), cipher), undefined)
  }
})

test('decodes datagrams of any size to values or undefined', () => {
  for (const cipher of CIPHERS)
    for (const size of [0, 1, 7, 8, 9, 64_990, 65_000, 65_507, 65_536])
      for (const byte of [0, 10, 32, 0x34, 0xff])
        assert.ok((decodeDatagram(new Uint8Array(size).fill(byte), cipher) ?? []).length <= SENT_ATTRIBUTES)
})
