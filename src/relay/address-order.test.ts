import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressOrder } from './address-order.js'

const orderOf = (families: string) => new AddressOrder([...families])

test('families take turns, beginning with that of the first address', () => {
  assert.deepEqual(orderOf('666444').indices, [0, 3, 1, 4, 2, 5])
  assert.deepEqual(orderOf('466').indices, [0, 1, 2])
  assert.deepEqual(orderOf('66646').indices, [0, 3, 1, 2, 4])
  assert.deepEqual(orderOf('64444').indices, [0, 1, 2, 3, 4])
  assert.deepEqual(orderOf('444').indices, [0, 1, 2])
  assert.deepEqual(orderOf('6').indices, [0])
  assert.deepEqual(orderOf('').indices, [])
})

test('the preferred address is the first one, and those before it are the last of their family', () => {
  const order = orderOf('666444')
  const before = order.indices
  order.prefer(4)
  assert.deepEqual(order.indices, [4, 0, 5, 1, 3, 2])
  assert.deepEqual(before, [0, 3, 1, 4, 2, 5], 'a session keeps its order')
  order.prefer(4)
  assert.deepEqual(order.indices, [4, 0, 5, 1, 3, 2])
})

test('an index of addresses that have been replaced by fewer ones is ignored', () => {
  const order = orderOf('64')
  order.prefer(2)
  assert.deepEqual(order.indices, [0, 1])
})

test('every order has each address once', () => {
  for (let length = 0; length < 7; length++) {
    for (let bits = 0; bits < 2 ** length; bits++) {
      for (let first = 0; first < length; first++) {
        const order = orderOf([...Array(length).keys()].map((i) => ((bits >> i) & 1 ? '6' : '4')).join(''))
        order.prefer(first)
        assert.equal(order.indices[0], first)
        assert.deepEqual(order.indices.toSorted(), [...Array(length).keys()])
      }
    }
  }
})
