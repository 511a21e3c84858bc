import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { QueueOrder } from './queue-order.js'

/** Workers whose first clients came at these times; 0: none waits. */
function worldOf(...since: readonly number[]) {
  const rows = since.map((value) => Float64Array.of(-1, value))
  return { rows, orders: rows.map((_, own) => new QueueOrder(rows, own, 1)) }
}

const mayTake = (orders: readonly QueueOrder[], nowMs: number) => orders.map((order) => order.mayTake(nowMs))

test('a place belongs to the worker whose first client has waited longest', () => {
  const { orders } = worldOf(30, 10, 0, 20)
  assert.deepEqual(mayTake([orders[0], orders[1], orders[3]] as QueueOrder[], 100), [false, true, false])
})

test('of clients that came at the same time the worker with the lower slot is first', () => {
  const { orders } = worldOf(10, 10, 10)
  assert.deepEqual(mayTake(orders, 100), [true, false, false])
})

test('a worker that lets a place go by is skipped until it has another first client', () => {
  const { orders, rows } = worldOf(10, 20)
  const [stopped, other] = orders as [QueueOrder, QueueOrder]
  assert.equal(other.mayTake(100), false)
  assert.equal(other.mayTake(119), false)
  assert.equal(other.mayTake(120), true)
  assert.equal(other.mayTake(121), true, 'once it is known, nobody waits for it')
  stopped.setFirst(15)
  assert.equal(rows[0]?.[1], 15)
  assert.equal(other.mayTake(122), false, 'it has served a client')
})

test('only the time counts in which a place is free', () => {
  const { orders } = worldOf(10, 20)
  const other = orders[1] as QueueOrder
  assert.equal(other.mayTake(100), false)
  other.onFull()
  assert.equal(other.mayTake(125), false)
  assert.equal(other.mayTake(145), true)
})

test('a worker that takes places in turn is never skipped', () => {
  const { orders } = worldOf(10, 900)
  const [first, other] = orders as [QueueOrder, QueueOrder]
  for (let nowMs = 1_000; nowMs < 1_200; nowMs += 2) {
    assert.equal(other.mayTake(nowMs), false)
    first.setFirst(10 + (nowMs - 1_000))
  }
})

test('whatever the rows say, exactly one of the waiting workers may take a place at a time', () => {
  const value = fc.oneof(fc.constant(0), fc.nat({ max: 20 }), fc.double())
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), (since) => {
      const { orders } = worldOf(...since)
      const waiting = orders.filter((_, worker) => (since[worker] as number) > 0)
      const first = mayTake(waiting, 100).filter(Boolean).length
      assert.equal(first, waiting.length === 0 ? 0 : 1)
      assert.ok(mayTake(waiting, 100 + 20 * since.length).every((may) => may || waiting.length > 1))
    }),
  )
})
