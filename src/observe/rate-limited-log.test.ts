import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RateLimitedLog } from './rate-limited-log.js'
import { NOTICE } from './severity.js'

function rateLimitedLog(linesPerSecond?: number) {
  const lines: string[] = []
  const limited = new RateLimitedLog(NOTICE, (_, text) => lines.push(text), linesPerSecond)
  return { lines, log: (nowMs: number, line: string) => limited.log(nowMs, () => line) }
}

test('logs one line a second, with the number of suppressed ones', () => {
  const { lines, log } = rateLimitedLog()
  for (const [nowMs, line] of [
    [0, 'a'],
    [1, 'b'],
    [999, 'c'],
    [1_000, 'd'],
    [1_999, 'e'],
    [5_000, 'f'],
    [6_000, 'g'],
  ] as const)
    log(nowMs, line)
  assert.deepEqual(lines, ['a', 'd (2 similar suppressed)', 'f (1 similar suppressed)', 'g'])
})

test('allows several lines a second where asked to', () => {
  const { lines, log } = rateLimitedLog(3)
  for (const line of ['a', 'b', 'c', 'd', 'e']) log(10, line)
  log(1_010, 'f')
  log(1_020, 'g')
  assert.deepEqual(lines, ['a', 'b', 'c', 'f (2 similar suppressed)', 'g'])
})
