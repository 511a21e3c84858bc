import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashText } from './hash.js'
import { remoteSeeds } from './remote-seeds.js'

/** Found by trying names of this form. */
const EQUAL_HASHES = ['10.0.2.254:8081', '10.0.144.191:8081'] as const

test('a seed is the hash of the name', () => {
  assert.deepEqual(
    remoteSeeds(['b', 'a', '']),
    ['b', 'a', ''].map((name) => hashText(name)),
  )
})

test('names with equal hashes have different seeds, the same in any order', () => {
  const [one, other] = EQUAL_HASHES
  assert.equal(hashText(one), hashText(other))
  const [ofOne, ofOther] = remoteSeeds([one, other])
  assert.notEqual(ofOne, ofOther)
  assert.deepEqual(remoteSeeds(['c', other, one]), [hashText('c'), ofOther, ofOne])
})

test('equal names have different seeds', () => {
  assert.equal(new Set(remoteSeeds(['a', 'a', 'a'])).size, 3)
})
