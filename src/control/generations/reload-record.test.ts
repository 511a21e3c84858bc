import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReloadRecord } from './reload-record.js'

test('counts reloads, and keeps why the last one failed until one succeeds', () => {
  let nowMs = 1_000
  const record = new ReloadRecord(() => nowMs)
  assert.equal(record.inForceSinceMs, 1_000)
  nowMs = 2_000
  record.noteFailure(['relay.cfg:1:1: wrong'])
  assert.deepEqual(record.lastFailure, { atMs: 2_000, problems: ['relay.cfg:1:1: wrong'] })
  assert.equal(record.inForceSinceMs, 1_000)
  nowMs = 3_000
  record.noteSuccess()
  assert.deepEqual([record.succeeded, record.failed, record.inForceSinceMs], [1, 1, 3_000])
  assert.equal(record.lastFailure, undefined)
})
