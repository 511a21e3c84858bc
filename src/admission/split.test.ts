import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PoolShare } from './route-plan.js'
import { Split } from './split.js'

const CLIENTS = 100_000

function pools(...shares: readonly number[]): readonly PoolShare[] {
  return shares.map((share, pool) => ({ pool, share }))
}

/** The pools of many clients. `hashOf` may be a bad hash. */
function divided(shares: readonly PoolShare[], hashOf = (client: number) => client): readonly number[] {
  const split = new Split(shares)
  return Array.from({ length: CLIENTS }, (_, client) => split.poolFor(hashOf(client)))
}

function countsOf(chosen: readonly number[], poolCount: number): readonly number[] {
  return Array.from({ length: poolCount }, (_, pool) => chosen.filter((one) => one === pool).length)
}

/** Within 5 standard deviations of a binomial distribution; the hashes are fixed, so the result is too. */
function assertShares(counts: readonly number[], shares: readonly number[]): void {
  const total = shares.reduce((sum, share) => sum + share, 0)
  for (const [pool, share] of shares.entries()) {
    const mean = (CLIENTS * share) / total
    const deviation = Math.sqrt(mean * (1 - share / total))
    assert.ok(Math.abs((counts[pool] ?? 0) - mean) <= 5 * deviation, `${counts} for ${shares}`)
  }
}

test('divides clients by shares, whatever the hash is like', () => {
  const hashes = [
    (client: number) => client,
    (client: number) => client << 12,
    (client: number) => -client * 256,
  ]
  for (const shares of [[90, 10], [1], [1, 1, 1], [0, 3, 0, 1], [0.5, 0.25]]) {
    for (const hashOf of hashes)
      assertShares(countsOf(divided(pools(...shares), hashOf), shares.length), shares)
  }
})

test('the clients of one share are not alike for a policy that uses the same hash', () => {
  const hashOf = (client: number) => Math.imul(client, 0x9e37_79b1) >>> 0
  const split = new Split(pools(1, 1))
  const below = Array.from({ length: CLIENTS }, (_, client) => hashOf(client)).filter(
    (hash) => hash < 2 ** 31,
  )
  const chosen = countsOf(
    below.map((hash) => split.poolFor(hash)),
    2,
  )
  const [first = 0, second = 0] = chosen
  assert.ok(Math.abs(first - second) < 5 * Math.sqrt(below.length), `${chosen}`)
})

test('signed and unsigned hashes are the same client', () => {
  const split = new Split(pools(1, 1))
  for (const hash of [-1, -2_000_000_000, -123]) assert.equal(split.poolFor(hash), split.poolFor(hash >>> 0))
})

test('changed shares move only the clients that must move', () => {
  const before = divided(pools(90, 10))
  const after = divided(pools(80, 20))
  const moved = before.filter((pool, client) => pool !== after[client]).length
  assertShares([CLIENTS - moved, moved], [90, 10])
})

test('rejects shares that add up to nothing', () => {
  assert.throws(() => new Split(pools(0, 0)), /a split without shares/)
  assert.throws(() => new Split([]), /a split without shares/)
})
