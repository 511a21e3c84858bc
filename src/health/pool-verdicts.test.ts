import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DOWN, EXCLUDED, UP } from '../base/verdict.js'
import { type Member, poolVerdicts } from './pool-verdicts.js'

const HALF = { maxEjected: 0.5, panic: 0 }

function member(kind: 'up' | 'down' | 'ejected' | 'checked', downAtMs = 0, isInService = true): Member {
  const isEjected = kind === 'ejected'
  const isExcluded = isEjected || kind === 'checked'
  return { verdict: { isDown: kind !== 'up', isExcluded, isEjected, downAtMs, upAtMs: 0 }, isInService }
}

const UPS = [member('up'), member('up')]

test('verdicts of checks exclude any number of members', () => {
  const members = [member('checked'), member('checked'), member('down'), member('up')]
  assert.deepEqual(poolVerdicts(HALF, members), {
    cells: [EXCLUDED, EXCLUDED, DOWN, UP],
    total: 4,
    usable: 2,
    isPanic: false,
  })
})

test('sessions exclude at most `max ejected` of the members, those that failed first', () => {
  const three = [member('ejected', 3), member('ejected', 1), member('ejected', 2)]
  assert.deepEqual(poolVerdicts(HALF, [...three, member('up')]).cells, [DOWN, EXCLUDED, EXCLUDED, UP])
  assert.deepEqual(poolVerdicts(HALF, three).cells, [DOWN, EXCLUDED, DOWN])
  assert.deepEqual(poolVerdicts({ ...HALF, maxEjected: 0 }, [...three, ...UPS]).cells, [
    DOWN,
    DOWN,
    DOWN,
    UP,
    UP,
  ])
  assert.deepEqual(
    poolVerdicts(
      { ...HALF, maxEjected: 0.29 },
      Array.from({ length: 100 }, () => member('ejected')),
    ).usable,
    71,
  )
})

test('sessions never exclude the last member', () => {
  assert.deepEqual(poolVerdicts({ ...HALF, maxEjected: 1 }, [member('ejected')]).cells, [DOWN])
  assert.deepEqual(poolVerdicts(HALF, [member('checked'), member('ejected')]).cells, [EXCLUDED, DOWN])
})

test('members without weight or in maintenance do not count', () => {
  const outOfService = [member('up', 0, false), member('ejected', 0, false)]
  const { cells, total, usable } = poolVerdicts(HALF, [member('ejected'), member('up'), ...outOfService])
  assert.deepEqual([cells, total, usable], [[EXCLUDED, UP, UP, DOWN], 2, 1])
})

test('uses all members when fewer than `panic` are usable', () => {
  const members = [member('checked'), member('checked'), member('ejected'), member('up')]
  const limits = { maxEjected: 0.5, panic: 0.5 }
  assert.deepEqual(poolVerdicts(limits, members), {
    cells: [DOWN, DOWN, DOWN, UP],
    total: 4,
    usable: 1,
    isPanic: true,
  })
  assert.equal(poolVerdicts({ ...limits, panic: 0.25 }, members).isPanic, false, 'not with just as many')
  assert.equal(poolVerdicts({ ...limits, panic: 1 }, [member('up')]).isPanic, false)
  assert.equal(poolVerdicts({ ...limits, panic: 1 }, []).isPanic, false, 'a pool without members')
})

const anyMember = fc
  .record({
    kind: fc.constantFrom('up', 'down', 'ejected', 'checked'),
    downAtMs: fc.nat(5),
    isInService: fc.boolean(),
  })
  .map(({ downAtMs, isInService, kind }) => member(kind, downAtMs, isInService))

test('holds its promises for any members', () => {
  const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100)
  const limits = fc.record({ maxEjected: share, panic: share })
  fc.assert(
    fc.property(limits, fc.array(anyMember, { maxLength: 20 }), (given, members) => {
      const found = poolVerdicts(given, members)
      const excluded = members.filter((_, i) => found.cells[i] === EXCLUDED)
      const ejected = excluded.filter(({ verdict }) => verdict.isEjected)
      assert.ok(ejected.length <= given.maxEjected * found.total + 1e-9)
      assert.ok(excluded.every(({ verdict }) => verdict.isExcluded))
      for (const [i, { verdict }] of members.entries())
        assert.equal(found.cells[i] === UP, !verdict.isDown, 'a remote that is up stays up, and no other')
      assert.equal(found.isPanic, found.usable < given.panic * found.total)
      if (found.isPanic) assert.equal(excluded.length, 0)
      const inService = members.filter(({ isInService }) => isInService)
      const areAllByCheck = inService.every(({ verdict }) => verdict.isExcluded && !verdict.isEjected)
      if (!areAllByCheck) assert.ok(found.usable > 0, 'sessions leave a remote')
    }),
  )
})
