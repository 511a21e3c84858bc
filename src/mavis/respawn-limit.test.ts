import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RespawnLimit } from './respawn-limit.js'

test('throttles starts after 30 early deaths within 30 s', () => {
  const deaths = new RespawnLimit()
  for (let i = 0; i < 29; i++) deaths.recordDeath(1_000 + i)
  assert.equal(deaths.waitMs(1_100), 0)
  deaths.recordDeath(1_100)
  assert.equal(deaths.waitMs(1_100), 29_900)
  assert.equal(deaths.waitMs(30_999), 1)
  assert.equal(deaths.waitMs(31_000), 0)
})

test('ignores early deaths that are far apart', () => {
  const deaths = new RespawnLimit()
  for (let i = 0; i < 1_000; i++) {
    deaths.recordDeath(i * 1_100)
    assert.equal(deaths.waitMs(i * 1_100), 0)
  }
})
