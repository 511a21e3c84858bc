import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RespawnLimit } from './respawn-limit.js'

test('after thirty early deaths nothing is started until the first of them is thirty seconds ago', () => {
  const deaths = new RespawnLimit()
  for (let i = 0; i < 29; i++) deaths.recordDeath(1_000 + i)
  assert.equal(deaths.waitMs(1_100), 0)
  deaths.recordDeath(1_100)
  assert.equal(deaths.waitMs(1_100), 29_900)
  assert.equal(deaths.waitMs(30_999), 1)
  assert.equal(deaths.waitMs(31_000), 0)
})

test('those that are far apart do not matter', () => {
  const deaths = new RespawnLimit()
  for (let i = 0; i < 1_000; i++) {
    deaths.recordDeath(i * 1_100)
    assert.equal(deaths.waitMs(i * 1_100), 0)
  }
})
