/** The contract of balancing policies, and a pool view for tests of policies. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hashWord } from '../../src/balance/hash.js'
import { NONE, type Policy, type PoolView } from '../../src/balance/policy.js'
import { SlotSet } from '../../src/balance/slot-set.js'
import { POLICY_COLUMNS, type PolicyMemory, policyMemory } from '../../src/cells/policy-memory.js'
import { Chance } from '../simulation/chance.js'

/** A pool whose state is set by the test. Counts the queries of a policy. */
export class FakeView implements PoolView {
  readonly members: readonly number[]
  readonly use: number[]
  readonly weight: number[]
  readonly down = new Set<number>()
  key = 0
  nowMs = 0
  asked = 0
  readonly #isMember: ReadonlySet<number>
  readonly #chance: Chance

  constructor(
    weight: readonly number[],
    use: readonly number[] = weight.map(() => 0),
    members: readonly number[] = [...weight.keys()],
    seed = 1,
  ) {
    this.weight = [...weight]
    this.use = [...use]
    this.members = members
    this.#isMember = new Set(members)
    this.#chance = new Chance(seed)
  }

  random(): number {
    return this.#chance.next()
  }

  isUsable(slot: number): boolean {
    this.asked++
    if (!this.#isMember.has(slot)) assert.fail(`slot ${slot} is not a member`)
    return !this.down.has(slot) && this.weight[slot] !== 0
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

/** Makes a policy for this number of slots. `memory`: that of other workers. */
type Create = (slots: number, memory?: PolicyMemory) => Policy

export interface Traits {
  /** Equal remotes get equal shares. @default true */
  readonly hasEqualShares?: boolean
  /** How many cases of each property are tried; fewer for policies that are costly to make. @default 100 */
  readonly numRuns?: number
}

/** The guarantees that a pool relies on. A new policy is finished when this suite passes for it. */
export function policyContract(name: string, create: Create, traits: Traits = {}): void {
  describe(`${name} keeps the policy contract`, () => {
    choosesWell(create, traits)
    respectsWeightZero(create, traits)
    continuesWell(create, traits)
    sharesAmongAll(create, traits)
  })
}

/** A single choice. */
function choosesWell(create: Create, { numRuns = 100 }: Traits): void {
  it('chooses a usable remote that was not tried, if there is one', () => {
    fc.assert(
      fc.property(weights, uses, anySlots, anySlots, (weights, use, down, tried) => {
        const view = new FakeView(weights, use.slice(0, weights.length))
        for (const slot of down) view.down.add(slot)
        const allowed = weights.map((_, slot) => slot).filter((s) => !down.includes(s) && !tried.includes(s))
        const chosen = create(weights.length).pick(view, slotSet(tried))
        if (allowed.length === 0) assert.equal(chosen, NONE)
        else assert.ok(allowed.includes(chosen), `${chosen} is none of ${allowed}`)
      }),
      { numRuns },
    )
  })

  it('queries each remote at most once', () => {
    fc.assert(
      fc.property(weights, anySlots, (weights, tried) => {
        const view = new FakeView(weights)
        create(weights.length).pick(view, slotSet(tried))
        assert.ok(view.asked <= weights.length, `${view.asked} queries for ${weights.length} remotes`)
      }),
      { numRuns },
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
      { numRuns },
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
}

/** No new clients for remotes without weight. */
function respectsWeightZero(create: Create, { numRuns = 100 }: Traits): void {
  it('never chooses a remote whose weight is 0', () => {
    fc.assert(
      fc.property(weights, anySlots, fc.nat(), (weights, without, key) => {
        const view = new FakeView(weights)
        view.key = key
        const policy = create(weights.length)
        policy.pick(view, slotSet())
        for (const slot of without) if (slot < weights.length) view.weight[slot] = 0
        policy.membersChanged?.()
        const isLeft = view.weight.some((weight) => weight > 0)
        for (let i = 0; i < 10; i++) {
          const chosen = policy.pick(view, slotSet())
          assert.ok(isLeft ? (view.weight[chosen] as number) > 0 : chosen === NONE, `chose ${chosen}`)
        }
      }),
      { numRuns },
    )
  })

  it('chooses a remote again whose weight is no longer 0', () => {
    const view = new FakeView([0, 0])
    const policy = create(2)
    assert.equal(policy.pick(view, slotSet()), NONE)
    view.weight[1] = 3
    policy.membersChanged?.()
    assert.equal(policy.pick(view, slotSet()), 1)
  })
}

/** Choices with state. */
function continuesWell(create: Create, { numRuns = 100 }: Traits): void {
  it('chooses well with measurements, whatever other workers have written', () => {
    const measurement = fc.record({ slot: fc.nat({ max: 39 }), amount: fc.nat(), atMs: fc.nat() })
    const junk = fc.array(fc.double(), { minLength: 40, maxLength: 40 })
    const columns = fc.array(junk, { minLength: POLICY_COLUMNS.length, maxLength: POLICY_COLUMNS.length })
    fc.assert(
      fc.property(
        weights,
        fc.array(measurement),
        columns,
        fc.nat(),
        (weights, measurements, columns, key) => {
          const memory = policyMemory((index) => Float64Array.from(columns[index] ?? []))
          const policy = create(weights.length, memory)
          const view = new FakeView(weights)
          view.key = key
          view.nowMs = key
          for (const _ of weights) assert.ok(weights[policy.pick(view, slotSet())] !== undefined)
          for (const { amount, atMs, slot } of measurements) policy.observe?.(slot, amount, atMs)
          for (const _ of weights) assert.ok(weights[policy.pick(view, slotSet())] !== undefined)
        },
      ),
      { numRuns },
    )
  })
}

/** Fairness over several choices. */
function sharesAmongAll(create: Create, { numRuns = 100, hasEqualShares = true }: Traits): void {
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
      { numRuns },
    )
  })

  if (!hasEqualShares) return
  it('gives equal remotes equal shares', () => {
    const view = new FakeView([5, 5, 5])
    const policy = create(3)
    const counts = [0, 0, 0]
    for (let i = 0; i < 3_000; i++) {
      view.key = hashWord(i, 0) >>> 0
      const slot = policy.pick(view, slotSet())
      counts[slot] = (counts[slot] ?? 0) + 1
    }
    for (const count of counts) assert.ok(count > 700 && count < 1_300, `${counts}`)
  })
}
