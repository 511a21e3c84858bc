import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anySeed, assertShares } from '../../test/support/chi-square.js'
import { fractionOf, hashAddress, hashBytes, hashText, hashWord } from './hash.js'

const unsigned = (hash: number) => hash >>> 0

test('hashes like MurmurHash3 x86_32', () => {
  assert.deepEqual(
    ['', 'test', 'Hello, world!', 'The quick brown fox jumps over the lazy dog'].map((text) =>
      unsigned(hashText(text)),
    ),
    [0, 0xba6bd213, 0xc0363e43, 0x2e4ff723],
  )
  assert.equal(unsigned(hashText('', 1)), 0x514e28b7)
})

test('passes the verification of SMHasher', () => {
  // The hashes of 0 to 255 bytes, hashed again: a value that the authors of the function publish.
  const results = new Uint8Array(1_024)
  const words = new DataView(results.buffer)
  const key = Uint8Array.from({ length: 256 }, (_, i) => i)
  for (let length = 0; length < 256; length++) {
    words.setInt32(4 * length, hashBytes(key, 0, length, 256 - length), true)
  }
  assert.equal(unsigned(hashBytes(results)), 0xb0f57ee3)
})

test('a word hashes like its bytes, and a part like a copy of it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8 }), fc.integer(), fc.nat(), (bytes, seed, number) => {
      const { buffer } = bytes.slice(0, 4)
      const word = new DataView(buffer).getInt32(0, true)
      assert.equal(hashWord(word, seed), hashBytes(bytes, 0, 4, seed))
      const offset = number % bytes.length
      assert.equal(
        hashBytes(bytes, offset, bytes.length - offset, seed),
        hashBytes(bytes.slice(offset), 0, bytes.length - offset, seed),
      )
    }),
  )
})

test('addresses hash alike exactly when their networks are the same', () => {
  const address = fc.tuple(fc.constantFrom(4, 16), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  fc.assert(
    fc.property(address, fc.nat({ max: 127 }), fc.nat({ max: 128 }), ([length, bytes], bit, prefix) => {
      const flipped = bytes.slice()
      const at = bit % (8 * length)
      flipped[at >> 3] = (flipped[at >> 3] as number) ^ (0x80 >> (at & 7))
      const prefixBits = Math.min(prefix, 8 * length)
      const isInNetwork = at >= prefixBits
      const areEqual =
        hashAddress(bytes, 0, length, prefixBits) === hashAddress(flipped, 0, length, prefixBits)
      assert.equal(areEqual, isInNetwork, `bit ${at} of a /${prefixBits}`)
    }),
  )
})

test('an address is found at an offset, and whole by default', () => {
  const bytes = Uint8Array.of(9, 9, 192, 0, 2, 1, 9)
  assert.equal(hashAddress(bytes, 2, 4), hashAddress(Uint8Array.of(192, 0, 2, 1), 0, 4, 32))
  assert.notEqual(hashAddress(bytes, 2, 4), hashAddress(bytes, 1, 4))
})

test('each bit of an address changes each bit of the hash in half of all cases', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const rounds = 4_000
  const changes = Array.from({ length: 32 * 32 }, () => 0)
  for (let round = 0; round < rounds; round++) {
    const bytes = new Uint8Array(4)
    const words = new DataView(bytes.buffer)
    words.setInt32(0, hashWord(round, seed))
    const before = hashAddress(bytes, 0, 4)
    for (let bit = 0; bit < 32; bit++) {
      words.setInt32(0, hashWord(round, seed) ^ (1 << bit))
      const changed = before ^ hashAddress(bytes, 0, 4)
      for (let out = 0; out < 32; out++) {
        changes[bit * 32 + out] = (changes[bit * 32 + out] as number) + ((changed >>> out) & 1)
      }
    }
  }
  // Seven standard deviations of a fair coin; there are a thousand of them.
  const away = 7 * Math.sqrt(rounds / 4)
  for (const count of changes) assert.ok(Math.abs(count - rounds / 2) < away, `seed ${seed}: ${count}`)
})

test('neighbours in a network are spread evenly', () => {
  const counts = [0, 0, 0, 0, 0]
  for (let i = 0; i < 65_536; i++) {
    const fraction = fractionOf(hashAddress(Uint8Array.of(10, 1, i >> 8, i & 255), 0, 4))
    const fifth = Math.floor(fraction * 5)
    counts[fifth] = (counts[fifth] as number) + 1
  }
  assertShares(counts, [1, 1, 1, 1, 1], 0)
})

test('a fraction is between 0 and 1, both exclusive', () => {
  for (const hash of [0, -1, 1, 2 ** 31, -(2 ** 31)]) {
    assert.ok(fractionOf(hash) > 0 && fractionOf(hash) < 1, `${hash}`)
  }
})
