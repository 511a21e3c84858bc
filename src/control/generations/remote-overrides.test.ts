import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RemoteOverrides } from './remote-overrides.js'

function overrides() {
  const lines: string[] = []
  const time = { nowMs: 1_000 }
  return {
    lines,
    time,
    of: new RemoteOverrides(
      (_, line) => lines.push(line),
      () => time.nowMs,
    ),
  }
}

test('an admin state that is not ready counts from its first moment', () => {
  const { of, time } = overrides()
  assert.equal(of.of('a'), undefined)
  of.setAdminState('a', 'drain')
  time.nowMs = 2_000
  of.setAdminState('a', 'maint')
  assert.deepEqual(of.of('a'), { adminState: 'maint', drainsSinceMs: 1_000, weight: undefined })
  of.setAdminState('a', 'ready')
  assert.deepEqual(of.of('a'), { adminState: 'ready', drainsSinceMs: 0, weight: undefined })
})

test('a weight is kept until the configuration has another one', () => {
  const { lines, of } = overrides()
  of.setAdminState('a', 'drain')
  of.setWeight('a', { value: 3, insteadOf: 1 })
  of.review([{ key: 'a', configuredWeight: 1 }])
  assert.deepEqual([of.of('a')?.weight?.value, lines], [3, []])
  of.review([
    { key: 'a', configuredWeight: 2 },
    { key: 'b', configuredWeight: 7 },
  ])
  assert.equal(of.of('a')?.weight, undefined)
  assert.equal(of.of('a')?.adminState, 'drain')
  const line =
    'remote a: the configuration changes its weight to 2, which replaces the weight 3 of an administrator'
  assert.deepEqual(lines, [line])
})
