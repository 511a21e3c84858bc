/** The contract of balancing policies, and a pool view for tests of policies. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { NONE, type Policy, type PoolView } from '../../src/balance/policy.js'
import { SlotSet } from '../../src/balance/slot-set.js'

/** A pool whose state is set by the test. Counts the queries of a policy. */
export class FakeView implements PoolView {
  readonly members: readonly number[]
  readonly use: number[]
  readonly weight: readonly number[]
  readonly down = new Set<number>()
  asked = 0

  constructor(
    weight: readonly number[],
    use: readonly number[] = weight.map(() => 0),
    members: readonly number[] = [...weight.keys()],
  ) {
    this.weight = weight
    this.use = [...use]
    this.members = members
  }

  isUsable(slot: number): boolean {
    this.asked++
    assert.ok(Number.isInteger(slot) && this.members.includes(slot), `slot ${slot} is not a member`)
    return !this.down.has(slot)
  }
}

export function slotSet(slots: Iterable<number> = []): SlotSet {
  const set = new SlotSet()
  for (const slot of slots) set.add(slot)
  return set
}

const weights = fc.array(fc.integer({ min: 1, max: 2_147_483_647 }), { minLength: 1, maxLength: 40 })
const anySlots = fc.uniqueArray(fc.nat({ max: 39 }))
/** Mostly plausible numbers, and sometimes what a compromised child could write. */
const oneUse = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 1_000 }) }, fc.integer())
const uses = fc.array(oneUse, { minLength: 40, maxLength: 40 })

/** The guarantees that a pool relies on. A new policy is finished when this suite passes for it. */
export function policyContract(name: string, create: (count: number) => Policy): void {
  describe(`${name} keeps the policy contract`, () => {
    it('chooses a usable remote that was not tried, if there is one', () => {
      fc.assert(
        fc.property(weights, uses, anySlots, anySlots, (weights, use, down, tried) => {
          const view = new FakeView(weights, use.slice(0, weights.length))
          for (const slot of down) view.down.add(slot)
          const allowed = weights
            .map((_, slot) => slot)
            .filter((s) => !down.includes(s) && !tried.includes(s))
          const chosen = create(weights.length).pick(view, slotSet(tried))
          if (allowed.length === 0) assert.equal(chosen, NONE)
          else assert.ok(allowed.includes(chosen), `${chosen} is none of ${allowed}`)
        }),
      )
    })

    it('queries each remote at most once', () => {
      fc.assert(
        fc.property(weights, anySlots, (weights, tried) => {
          const view = new FakeView(weights)
          create(weights.length).pick(view, slotSet(tried))
          assert.ok(view.asked <= weights.length, `${view.asked} queries for ${weights.length} remotes`)
        }),
      )
    })

    it('chooses only members', () => {
      fc.assert(
        fc.property(weights, fc.uniqueArray(fc.nat({ max: 39 }), { minLength: 1 }), (weights, wanted) => {
          const members = wanted.filter((slot) => slot < weights.length)
          const view = new FakeView(weights, undefined, members)
          const chosen = create(weights.length).pick(view, slotSet())
          assert.ok(members.length === 0 ? chosen === NONE : members.includes(chosen))
        }),
      )
    })

    it('changes neither the pool nor the set of tried remotes', () => {
      const view = new FakeView([1, 2, 3], [3, 2, 1])
      const tried = slotSet([1])
      create(3).pick(view, tried)
      assert.deepEqual(view.use, [3, 2, 1])
      assert.deepEqual(
        [0, 1, 2].map((slot) => tried.has(slot)),
        [false, true, false],
      )
    })

    sharesAmongAll(create)
  })
}

/** Fairness over several choices. */
function sharesAmongAll(create: (count: number) => Policy): void {
  it('tries every remote once when all of them fail', () => {
    fc.assert(
      fc.property(weights, (weights) => {
        const view = new FakeView(weights)
        const policy = create(weights.length)
        const tried = new SlotSet()
        const order = weights.map(() => {
          const slot = policy.pick(view, tried)
          tried.add(slot)
          return slot
        })
        assert.equal(new Set(order).size, weights.length)
        assert.equal(policy.pick(view, tried), NONE)
      }),
    )
  })

  it('gives equal remotes equal shares', () => {
    const view = new FakeView([5, 5, 5])
    const policy = create(3)
    const counts = [0, 0, 0]
    for (let i = 0; i < 3_000; i++) {
      const slot = policy.pick(view, slotSet())
      counts[slot] = (counts[slot] ?? 0) + 1
    }
    for (const count of counts) assert.ok(count > 700 && count < 1_300, `${counts}`)
  })
}
