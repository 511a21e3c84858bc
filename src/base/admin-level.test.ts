import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMIN_LEVELS, permits } from './admin-level.js'

test('a level includes those before it and none after it', () => {
  const allowed = ADMIN_LEVELS.map((given) => ADMIN_LEVELS.filter((needed) => permits(given, needed)))
  assert.deepEqual(allowed, [['read'], ['read', 'operate'], ['read', 'operate', 'admin']])
})
