import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PanicLog } from './panic-log.js'

test('logs begin and end of a panic once, with the numbers', () => {
  const lines: string[] = []
  const log = new PanicLog((_severity, text) => void lines.push(text))
  const review = (usable: number, isPanic: boolean) =>
    log.review(new Map([['web', { cells: [], total: 4, usable, isPanic }]]))
  review(4, false)
  review(1, true)
  review(0, true)
  review(3, false)
  review(4, false)
  assert.deepEqual(lines, [
    'pool web: 1 of 4 remotes is usable, fewer than `panic` says: all are used, also those that are down',
    'pool web: 3 of 4 remotes are usable: those that are down are no longer used',
  ])
  review(0, true)
  log.review(new Map())
  review(0, true)
  assert.equal(lines.length, 4, 'a pool that a reload has removed and added is a new one')
})
