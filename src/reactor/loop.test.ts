import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { FakeClock, FakePoller } from '../../test/support/fake-poller.js'
import type { Fd } from '../kernel/calls.js'
import { EBADF, EMFILE, ENOMEM } from '../kernel/errno.js'
import { Loop, NO_TOKEN, type TurnTaker, type Watcher } from './loop.js'
import { READABLE, type WatchToken, WRITABLE } from './poller.js'
import { FOR_EVER_MS, Timer } from './timers.js'

class Recorder implements Watcher {
  token = NO_TOKEN
  events: number[] = []
  act: () => void = () => {}

  onReady(readiness: number): void {
    this.events.push(readiness)
    this.act()
  }
}

function loopWith() {
  const poller = new FakePoller()
  const clock = new FakeClock()
  return { poller, clock, loop: new Loop(poller, clock) }
}

function taker(act: (self: TurnTaker) => void): TurnTaker {
  const self: TurnTaker = { isQueued: false, onTurn: () => act(self) }
  return self
}

test('reports events of a descriptor to its watcher only', () => {
  const { loop, poller } = loopWith()
  const [one, other] = [new Recorder(), new Recorder()]
  assert.equal(loop.watch(5, one, 'stream'), 0)
  assert.equal(loop.watch(6, other, 'level'), 0)
  assert.deepEqual(poller.calls, ['add 5 stream', 'add 6 level'])
  poller.makeReady(6, READABLE | WRITABLE)
  loop.turn(0)
  assert.deepEqual([one.events, other.events], [[], [READABLE | WRITABLE]])
})

test('a failed watch changes nothing', () => {
  const { loop, poller } = loopWith()
  const watcher = new Recorder()
  poller.outcome = -ENOMEM
  assert.equal(loop.watch(5, watcher, 'stream'), -ENOMEM)
  assert.deepEqual([watcher.token, loop.watchCount], [NO_TOKEN, 0])
  poller.outcome = 0
  loop.watch(5, watcher, 'stream')
  poller.makeReady(5)
  loop.turn(0)
  assert.deepEqual(watcher.events, [READABLE])
})

test('unwatch and forget reach the poller once and clear the token', () => {
  const { loop, poller } = loopWith()
  const [one, other] = [new Recorder(), new Recorder()]
  loop.watch(5, one, 'stream')
  loop.watch(6, other, 'stream')
  loop.unwatch(5, one)
  loop.forget(6, other)
  loop.forget(6, other)
  loop.unwatch(5, one)
  assert.deepEqual(poller.calls.slice(2), ['remove 5', 'forget 6'])
  assert.deepEqual([one.token, other.token, loop.watchCount], [NO_TOKEN, NO_TOKEN, 0])
})

test('two watchers exchange their descriptors without a call of the poller', () => {
  const { loop, poller } = loopWith()
  const [one, other, none] = [new Recorder(), new Recorder(), new Recorder()]
  loop.watch(5, one, 'stream')
  loop.watch(6, other, 'stream')
  // In the middle of a batch of events, too.
  one.act = () => loop.exchange(one, other)
  poller.makeReady(5, READABLE)
  poller.makeReady(6, WRITABLE)
  loop.turn(0)
  assert.deepEqual([one.events, other.events], [[READABLE, WRITABLE], []])
  one.act = () => {}
  loop.exchange(none, one)
  assert.deepEqual([one.token, none.token !== NO_TOKEN, loop.watchCount], [NO_TOKEN, true, 2])
  loop.forget(6, one)
  loop.forget(6, none)
  loop.forget(5, other)
  assert.deepEqual(poller.calls.slice(2), ['forget 6', 'forget 5'])
  assert.equal(loop.watchCount, 0)
})

test('passes again to the poller with the token of the watch', () => {
  const { loop, poller } = loopWith()
  const watcher = new Recorder()
  loop.watch(5, watcher, 'stream')
  loop.again(5, watcher, WRITABLE)
  assert.equal(poller.calls[1], `again 5 ${WRITABLE} true`)
})

test('waits briefly before turns queued with soon, unless one was queued with later', () => {
  const { loop, poller } = loopWith()
  let turns = 0
  const resting = taker((self) => {
    if (++turns < 3) loop.soon(self)
  })
  loop.soon(resting)
  loop.turn(1_000)
  assert.deepEqual([turns, poller.waits], [1, [0.1]])
  loop.later(taker(() => {}))
  loop.turn(1_000)
  assert.deepEqual([turns, poller.waits.at(-1)], [2, 0], 'another taker has immediate work')
  loop.turn(1_000)
  assert.deepEqual([turns, poller.waits.at(-1)], [3, 0.1])
  loop.turn(1_000)
  assert.deepEqual([turns, poller.waits.at(-1)], [3, 1_000])
})

test('passes pauseReads to the poller with the token of the watch', () => {
  const { loop, poller } = loopWith()
  const watcher = new Recorder()
  loop.watch(5, watcher, 'stream')
  loop.pauseReads(5, watcher)
  assert.equal(poller.calls[1], 'pauseReads 5 true')
})

test('drops events of a watcher closed earlier in the batch, and does not report them to its successor', () => {
  const { loop, poller } = loopWith()
  const [first, victim, successor] = [new Recorder(), new Recorder(), new Recorder()]
  first.act = () => {
    loop.forget(6, victim)
    loop.watch(6, successor, 'stream')
  }
  loop.watch(5, first, 'stream')
  loop.watch(6, victim, 'stream')
  poller.makeReady(5)
  poller.makeReady(6)
  loop.turn(0)
  assert.deepEqual([victim.events, successor.events], [[], []])
  poller.makeReady(6)
  loop.turn(0)
  assert.deepEqual([victim.events, successor.events], [[], [READABLE]])
})

test('drops earlier events of a watcher that is unwatched and watched again within a batch', () => {
  const { loop, poller } = loopWith()
  const [first, pausing] = [new Recorder(), new Recorder()]
  first.act = () => {
    loop.unwatch(6, pausing)
    loop.watch(6, pausing, 'level')
  }
  loop.watch(5, first, 'stream')
  loop.watch(6, pausing, 'level')
  poller.makeReady(5)
  poller.makeReady(6)
  loop.turn(0)
  assert.deepEqual(pausing.events, [])
})

test('tokens are 31-bit numbers that consecutive watches do not share', () => {
  const { loop, poller } = loopWith()
  const operation = fc.record({ fd: fc.integer({ min: 0, max: 20 }), isWatch: fc.boolean() })
  const retired = new Map<number, WatchToken>()
  const watched = new Map<Fd, Recorder>()
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      for (const { fd, isWatch } of operations) {
        const present = watched.get(fd)
        if (!isWatch && present !== undefined) {
          retired.set(fd, present.token)
          loop.forget(fd, present)
          watched.delete(fd)
        } else if (isWatch && present === undefined) {
          const watcher = new Recorder()
          loop.watch(fd, watcher, 'stream')
          watched.set(fd, watcher)
          assert.ok(watcher.token >= 0 && watcher.token <= 0x7fff_ffff && Number.isInteger(watcher.token))
          assert.ok(![...retired.values()].includes(watcher.token), 'a retired token was issued again')
        }
      }
      assert.equal(new Set([...watched.values()].map(({ token }) => token)).size, watched.size)
      assert.equal(loop.watchCount, watched.size)
      for (const [fd, token] of retired) poller.next.push([token, fd])
      loop.turn(0)
      assert.ok(
        [...watched.values()].every(({ events }) => events.length === 0),
        'a stale event was reported',
      )
      retired.clear()
    }),
    { numRuns: 300 },
  )
})

test('generations wrap around within 31 bits', () => {
  const { loop, poller } = loopWith()
  const watcher = new Recorder()
  const tokens = new Set<WatchToken>()
  for (let i = 0; i < 2048 + 10; i++) {
    loop.watch(5, watcher, 'stream')
    assert.ok(watcher.token >= 0 && watcher.token <= 0x7fff_ffff)
    tokens.add(watcher.token)
    loop.forget(5, watcher)
  }
  assert.equal(tokens.size, 2048)
  loop.watch(5, watcher, 'stream')
  poller.makeReady(5)
  loop.turn(0)
  assert.deepEqual(watcher.events, [READABLE])
})

test('returns EMFILE beyond 2^20 watches and reuses freed slots', () => {
  const { loop, poller } = loopWith()
  poller.add = () => 0 // recording a million calls would take longer than the test
  const onReady = () => {}
  const watchers = Array.from({ length: 2 ** 20 }, (): Watcher => ({ token: NO_TOKEN, onReady }))
  for (const [fd, watcher] of watchers.entries()) loop.watch(fd, watcher, 'stream')
  assert.equal(loop.watchCount, 2 ** 20)
  const surplus = new Recorder()
  assert.equal(loop.watch(1, surplus, 'stream'), -EMFILE)
  assert.equal(surplus.token, NO_TOKEN)
  loop.forget(77, watchers[77] as Watcher)
  assert.equal(loop.watch(1, surplus, 'stream'), 0)
})

test('gives queued turn takers one turn each, in order, without waiting', () => {
  const { loop, poller } = loopWith()
  const turns: string[] = []
  const greedy = taker((self) => {
    turns.push('greedy')
    loop.later(self)
  })
  const modest = taker(() => turns.push('modest'))
  loop.later(greedy)
  loop.later(greedy)
  loop.later(modest)
  loop.turn(1_000)
  assert.deepEqual(turns, ['greedy', 'modest'])
  loop.later(modest)
  loop.turn(1_000)
  assert.deepEqual(turns.slice(2), ['greedy', 'modest'])
  assert.deepEqual(poller.waits, [0, 0])
})

test('reports events between the turns of a taker that never finishes', () => {
  const { loop, poller } = loopWith()
  const order: string[] = []
  const watcher = new Recorder()
  watcher.act = () => order.push('event')
  loop.watch(5, watcher, 'stream')
  loop.later(
    taker((self) => {
      order.push('turn')
      loop.later(self)
    }),
  )
  for (let i = 0; i < 3; i++) {
    poller.makeReady(5)
    loop.turn(1_000)
  }
  assert.deepEqual(order, ['event', 'turn', 'event', 'turn', 'event', 'turn'])
})

test('a turn queued from onReady is given after the next poll', () => {
  const { loop, poller } = loopWith()
  const turns: number[] = []
  const watcher = new Recorder()
  watcher.act = () => loop.later(taker(() => turns.push(poller.waits.length)))
  loop.watch(5, watcher, 'stream')
  poller.makeReady(5)
  loop.turn(1_000)
  assert.deepEqual(turns, [])
  loop.turn(1_000)
  assert.deepEqual(turns, [2])
  assert.equal(poller.waits[1], 0, 'which does not wait')
  loop.turn(1_000)
  assert.equal(poller.waits[2], 1_000, 'no turn is queued any more')
})

test('waits until the next timer, and keeps the time constant within a turn', () => {
  const { clock, loop, poller } = loopWith()
  const fired: number[] = []
  const timer = new Timer({ onTimer: () => fired.push(loop.nowMs) })
  loop.timers.set(timer, 1_020)
  loop.turn(Number.POSITIVE_INFINITY)
  assert.deepEqual([fired, poller.waits], [[], [20]])
  clock.nowMs = 1_021.5
  loop.turn(5)
  assert.deepEqual([fired, poller.waits[1]], [[1_021.5], 5])
  loop.turn(Number.POSITIVE_INFINITY)
  assert.equal(poller.waits[2], FOR_EVER_MS)
})

test('run returns after the turn in which stop was called, with the whole batch reported', () => {
  const { loop, poller } = loopWith()
  const [one, other] = [new Recorder(), new Recorder()]
  one.act = () => loop.stop()
  loop.watch(5, one, 'stream')
  loop.watch(6, other, 'stream')
  poller.makeReady(5)
  poller.makeReady(6)
  loop.run()
  assert.deepEqual([other.events, poller.waits.length], [[READABLE], 1])
})

test('a failing poller throws instead of spinning', () => {
  const { loop, poller } = loopWith()
  poller.outcome = -EBADF
  assert.throws(() => loop.turn(0), /fake failed: bad file descriptor/)
})
