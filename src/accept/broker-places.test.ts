import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerPlaces } from './broker-places.js'

const front = (maxConnections: number, countersSlot = 0) => ({ name: 'front', maxConnections, countersSlot })

/** A master with one listener, and what its children report in the cells. */
function worldOf(max: number) {
  const reports = [new Float64Array(2), new Float64Array(2)]
  const places = new BrokerPlaces()
  const replace = (listener: ReturnType<typeof front>) =>
    places.replace([listener], (child) => reports[child] as Float64Array)
  replace(front(max))
  return {
    places,
    replace,
    takes: (count: number) => Array.from({ length: count }, () => places.take(0)).filter(Boolean).length,
    /** Sends the clients of the places that were taken to a child. */
    send: (child: number, count: number) => {
      const limited = places.of(0)
      assert.ok(limited)
      for (let i = 0; i < count; i++) places.onSent(child, limited)
    },
    report: (child: number, ended: number, listener = 0) => {
      ;(reports[child] as Float64Array)[listener] = ended
      places.onDone(child)
    },
  }
}

test('a place is taken from the accept until the child reports the end', () => {
  const world = worldOf(2)
  assert.equal(world.takes(3), 2)
  world.send(0, 1)
  world.send(1, 1)
  assert.equal(world.places.hasRoom(0), false)
  world.report(0, 1)
  assert.deepEqual([world.takes(2), world.places.hasRoom(0)], [1, false])
  world.places.giveBack(0)
  assert.equal(world.takes(2), 1, 'nobody was accepted')
})

test('a child that dies gives back what it has not reported', () => {
  const world = worldOf(5)
  world.takes(5)
  world.send(0, 3)
  world.send(1, 2)
  world.report(0, 1)
  world.places.onGone(0)
  assert.equal(world.takes(5), 3)
  world.report(1, 2)
  assert.equal(world.takes(5), 2)
})

test('whatever a child reports, it gives back what it had at most, and once', () => {
  const world = worldOf(4)
  world.takes(4)
  world.send(0, 1)
  world.send(1, 3)
  for (const lie of [1_000, -5, Number.NaN, Number.POSITIVE_INFINITY, 0]) world.report(0, lie)
  world.places.onGone(0)
  assert.equal(world.takes(5), 1)
})

test('sessions count on under the next configuration, with its limit and its slot', () => {
  const world = worldOf(3)
  world.takes(3)
  world.send(0, 3)
  world.replace(front(2, 1))
  world.report(0, 1, 1)
  assert.equal(world.takes(1), 0)
  world.report(0, 2, 1)
  assert.equal(world.takes(2), 1)
  world.replace(front(Number.POSITIVE_INFINITY))
  assert.equal(world.takes(9), 9, 'it has no limit any more')
  assert.equal(world.places.of(0), undefined)
})
