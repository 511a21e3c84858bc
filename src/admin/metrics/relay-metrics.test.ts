import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COUNTERS } from '../../cells/layout.js'
import { REASON_COUNTS } from '../../relay/phases.js'
import { CLOSE_REASONS } from './relay-metrics.js'

test('every end of a session has a reason in the metrics', () => {
  const ends = new Set(Object.values(REASON_COUNTS).map((index) => COUNTERS[index]))
  // Counted by listener: access rules reject clients before there is a session, too.
  ends.delete('rejected')
  assert.deepEqual(new Set(Object.keys(CLOSE_REASONS)), ends)
})
