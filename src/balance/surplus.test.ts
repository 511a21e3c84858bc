import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { surplusRemote } from './surplus.js'

const all = () => true

function surplus(
  use: readonly number[],
  over = 0.2,
  weight = use.map(() => 1),
  isHealthy = all as (slot: number) => boolean,
) {
  return surplusRemote({ members: [...use.keys()], use, weight }, isHealthy, over)?.slot
}

test('the fullest remote has too many sessions when it is above its share and the tolerance', () => {
  assert.equal(surplus([10, 0]), 0)
  assert.equal(surplus([6, 6]), undefined)
  assert.equal(surplus([59, 41]), undefined, '18 % more than 50')
  assert.equal(surplus([61, 39]), 0)
  assert.equal(surplus([1, 0]), undefined, 'half a session too many')
  assert.equal(surplus([2, 0]), 0)
  assert.equal(surplus([0, 0]), undefined)
})

test('the number of sessions too many is what is above the share', () => {
  const view = { members: [0, 1], use: [12, 1], weight: [1, 1] }
  assert.deepEqual(surplusRemote(view, all, 0.2), { slot: 0, count: 5 })
})

test('shares are those of the weights', () => {
  assert.equal(surplus([90, 30], 0.2, [3, 1]), undefined)
  assert.equal(surplus([90, 60], 0.2, [3, 1]), 1)
})

test('remotes that get no clients neither shed nor count', () => {
  assert.equal(
    surplus([10, 0], 0.2, [1, 1], (slot) => slot === 0),
    undefined,
  )
  assert.equal(
    surplus([10, 90, 0], 0.2, [1, 1, 1], (slot) => slot !== 1),
    0,
  )
  assert.equal(
    surplus([10, 5], 0.2, [1, 1], () => false),
    undefined,
  )
})

test('sessions that are moved one by one to the emptiest remote come to an end within the tolerance', () => {
  const remotes = fc.array(fc.record({ use: fc.nat(200), weight: fc.integer({ min: 1, max: 5 }) }), {
    minLength: 1,
    maxLength: 8,
  })
  fc.assert(
    fc.property(remotes, fc.double({ min: 0, max: 1, noNaN: true }), (given, over) => {
      const use = given.map((remote) => remote.use)
      const weight = given.map((remote) => remote.weight)
      const total = use.reduce((sum, one) => sum + one, 0)
      for (let moves = 0; ; moves++) {
        assert.ok(moves <= total, 'it does not end')
        const slot = surplus(use, over, weight)
        if (slot === undefined) break
        const ratios = use.map((one, i) => one / (weight[i] as number))
        const emptiest = ratios.indexOf(Math.min(...ratios))
        use[slot] = (use[slot] as number) - 1
        use[emptiest] = (use[emptiest] as number) + 1
      }
      const weights = weight.reduce((sum, one) => sum + one, 0)
      for (const [i, one] of use.entries()) {
        const share = (total * (weight[i] as number)) / weights
        assert.ok(one < share + 1 || one <= share * (1 + over), `${use} of ${weight}`)
      }
    }),
  )
})
