import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Blowfish, blowfishTables, mavisdTables } from './blowfish.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const fromHex = (digits: string): Uint8Array => Uint8Array.from(Buffer.from(digits, 'hex'))
const text = (characters: string): Uint8Array => new TextEncoder().encode(characters)

test("matches the author's test vectors with the standard tables", () => {
  const tables = blowfishTables()
  for (const [key, plain, encrypted] of [
    ['0000000000000000', '0000000000000000', '4ef997456198dd78'],
    ['ffffffffffffffff', 'ffffffffffffffff', '51866fd5b85ecb8a'],
    ['3000000000000000', '1000000000000001', '7d856f9a613063f2'],
    ['0123456789abcdef', '1111111111111111', '61f9c3802281b096'],
    ['fedcba9876543210', '0123456789abcdef', '0aceab0fc6a0a28d'],
    ['f0e1d2c3b4a5968778695a4b3c2d1e0f0011223344556677', 'fedcba9876543210', '05044b62fa52d080'],
  ] as const) {
    const cipher = new Blowfish(fromHex(key), tables)
    assert.equal(hex(cipher.encrypt(fromHex(plain))), encrypted)
    assert.equal(hex(cipher.decrypt(fromHex(encrypted))), plain)
  }
})

test('cuts the tables as mavisd does', () => {
  const [whole, cut] = [blowfishTables(), mavisdTables()]
  assert.deepEqual([...cut.subarray(0, 5)], [...whole.subarray(0, 4), 0x3822])
  assert.deepEqual(
    [0, 1, 2, 3].map((box) => [...cut.subarray(18 + 256 * box, 18 + 256 * (box + 1))]),
    [0, 1, 2, 3].map((box) => [
      ...whole.subarray(18 + 256 * box, 18 + 256 * box + 64),
      ...Array(192).fill(0),
    ]),
  )
  assert.equal(
    cut.subarray(5, 18).every((word) => word === 0),
    true,
  )
})

test("matches a C program that copies mavisd's tables", () => {
  // Computed by a C program with the original's memcpy calls; a partial last block is ignored.
  assert.equal(hex(new Blowfish(text('secret')).encrypt(text('4 joe\0'))), '0ae34d601966a9ea')
  assert.equal(
    hex(new Blowfish(text('a longer key')).encrypt(text('21 serial\n4 joe\n\0'))),
    '2b86ec9fcfd2f8dc693bf57c590b491988c1fa4110ab1086',
  )
})

test('decrypts what it encrypted with any key', () => {
  const bytes = fc.uint8Array({ maxLength: 64 })
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), bytes, (key, plain) => {
      const cipher = new Blowfish(key)
      const encrypted = cipher.encrypt(plain)
      assert.equal(encrypted.length, Math.ceil(plain.length / 8) * 8)
      const padded = new Uint8Array(encrypted.length)
      padded.set(plain)
      assert.deepEqual(cipher.decrypt(encrypted), padded)
      assert.deepEqual(cipher.decrypt(Uint8Array.of(...encrypted, 1, 2, 3)), padded)
    }),
  )
})

test('uses 72 bytes of a key and repeats a shorter one', () => {
  const key = Uint8Array.from({ length: 80 }, (_, i) => i + 1)
  const encrypted = (bytes: Uint8Array) => hex(new Blowfish(bytes).encrypt(text('12345678')))
  assert.equal(encrypted(key), encrypted(key.subarray(0, 72)))
  assert.notEqual(encrypted(key), encrypted(key.subarray(0, 71)))
  assert.equal(encrypted(text('ab')), encrypted(text('abab')))
  assert.throws(() => new Blowfish(new Uint8Array()), RangeError)
})
