/** The contract of policies that choose by the client's key. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hashText, hashWord } from '../../src/balance/hash.js'
import type { HashingOptions } from '../../src/balance/hashing-options.js'
import type { Policy } from '../../src/balance/policy.js'
import { anySeed, assertShares } from '../support/chi-square.js'
import { FakeView, slotSet } from './policy.contract.js'

type Create = (slots: number, options?: HashingOptions) => Policy

const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 20 })
const FIVE = [1, 2, 3, 4, 5]
/** Tables are costly to build. */
const EFFORT = { numRuns: 30 }

/** The slots that clients 0 to `count` - 1 get. */
function choices(policy: Policy, view: FakeView, count: number, seed = 0): number[] {
  return Array.from({ length: count }, (_, client) => {
    view.key = hashWord(client, seed) >>> 0
    return policy.pick(view, slotSet())
  })
}

function countsOf(chosen: readonly number[], slots: number): number[] {
  const counts = new Array<number>(slots).fill(0)
  for (const slot of chosen) counts[slot] = (counts[slot] as number) + 1
  return counts
}

export function hashingContract(name: string, create: Create): void {
  describe(`${name} keeps the contract of hashing policies`, () => {
    it('shares keys by weight', (t) => {
      const seed = anySeed()
      t.diagnostic(`seed ${seed}`)
      assertShares(countsOf(choices(create(5), new FakeView(FIVE), 50_000, seed), 5), FIVE, seed)
    })

    it('shares the keys of a remote that is down by weight', (t) => {
      const seed = anySeed()
      t.diagnostic(`seed ${seed}`)
      const view = new FakeView(FIVE)
      const before = choices(create(5), view, 50_000, seed)
      view.down.add(4)
      const after = choices(create(5), view, 50_000, seed).filter((_, client) => before[client] === 4)
      assertShares(countsOf(after, 5).slice(0, 4), FIVE.slice(0, 4), seed)
    })

    it('gives a client the same remote always, whatever the others do', () => {
      fc.assert(
        fc.property(weights, (weights) => {
          const first = choices(create(weights.length), new FakeView(weights), 100)
          const busy = new FakeView(
            weights,
            weights.map((_, slot) => slot * 10),
          )
          assert.deepEqual(choices(create(weights.length), busy, 100), first)
        }),
        EFFORT,
      )
    })

    it('moves only the clients of a remote that goes down or was tried', () => {
      fc.assert(
        fc.property(weights, fc.nat(), (weights, number) => {
          const gone = number % weights.length
          const view = new FakeView(weights)
          const policy = create(weights.length)
          const before = choices(policy, view, 200)
          view.down.add(gone)
          const after = choices(policy, view, 200)
          view.down.clear()
          for (const [client, slot] of before.entries()) {
            if (slot !== gone) assert.equal(after[client], slot)
            else assert.notEqual(after[client], gone)
            view.key = hashWord(client, 0) >>> 0
            assert.equal(policy.pick(view, slotSet([gone])), after[client], 'tried is like down')
          }
          assert.deepEqual(choices(policy, view, 200), before, 'they return')
        }),
        EFFORT,
      )
    })

    boundsLoads(create)
    followsSeeds(create)
  })
}

function boundsLoads(create: Create): void {
  it('bounds the load of every remote to its share times the factor', () => {
    const factors = fc.double({ min: 1, max: 3, noNaN: true })
    fc.assert(
      fc.property(weights, factors, fc.nat({ max: 300 }), (weights, boundedLoad, count) => {
        const view = new FakeView(weights)
        const policy = create(weights.length, { boundedLoad })
        // All clients have one key.
        for (let i = 0; i < count; i++) {
          const slot = policy.pick(view, slotSet())
          view.use[slot] = (view.use[slot] as number) + 1
        }
        const sum = weights.reduce((a, b) => a + b)
        for (const [slot, weight] of weights.entries()) {
          const most = Math.ceil((boundedLoad * count * weight) / sum + 1e-9)
          assert.ok((view.use[slot] as number) <= most, `${view.use} of ${count} for ${weights}`)
        }
      }),
      EFFORT,
    )
  })

  it('chooses as without a bound while loads are even', () => {
    const view = new FakeView(FIVE, [100, 200, 300, 400, 500])
    const bounded = create(5, { boundedLoad: 1.25 })
    assert.deepEqual(choices(bounded, view, 1_000), choices(create(5), view, 1_000))
  })
}

function followsSeeds(create: Create): void {
  it('follows the identity of a remote, not its slot', () => {
    const names = ['a', 'b', 'c', 'd']
    const seedsOf = (order: readonly string[]) => order.map((name) => hashText(name))
    const chosen = (order: readonly string[]) =>
      choices(create(4, { seeds: seedsOf(order) }), new FakeView([1, 1, 1, 1]), 1_000).map(
        (slot) => order[slot],
      )
    assert.equal(differences(chosen(['d', 'b', 'a', 'c']), chosen(names)), 0)
  })
}

function differences(one: readonly unknown[], other: readonly unknown[]): number {
  return one.filter((item, i) => item !== other[i]).length
}
