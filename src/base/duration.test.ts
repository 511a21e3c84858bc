import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration } from './duration.js'

const EXAMPLES: readonly (readonly [number, string])[] = [
  [-5, '0 ms'],
  [0, '0 ms'],
  [999.9, '999 ms'],
  [1_000, '1 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [125_000, '2 min 5 s'],
  [3_600_000, '1 h'],
  [3_659_000, '1 h'],
  [11_520_000, '3 h 12 min'],
  [86_399_999, '23 h 59 min'],
  [90_000_000, '1 d 1 h'],
  [8_640_000_000, '100 d'],
]

test('formats durations with at most two units', () => {
  for (const [ms, text] of EXAMPLES) assert.equal(formatDuration(ms), text)
})
