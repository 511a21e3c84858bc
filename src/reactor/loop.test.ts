import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { FakeClock, FakePoller } from '../../test/support/fake-poller.js'
import type { Fd } from '../kernel/calls.js'
import { EBADF, EMFILE, ENOMEM } from '../kernel/errno.js'
import { Loop, NO_TOKEN, type TurnTaker, type Watcher } from './loop.js'
import { READABLE, type Token, WRITABLE } from './poller.js'
import { FOR_EVER_MS, Timer } from './timers.js'

class Recorder implements Watcher {
  token = NO_TOKEN
  told: number[] = []
  act: () => void = () => {}

  onReady(readiness: number): void {
    this.told.push(readiness)
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

test('a watcher hears of its descriptor and of no other', () => {
  const { loop, poller } = loopWith()
  const [one, other] = [new Recorder(), new Recorder()]
  assert.equal(loop.watch(5, one, 'stream'), 0)
  assert.equal(loop.watch(6, other, 'level'), 0)
  assert.deepEqual(poller.said, ['add 5 stream', 'add 6 level'])
  poller.tell(6, READABLE | WRITABLE)
  loop.turn(0)
  assert.deepEqual([one.told, other.told], [[], [READABLE | WRITABLE]])
})

test('a watch that fails changes nothing', () => {
  const { loop, poller } = loopWith()
  const watcher = new Recorder()
  poller.outcome = -ENOMEM
  assert.equal(loop.watch(5, watcher, 'stream'), -ENOMEM)
  assert.deepEqual([watcher.token, loop.watchCount], [NO_TOKEN, 0])
  poller.outcome = 0
  loop.watch(5, watcher, 'stream')
  poller.tell(5)
  loop.turn(0)
  assert.deepEqual(watcher.told, [READABLE])
})

test('unwatch takes the descriptor out of the poller, forget tells it that it is closed, and neither twice', () => {
  const { loop, poller } = loopWith()
  const [one, other] = [new Recorder(), new Recorder()]
  loop.watch(5, one, 'stream')
  loop.watch(6, other, 'stream')
  loop.unwatch(5, one)
  loop.forget(6, other)
  loop.forget(6, other)
  loop.unwatch(5, one)
  assert.deepEqual(poller.said.slice(2), ['remove 5', 'forget 6'])
  assert.deepEqual([one.token, other.token, loop.watchCount], [NO_TOKEN, NO_TOKEN, 0])
})

test('again reaches the poller with the token of the watch', () => {
  const { loop, poller } = loopWith()
  const watcher = new Recorder()
  loop.watch(5, watcher, 'stream')
  loop.again(5, watcher, WRITABLE)
  assert.equal(poller.said[1], `again 5 ${WRITABLE} true`)
})

test('who takes a turn soon lets a moment pass before, unless somebody is in haste', () => {
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
  assert.deepEqual([turns, poller.waits.at(-1)], [2, 0], 'somebody else is in haste')
  loop.turn(1_000)
  assert.deepEqual([turns, poller.waits.at(-1)], [3, 0.1])
  loop.turn(1_000)
  assert.deepEqual([turns, poller.waits.at(-1)], [3, 1_000])
})

test('hush reaches the poller with the token of the watch', () => {
  const { loop, poller } = loopWith()
  const watcher = new Recorder()
  loop.watch(5, watcher, 'stream')
  loop.hush(5, watcher)
  assert.equal(poller.said[1], 'hush 5 true')
})

test('who was closed earlier in a batch hears nothing, nor does who took its place', () => {
  const { loop, poller } = loopWith()
  const [first, victim, successor] = [new Recorder(), new Recorder(), new Recorder()]
  first.act = () => {
    loop.forget(6, victim)
    loop.watch(6, successor, 'stream')
  }
  loop.watch(5, first, 'stream')
  loop.watch(6, victim, 'stream')
  poller.tell(5)
  poller.tell(6)
  loop.turn(0)
  assert.deepEqual([victim.told, successor.told], [[], []])
  poller.tell(6)
  loop.turn(0)
  assert.deepEqual([victim.told, successor.told], [[], [READABLE]])
})

test('who pauses and resumes within a batch is not told of the time before', () => {
  const { loop, poller } = loopWith()
  const [first, pausing] = [new Recorder(), new Recorder()]
  first.act = () => {
    loop.unwatch(6, pausing)
    loop.watch(6, pausing, 'level')
  }
  loop.watch(5, first, 'stream')
  loop.watch(6, pausing, 'level')
  poller.tell(5)
  poller.tell(6)
  loop.turn(0)
  assert.deepEqual(pausing.told, [])
})

test('tokens are 31-bit numbers, and no two watches in a row share one', () => {
  const { loop, poller } = loopWith()
  const operation = fc.record({ fd: fc.integer({ min: 0, max: 20 }), isWatch: fc.boolean() })
  const retired = new Map<number, Token>()
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
          assert.ok(![...retired.values()].includes(watcher.token), 'a token of the past came back')
        }
      }
      assert.equal(new Set([...watched.values()].map(({ token }) => token)).size, watched.size)
      assert.equal(loop.watchCount, watched.size)
      for (const [fd, token] of retired) poller.next.push([token, fd])
      loop.turn(0)
      assert.ok(
        [...watched.values()].every(({ told }) => told.length === 0),
        'a stale event was told',
      )
      retired.clear()
    }),
    { numRuns: 300 },
  )
})

test('generations begin again after the last one, within 31 bits', () => {
  const { loop, poller } = loopWith()
  const watcher = new Recorder()
  const tokens = new Set<Token>()
  for (let i = 0; i < 2048 + 10; i++) {
    loop.watch(5, watcher, 'stream')
    assert.ok(watcher.token >= 0 && watcher.token <= 0x7fff_ffff)
    tokens.add(watcher.token)
    loop.forget(5, watcher)
  }
  assert.equal(tokens.size, 2048)
  loop.watch(5, watcher, 'stream')
  poller.tell(5)
  loop.turn(0)
  assert.deepEqual(watcher.told, [READABLE])
})

test('beyond a million watches the answer is EMFILE, and room is used again', () => {
  const { loop, poller } = loopWith()
  poller.add = () => 0 // a million notes of it would take longer than the test
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

test('who has more to do gets one turn each, in order, and the loop does not wait meanwhile', () => {
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

test('news are told between the turns of who never finishes', () => {
  const { loop, poller } = loopWith()
  const order: string[] = []
  const watcher = new Recorder()
  watcher.act = () => order.push('news')
  loop.watch(5, watcher, 'stream')
  loop.later(
    taker((self) => {
      order.push('turn')
      loop.later(self)
    }),
  )
  for (let i = 0; i < 3; i++) {
    poller.tell(5)
    loop.turn(1_000)
  }
  assert.deepEqual(order, ['news', 'turn', 'news', 'turn', 'news', 'turn'])
})

test('who asks while news are told has its turn after the next look at the descriptors', () => {
  const { loop, poller } = loopWith()
  const turns: number[] = []
  const watcher = new Recorder()
  watcher.act = () => loop.later(taker(() => turns.push(poller.waits.length)))
  loop.watch(5, watcher, 'stream')
  poller.tell(5)
  loop.turn(1_000)
  assert.deepEqual(turns, [])
  loop.turn(1_000)
  assert.deepEqual(turns, [2])
  assert.equal(poller.waits[1], 0, 'it need not wait for that')
  loop.turn(1_000)
  assert.equal(poller.waits[2], 1_000, 'and nobody has more to do afterwards')
})

test('the loop waits for its timers, and everything in one turn happens at one moment', () => {
  const { clock, loop, poller } = loopWith()
  const rung: number[] = []
  const timer = new Timer({ onTimer: () => rung.push(loop.nowMs) })
  loop.timers.set(timer, 1_020)
  loop.turn(Number.POSITIVE_INFINITY)
  assert.deepEqual([rung, poller.waits], [[], [20]])
  clock.nowMs = 1_021.5
  loop.turn(5)
  assert.deepEqual([rung, poller.waits[1]], [[1_021.5], 5])
  loop.turn(Number.POSITIVE_INFINITY)
  assert.equal(poller.waits[2], FOR_EVER_MS)
})

test('run ends after the turn in which stop was called, and the rest of the batch is told', () => {
  const { loop, poller } = loopWith()
  const [one, other] = [new Recorder(), new Recorder()]
  one.act = () => loop.stop()
  loop.watch(5, one, 'stream')
  loop.watch(6, other, 'stream')
  poller.tell(5)
  poller.tell(6)
  loop.run()
  assert.deepEqual([other.told, poller.waits.length], [[READABLE], 1])
})

test('a poller that fails is no reason to spin', () => {
  const { loop, poller } = loopWith()
  poller.outcome = -EBADF
  assert.throws(() => loop.turn(0), /fake failed: bad file descriptor/)
})
