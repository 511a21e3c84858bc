import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DrainLog } from './drain-log.js'

test('logs each begin of draining once', () => {
  const lines: string[] = []
  const log = new DrainLog((_severity, text) => void lines.push(text))
  const review = (...names: readonly string[]) => log.review(new Map(names.map((name) => [name, 90_000])))
  review()
  review('a')
  review('a', 'b')
  review('b')
  review('a', 'b')
  const line = (name: string) => `remote ${name} drains: sessions that are left after 1 min 30 s are closed`
  assert.deepEqual(lines, ['a', 'b', 'a'].map(line))
})
