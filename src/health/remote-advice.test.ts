import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProbeAdvice } from './probe-checks.js'
import { RemoteAdvice } from './remote-advice.js'

function world() {
  const lines: string[] = []
  const changes: string[] = []
  const clock = { nowMs: 100 }
  const advice = new RemoteAdvice(
    (_severity, text) => void lines.push(text),
    (name, { adminState, weightPercent }) => changes.push(`${name} ${weightPercent} ${adminState}`),
    () => clock.nowMs,
  )
  return { advice, changes, clock, lines }
}

test('each change is logged and passed on once', () => {
  const { advice, changes, lines } = world()
  for (const said of [undefined, {}, { weightPercent: 100 }, { adminState: 'ready' }] as const)
    advice.hear('a', said)
  assert.deepEqual([changes, lines, advice.of('a')], [[], [], undefined])
  for (let i = 0; i < 3; i++) advice.hear('a', { weightPercent: 50 })
  for (let i = 0; i < 3; i++) advice.hear('a', { adminState: 'drain' })
  advice.hear('a', { weightPercent: 100, adminState: 'ready' })
  assert.deepEqual(changes, ['a 50 ready', 'a 50 drain', 'a 100 ready'])
  assert.deepEqual(lines, [
    'remote a: its agent sets 50 % of its weight',
    'remote a: its agent sets the admin state drain',
    'remote a: its agent sets 100 % of its weight and the admin state ready',
  ])
})

test('is kept for the remotes of the next configuration that have an agent', () => {
  const { advice } = world()
  advice.hear('a', { adminState: 'maint' })
  advice.hear('b', { adminState: 'maint' })
  advice.watch(new Set(['a', 'c']))
  assert.deepEqual(advice.of('a'), { weightPercent: 100, adminState: 'maint', drainsSinceMs: 100 })
  assert.equal(advice.of('b'), undefined)
})

test('a remote drains since it ceased to be ready, whatever else changes', () => {
  const { advice, clock } = world()
  const since = (nowMs: number, said: ProbeAdvice) => {
    clock.nowMs = nowMs
    advice.hear('a', said)
    return advice.of('a')?.drainsSinceMs
  }
  assert.equal(since(200, { weightPercent: 50 }), 0)
  assert.equal(since(300, { adminState: 'drain' }), 300)
  assert.equal(since(400, { weightPercent: 10 }), 300)
  assert.equal(since(500, { adminState: 'maint' }), 300)
  assert.equal(since(600, { adminState: 'ready' }), 0)
  assert.equal(since(700, { adminState: 'maint' }), 700)
})
