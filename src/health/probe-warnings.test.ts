import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProbeWarnings } from './probe-warnings.js'

const DAY_MS = 86_400_000

test('logs a warning once, another one at most once a day, each remote by itself', () => {
  const lines: string[] = []
  let nowMs = 0
  const warnings = new ProbeWarnings(
    (_severity, text) => lines.push(text),
    () => nowMs,
  )
  const found = (name: string, warning: string | undefined) => {
    warnings.check(name, { warning })
    return lines.splice(0)
  }
  assert.deepEqual(found('a', undefined), [])
  assert.deepEqual(found('a', 'expires in 3 days'), ['remote a: health check: expires in 3 days'])
  assert.deepEqual(found('a', 'expires in 3 days'), [])
  assert.deepEqual(found('b', 'expires in 3 days'), ['remote b: health check: expires in 3 days'])
  nowMs += DAY_MS - 1
  assert.deepEqual(found('a', 'expires in 2 days'), [])
  nowMs += 1
  assert.deepEqual(found('a', 'expires in 3 days'), [], 'it has been said')
  assert.deepEqual(found('a', 'expires in 2 days'), ['remote a: health check: expires in 2 days'])
  warnings.watch([{ name: 'b' }])
  assert.deepEqual(found('a', 'expires in 2 days'), ['remote a: health check: expires in 2 days'])
  assert.deepEqual(found('b', 'expires in 3 days'), [])
})
