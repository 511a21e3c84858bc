import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeView, slotSet } from '../../test/contract/policy.contract.js'
import { anySeed, assertShares } from '../../test/support/chi-square.js'
import { picks } from '../../test/support/picks.js'
import { RandomOfTwo } from './random-of-two.js'

const FIVE = [1, 2, 3, 4, 5]

/** The probability that a remote is among the two that are drawn, one after the other, in proportion to the weights. */
function drawnOf(weights: readonly number[]): number[] {
  const sum = weights.reduce((a, b) => a + b)
  return weights.map((weight, slot) =>
    weights.reduce(
      (drawn, other, i) => drawn + (i === slot ? 0 : (other / sum) * (weight / (sum - other))),
      weight / sum,
    ),
  )
}

test('idle remotes are chosen by weight', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const view = new FakeView(FIVE, undefined, undefined, seed)
  assertShares(picks(new RandomOfTwo(), view, 50_000, false), FIVE, seed)
})

test('an idle remote among busy ones gets every client for which it is drawn', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  for (const idle of FIVE.keys()) {
    const use = FIVE.map((weight, slot) => (slot === idle ? 0 : weight))
    const taken = picks(new RandomOfTwo(), new FakeView(FIVE, use, undefined, seed + idle), 20_000, false)
    const drawn = drawnOf(FIVE)[idle] as number
    const own = taken[idle] as number
    assertShares([own, 20_000 - own], [drawn, 1 - drawn], seed)
  }
})

test('of two remotes the one with fewer sessions in proportion to its weight is chosen', () => {
  const policy = new RandomOfTwo()
  for (let i = 0; i < 100; i++) {
    assert.equal(policy.pick(new FakeView([1, 10], [1, 9], undefined, i), slotSet()), 1)
    assert.equal(policy.pick(new FakeView([1, 10], [1, 11], undefined, i), slotSet()), 0)
  }
})

test('held connections are nearly even, where one random choice is not', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const taken = picks(
    new RandomOfTwo(),
    new FakeView(new Array(50).fill(1), undefined, undefined, seed),
    5_000,
    true,
  )
  // With one choice the fullest of 50 has about 125 of 5,000; with two, the excess is log log 50 whatever the number.
  assert.ok(Math.max(...taken) < 110, `seed ${seed}: ${taken}`)
})
