import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leastUsePool } from '../../test/support/pools.js'
import { type RelayPool, RelayPools } from './relay-pools.js'
import { UNLIMITED } from './session-limits.js'
import { DEFAULT_SESSION_OPTIONS, type SessionOptions } from './session-options.js'

function poolWith(options: Partial<SessionOptions>): RelayPool {
  const { pool } = leastUsePool({ weights: [1], use: new Int32Array(1) })
  return {
    pool,
    options: { ...DEFAULT_SESSION_OPTIONS, ...options },
    index: 0,
    label: '',
    key: undefined,
    policy: 'least-use',
  }
}

test('a listener overrides single options of any pool, another one none', () => {
  const [one, other] = [poolWith({ idleTimeoutMs: 1, dialRetries: 7 }), poolWith({ dialRetries: 8 })]
  const pools = new RelayPools([one, other], 0, [], [{ idleTimeoutMs: 5 }, undefined])
  assert.deepEqual(pools.optionsOf(one, 0), { ...one.options, idleTimeoutMs: 5 })
  assert.deepEqual(pools.optionsOf(other, 0), { ...other.options, idleTimeoutMs: 5 })
  assert.equal(pools.optionsOf(one, 1), one.options)
})

test('the options of a listener and a pool are made once, also for several ports of one block', () => {
  const [one, other] = [poolWith({}), poolWith({})]
  const overrides = { connectTimeoutMs: 3 }
  const pools = new RelayPools([one, other], 0, [], [overrides, overrides, { connectTimeoutMs: 4 }])
  const made = pools.optionsOf(one, 0)
  assert.equal(pools.optionsOf(one, 1), made)
  assert.equal(pools.optionsOf(one, 0), made)
  assert.notEqual(pools.optionsOf(other, 0), made)
  assert.equal(pools.optionsOf(one, 2).connectTimeoutMs, 4)
})

test('limits of a listener are added to those of its pools: the stricter value of each counts', () => {
  const pool = poolWith({
    limits: { ...UNLIMITED, bytesInPerS: 5_000, maxLifetimeMs: 7_000, lifetimeJitter: 0.5 },
  })
  const limits = { ...UNLIMITED, bytesInPerS: 6_000, bytesOutPerS: 1_000, maxLifetimeMs: 3_000 }
  const pools = new RelayPools([pool, poolWith({})], 0, [], [{ limits }, { idleTimeoutMs: 1 }])
  assert.deepEqual(pools.optionsOf(pool, 0).limits, { ...limits, bytesInPerS: 5_000 })
  assert.equal(pools.optionsOf(pool, 1).limits, pool.options.limits)
  assert.equal(pools.optionsOf(poolWith({}), 0).limits, limits)
})

test('without overrides a session has the options of its pool, also under a classic master', () => {
  const pool = poolWith({})
  assert.equal(new RelayPools([pool], 0, []).optionsOf(pool, 3), pool.options)
})
