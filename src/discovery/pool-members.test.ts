import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foundMember as member } from '../../test/support/found-member.js'
import { CONFIRM_AFTER_MS, PoolMembers } from './pool-members.js'

const names = (pool: PoolMembers) => pool.present.map(({ name }) => name)

test('an answer says who joined, changed and left', () => {
  const pool = new PoolMembers(0.5)
  assert.equal(pool.hear([member('a'), member('b')], 0).kind, 'changes')
  const outcome = pool.hear([member('b', { weight: 5 }), member('c')], 1)
  assert.deepEqual(outcome, {
    kind: 'changes',
    changes: { joined: [member('c')], changed: [member('b', { weight: 5 })], left: ['a'] },
  })
})

test('the same answer in another order changes nothing', () => {
  const pool = new PoolMembers(0.5, [member('a', { hosts: ['10.0.0.1', '10.0.0.2'] }), member('b')])
  const answer = [member('b'), member('a', { hosts: ['10.0.0.2', '10.0.0.1'] })]
  assert.deepEqual(pool.hear(answer, 0), { kind: 'nothing' })
})

test('an answer that removes more than allowed waits for another one, 5 seconds later', () => {
  const pool = new PoolMembers(0.5, [member('a'), member('b'), member('c')])
  assert.deepEqual(pool.hear([member('a'), member('d')], 0), {
    kind: 'doubted',
    doubt: { removed: 2, of: 3, isFirst: true },
  })
  assert.deepEqual(names(pool), ['a', 'b', 'c'])
  const second = pool.hear([member('a')], CONFIRM_AFTER_MS - 1)
  assert.deepEqual(second, { kind: 'doubted', doubt: { removed: 2, of: 3, isFirst: false } })
  assert.equal(pool.hear([member('a')], CONFIRM_AFTER_MS).kind, 'changes')
  assert.deepEqual(names(pool), ['a'])
})

test('a doubted answer is forgotten when the next one is believed', () => {
  const pool = new PoolMembers(0.5, [member('a'), member('b'), member('c')])
  pool.hear([], 0)
  assert.equal(pool.hear([member('a'), member('b'), member('c')], 1_000).kind, 'nothing')
  assert.equal(pool.hear([], CONFIRM_AFTER_MS + 1).kind, 'doubted')
  assert.deepEqual(names(pool), ['a', 'b', 'c'])
})

test('an answer that would remove others, comes after a failure or much later confirms nothing', () => {
  const all = ['a', 'b', 'c'].map((name) => member(name))
  const pool = new PoolMembers(0.5, all)
  const kinds = [
    pool.hear([member('a')], 0),
    pool.hear([member('b')], CONFIRM_AFTER_MS),
    pool.hear([member('b')], 70_000),
  ].map(({ kind }) => kind)
  assert.deepEqual(kinds, ['doubted', 'doubted', 'doubted'])
  pool.forgetDoubt()
  assert.equal(pool.hear([member('b')], 75_000).kind, 'doubted')
  assert.equal(pool.hear([member('b')], 80_000).kind, 'changes')
})

test('half of the members may leave at once, and all with 100%', () => {
  const half = new PoolMembers(0.5, [member('a'), member('b')])
  assert.equal(half.hear([member('a')], 0).kind, 'changes')
  const all = new PoolMembers(1, [member('a'), member('b')])
  assert.equal(all.hear([], 0).kind, 'changes')
  assert.deepEqual(all.present, [])
})

test('after any answers the members are those of the last one that was believed, and no answer removes too many at once', () => {
  const answers = fc.array(
    fc.tuple(fc.uniqueArray(fc.integer({ min: 0, max: 9 })), fc.integer({ min: 0, max: 9_000 })),
  )
  fc.assert(
    fc.property(answers, fc.double({ min: 0, max: 1, noNaN: true }), (rounds, maxRemoved) => {
      const pool = new PoolMembers(maxRemoved)
      let nowMs = 0
      let doubted: { atMs: number; removed: ReadonlySet<string> } | undefined
      for (const [numbers, laterMs] of rounds) {
        nowMs += laterMs
        const before = new Set(names(pool))
        const answer = numbers.map((number) => member(`m${number}`))
        const { kind } = pool.hear(answer, nowMs)
        const removed = [...before].filter((name) => !answer.some((one) => one.name === name))
        const isSame =
          doubted !== undefined &&
          nowMs - doubted.atMs < 60_000 &&
          removed.every((name) => doubted?.removed.has(name))
        const isConfirmed = isSame && doubted !== undefined && nowMs - doubted.atMs >= CONFIRM_AFTER_MS
        const isBelieved = removed.length <= before.size * maxRemoved || isConfirmed
        assert.equal(kind === 'doubted', !isBelieved)
        assert.deepEqual(new Set(names(pool)), isBelieved ? new Set(answer.map(({ name }) => name)) : before)
        if (isBelieved) doubted = undefined
        else if (!isSame) doubted = { atMs: nowMs, removed: new Set(removed) }
      }
    }),
  )
})
