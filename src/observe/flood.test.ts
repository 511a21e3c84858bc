import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Flood } from './flood.js'
import { NOTICE } from './severity.js'

function floodOf(linesPerSecond?: number) {
  const lines: string[] = []
  const flood = new Flood(NOTICE, (_, text) => lines.push(text), linesPerSecond)
  return { lines, tell: (nowMs: number, line: string) => flood.tell(nowMs, () => line) }
}

test('one line a second is told, with how many there were before it', () => {
  const { lines, tell } = floodOf()
  for (const [nowMs, line] of [
    [0, 'a'],
    [1, 'b'],
    [999, 'c'],
    [1_000, 'd'],
    [1_999, 'e'],
    [5_000, 'f'],
    [6_000, 'g'],
  ] as const)
    tell(nowMs, line)
  assert.deepEqual(lines, ['a', 'd (and 2 before it)', 'f (and 1 before it)', 'g'])
})

test('a few may come at once', () => {
  const { lines, tell } = floodOf(3)
  for (const line of ['a', 'b', 'c', 'd', 'e']) tell(10, line)
  tell(1_010, 'f')
  tell(1_020, 'g')
  assert.deepEqual(lines, ['a', 'b', 'c', 'f (and 2 before it)', 'g'])
})
