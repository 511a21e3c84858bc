import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TicketKeyRing } from './ticket-keys.js'

test('keeps a key for one period after its use', () => {
  const ring = new TicketKeyRing()
  const [first] = ring.keys
  assert.equal(ring.keys.length, 1)
  ring.rotate()
  const [second, old] = ring.keys
  assert.equal(old, first)
  assert.notDeepEqual(second, first)
  ring.rotate()
  assert.equal(ring.keys.length, 2)
  assert.equal(ring.keys[1], second)
  assert.ok(!ring.keys.includes(first as (typeof ring.keys)[number]))
})

test('creates distinct keys of the lengths that OpenSSL requires', () => {
  const [one, other] = [new TicketKeyRing().keys[0], new TicketKeyRing().keys[0]]
  assert.deepEqual([one?.name.length, one?.hmac.length, one?.aes.length], [16, 32, 32])
  assert.notDeepEqual(one?.name, other?.name)
  assert.notDeepEqual(one?.hmac, other?.hmac)
  assert.notDeepEqual(one?.aes, other?.aes)
})
