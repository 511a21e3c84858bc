import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ALL_FULL, type Candidate, hasRoom, NEW_CHILD, type PlacementLimits, place } from './placement.js'

/** Of the documentation: users 2/4, instances 1/3. */
const DOCUMENTED: PlacementLimits = { instancesMin: 1, instancesMax: 3, usersMin: 2, usersMax: 4 }

const child = (users: number, more: Partial<Candidate> = {}): Candidate => ({
  users,
  ownMax: Number.POSITIVE_INFINITY,
  isRetiring: false,
  ...more,
})

/** Users per child after each of `count` clients, starting children as placement decides. */
function fill(limits: PlacementLimits, count: number, children: number[] = []): string[] {
  return Array.from({ length: count }, () => {
    const choice = place(
      children.map((users) => child(users)),
      limits,
    )
    if (choice === ALL_FULL) return 'full'
    if (choice === NEW_CHILD) children.push(1)
    else children[choice] = (children[choice] ?? 0) + 1
    return children.join('-')
  })
}

test('users 2/4 and instances 1/3 fill 2-2-2, then in turn up to 4-4-4', () => {
  assert.deepEqual(fill(DOCUMENTED, 13), [
    '1',
    '2',
    '2-1',
    '2-2',
    '2-2-1',
    '2-2-2',
    '3-2-2',
    '3-3-2',
    '3-3-3',
    '4-3-3',
    '4-4-3',
    '4-4-4',
    'full',
  ])
})

test('fills the minimum of children evenly before the others', () => {
  const limits = { ...DOCUMENTED, instancesMin: 2, instancesMax: 4 }
  assert.deepEqual(fill(limits, 5, [0, 0]), ['1-0', '1-1', '2-1', '2-2', '2-2-1'])
  assert.equal(place([child(2), child(1), child(0)], limits), 1, 'one of the minimum, though it has more')
  assert.equal(place([child(2), child(2), child(1), child(0)], limits), 3, 'the least used of the others')
})

test('ties go to the first child', () => {
  assert.equal(place([child(1), child(1)], { ...DOCUMENTED, instancesMin: 2 }), 0)
  assert.equal(place([child(3), child(3), child(3)], DOCUMENTED), 0)
})

test('with `users min` 0 every client starts a child up to the maximum', () => {
  assert.deepEqual(fill({ ...DOCUMENTED, usersMin: 0 }, 4), ['1', '1-1', '1-1-1', '2-1-1'])
})

test('a retiring child gets nothing and does not count toward the maximum', () => {
  const retiring = child(0, { isRetiring: true })
  assert.equal(place([retiring, child(1)], DOCUMENTED), 1)
  assert.equal(place([retiring, retiring, retiring], DOCUMENTED), NEW_CHILD)
  assert.equal(
    place([retiring, child(1), child(0)], DOCUMENTED),
    1,
    'the first that serves is of the minimum',
  )
})

test('a child gets no more than its own maximum', () => {
  const limits = { ...DOCUMENTED, instancesMax: 2 }
  assert.equal(place([child(1, { ownMax: 1 }), child(1)], limits), 1)
  assert.equal(place([child(1, { ownMax: 1 })], limits), NEW_CHILD)
  assert.equal(place([child(1, { ownMax: 1 }), child(3, { ownMax: 3 })], limits), ALL_FULL)
  assert.equal(hasRoom(child(3, { ownMax: 4 }), limits), true)
  assert.equal(hasRoom(child(4), limits), false)
  assert.equal(hasRoom(child(0, { isRetiring: true }), limits), false)
})

test('without children a new one is started', () => {
  assert.equal(place([], DOCUMENTED), NEW_CHILD)
  assert.equal(place([], { ...DOCUMENTED, instancesMin: 0, instancesMax: 0 }), ALL_FULL)
})

const limits = fc
  .record({ a: fc.integer({ min: 1, max: 6 }), b: fc.integer({ min: 0, max: 6 }), ...users() })
  .map(({ a, b, c, d }) => ({ instancesMin: a, instancesMax: a + b, usersMin: c, usersMax: c + d }))

function users() {
  return { c: fc.integer({ min: 0, max: 5 }), d: fc.integer({ min: 1, max: 5 }) }
}

const candidates = fc.array(
  fc.record({
    users: fc.nat({ max: 12 }),
    ownMax: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 12 })),
    isRetiring: fc.boolean(),
  }),
  { maxLength: 12 },
)

/** The documented steps, written for clarity, as the reference. */
function placeNaively(children: readonly Candidate[], limits: PlacementLimits): number {
  const serving = children.flatMap((child, index) => (child.isRetiring ? [] : [{ ...child, index }]))
  const open = serving.filter(({ ownMax, users }) => users < limits.usersMax && users < ownMax)
  const least = (some: typeof open) => [...some].sort((a, b) => a.users - b.users || a.index - b.index)[0]
  const first = new Set(serving.slice(0, limits.instancesMin).map(({ index }) => index))
  const below = open.filter(({ users }) => users < limits.usersMin)
  const chosen =
    least(below.filter(({ index }) => first.has(index))) ??
    least(below.filter(({ index }) => !first.has(index)))
  if (chosen !== undefined) return chosen.index
  if (serving.length < limits.instancesMax) return NEW_CHILD
  return least(open)?.index ?? ALL_FULL
}

test('agrees with the documented steps and never chooses a full or retiring child', () => {
  fc.assert(
    fc.property(candidates, limits, (children, limits) => {
      const choice = place(children, limits)
      assert.equal(choice, placeNaively(children, limits))
      const chosen = children[choice]
      if (chosen === undefined) assert.ok(choice === ALL_FULL || choice === NEW_CHILD)
      else assert.ok(!chosen.isRetiring && chosen.users < Math.min(limits.usersMax, chosen.ownMax))
    }),
    { numRuns: 2_000 },
  )
})
