import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../test/support/fake-poller.js'
import { localCells } from '../cells/cells.js'
import { openWakeupFd } from '../kernel/wakeup-fd.js'
import { COUNT } from '../observe/counters.js'
import { openEpoll } from '../reactor/epoll.js'
import { Loop } from '../reactor/loop.js'
import { SiblingLoad } from './sibling-load.js'

/** Longer than the list of accepting children is cached. */
const LATER_MS = 100

function world(count: number) {
  const cells = localCells({ children: 4, remotes: 0, listeners: 1, pools: 1, ringBytes: 64 })
  const wakeup = openWakeupFd()
  const clock = new FakeClock()
  const loops = Array.from({ length: count }, () => new Loop(openEpoll(), clock))
  const rung = new Array<number>(count).fill(0)
  const children = loops.map((loop, slot) => {
    const onClientsLeft = () => void rung.splice(slot, 1, (rung[slot] ?? 0) + 1)
    return new SiblingLoad({ cells, slot, loop, wakeupFd: wakeup.fd, onClientsLeft })
  })
  const turn = () => {
    for (const loop of loops) loop.turn(0)
  }
  turn()
  rung.fill(0)
  const setSessions = (slot: number, sessions: number) => {
    cells.countersOf(slot)[COUNT.sessionsNow] = sessions
  }
  const pass = () => {
    clock.nowMs += LATER_MS
    turn()
  }
  return { cells, children, rung, setSessions, pass, turn }
}

test('there is room while a sibling has some or another child may be started', () => {
  const { cells, children, pass, setSessions } = world(3)
  const [one] = children
  assert.equal(one?.haveRoom(), false)
  children[1]?.enter(2)
  pass()
  assert.equal(one?.haveRoom(), true)
  setSessions(1, 2)
  assert.equal(one?.haveRoom(), false)
  cells.mayGrow[0] = 1
  assert.equal(one?.haveRoom(), true)
  cells.mayGrow[0] = 0
  setSessions(1, 1)
  assert.equal(one?.haveRoom(), true)
  children[1]?.leave()
  pass()
  assert.equal(one?.haveRoom(), false)
})

test('a new child is seen as soon as no other may be started', () => {
  const { cells, children, pass } = world(2)
  const [one, other] = children
  pass()
  assert.equal(one?.haveRoom(), false)
  cells.mayGrow[0] = 1
  assert.equal(one?.haveRoom(), true)
  other?.enter(2)
  cells.mayGrow[0] = 0
  assert.equal(one?.haveRoom(), true)
})

test('yields to a sibling with room and fewer sessions', () => {
  const { children, pass, setSessions } = world(2)
  const [one, other] = children
  one?.enter(10)
  other?.enter(3)
  pass()
  setSessions(0, 1)
  assert.equal(one?.isOneLessUsed(), true)
  setSessions(1, 1)
  assert.equal(one?.isOneLessUsed(), false)
  setSessions(0, 5)
  setSessions(1, 3)
  assert.equal(one?.isOneLessUsed(), false, 'the other is full')
})

test('every wake-up reaches every child', () => {
  const { children, rung, turn } = world(3)
  for (const times of [1, 2]) {
    children[0]?.wakeSiblings()
    // The timer expires asynchronously, after the call has returned.
    for (let turns = 0; rung.some((count) => count < times); turns++) {
      assert.ok(turns < 100_000, `heard ${rung} times`)
      turn()
    }
    turn()
    assert.deepEqual(rung, [times, times, times], 'once a ring')
  }
})

for (const junk of [Number.NaN, Number.NEGATIVE_INFINITY, -1, -1e300]) {
  test(`a sibling that counts ${junk} has no room and no sessions`, () => {
    const { cells, children, pass } = world(2)
    const [one] = children
    one?.enter(10)
    cells.countersOf(1).fill(junk)
    pass()
    assert.deepEqual([one?.haveRoom(), one?.isOneLessUsed()], [false, false])
    cells.countersOf(0).fill(junk)
    assert.equal(one?.isOneLessUsed(), false, 'not even with its own row overwritten')
  })
}
