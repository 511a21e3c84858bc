import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RemoteVerdicts } from './remote-verdicts.js'

function world(...names: readonly string[]) {
  const lines: string[] = []
  const verdicts: string[] = []
  const say = (_severity: number, text: string) => void lines.push(text)
  const clock = { nowMs: Number.POSITIVE_INFINITY }
  const health = new RemoteVerdicts(
    say,
    (name, { isDown }) => verdicts.push(`${name} ${isDown}`),
    () => clock.nowMs,
  )
  const watch = (...names: readonly string[]) => health.watch(names.map((name) => ({ name })))
  watch(...names)
  const fails = (name: string, startedMs: number, atMs = startedMs + 1) =>
    health.record({ name, isUp: false, startedMs, atMs, why: 'refused' })
  const serves = (name: string, atMs: number) =>
    health.record({ name, isUp: true, startedMs: atMs - 1, atMs, why: '' })
  return { clock, health, lines, verdicts, watch, fails, serves }
}

test('logs an outage seen by many children once, and its end once', () => {
  const { fails, health, lines, serves, verdicts } = world('a', 'b')
  for (let child = 0; child < 8; child++) fails('a', 100 + child)
  assert.equal(health.of('a').isDown, true)
  for (let child = 0; child < 8; child++) serves('a', 5_000 + child)
  assert.deepEqual(lines, ['remote a is down: refused', 'remote a is up again'])
  assert.deepEqual(verdicts, ['a true', 'a false'])
})

test('ignores a failed attempt that began before the remote was up again', () => {
  const { fails, lines, serves } = world('a')
  fails('a', 100)
  serves('a', 5_000)
  fails('a', 4_000, 14_000)
  assert.equal(lines.length, 2)
  fails('a', 5_001)
  assert.equal(lines.length, 3)
})

test('does not flap when a remote refuses some connections', () => {
  const { fails, lines, serves } = world('a')
  for (let ms = 0; ms < 10_000; ms += 10) {
    fails('a', ms)
    serves('a', ms + 5)
  }
  assert.ok(lines.length <= 42, `${lines.length} lines`)
})

test('keeps the state of known remotes over a reload and drops others', () => {
  const { fails, health, lines, serves, watch } = world('a', 'b')
  fails('a', 1)
  fails('b', 1)
  watch('b', 'c')
  fails('b', 2)
  serves('b', 9_000)
  serves('a', 9_000)
  fails('x', 1)
  assert.deepEqual(lines, ['remote a is down: refused', 'remote b is down: refused', 'remote b is up again'])
  watch('a')
  assert.equal(health.of('a').isDown, false)
})

test('says when a remote came up, and that its slow start begins', () => {
  const { fails, health, lines, serves } = world()
  health.watch([{ name: 'a', slowStartMs: 30_000 }])
  assert.equal(health.of('a').upAtMs, 0)
  fails('a', 100)
  serves('a', 5_000)
  assert.equal(health.of('a').upAtMs, 5_000)
  assert.equal(lines[1], 'remote a is up again, slow start over 30 s')
  health.watch([{ name: 'a' }])
  assert.equal(health.of('a').upAtMs, 5_000, 'after a reload too')
})

test('a child cannot make a remote come up in the future', () => {
  const { clock, fails, health, serves } = world('a')
  clock.nowMs = 9_000
  fails('a', 100)
  serves('a', 1e12)
  assert.equal(health.of('a').upAtMs, 9_000)
  fails('a', 9_001)
  assert.equal(health.of('a').isDown, true)
})

/** What one check after the other says of a remote with `rise = 2`, `fall = 3`: its pace, and whether it is excluded. */
function checkedBy(results: readonly boolean[]) {
  const { health, lines } = world()
  health.watch([{ name: 'a', thresholds: { rise: 2, fall: 3 } }])
  const states = results.map((isUp) => {
    const pace = health.check('a', { isUp, text: isUp ? '' : 'refused' })
    return `${pace} ${health.of('a').isExcluded}`
  })
  return { health, lines, states }
}

test('a remote with a check is down after `fall` failures, and up after `rise` successes', () => {
  const { lines, states } = checkedBy([
    true,
    false,
    false,
    true,
    false,
    false,
    false,
    true,
    false,
    true,
    true,
  ])
  assert.deepEqual(states, [
    'up false',
    'changing false',
    'changing false',
    'up false',
    'changing false',
    'changing false',
    'down true',
    'changing true',
    'down true',
    'changing true',
    'up false',
  ])
  assert.deepEqual(lines, ['remote a is down: health check: refused', 'remote a is up again'])
})

test('the first check decides alone', () => {
  assert.deepEqual(checkedBy([false, true]).states, ['down true', 'changing true'])
})

test('sessions are no evidence about a remote with a check', () => {
  const { fails, health, lines, serves } = world()
  health.watch([{ name: 'a', thresholds: { rise: 1, fall: 1 } }])
  fails('a', 1)
  assert.deepEqual([health.of('a').isDown, lines], [false, []])
  health.check('a', { isUp: false, text: 'refused' })
  serves('a', 9_000)
  assert.equal(health.of('a').isDown, true)
})

test('a reload that adds or removes a check changes what a remote that is down gets', () => {
  const { fails, health, verdicts } = world('a')
  fails('a', 1)
  assert.deepEqual(health.of('a'), { isDown: true, isExcluded: false, upAtMs: 0 })
  health.watch([{ name: 'a', thresholds: { rise: 2, fall: 3 } }])
  assert.equal(health.of('a').isExcluded, true)
  assert.equal(health.check('a', { isUp: true, text: '' }), 'up', 'its first check decides alone')
  health.check('a', { isUp: false, text: '' })
  health.check('a', { isUp: false, text: '' })
  health.check('a', { isUp: false, text: '' })
  health.watch([{ name: 'a' }])
  assert.deepEqual([health.of('a').isDown, health.of('a').isExcluded], [true, false])
  assert.equal(verdicts.length, 5)
})
