import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RemoteVerdicts } from './remote-verdicts.js'

function world(...names: readonly string[]) {
  const lines: string[] = []
  const verdicts: string[] = []
  const flips: string[] = []
  const say = (_severity: number, text: string) => void lines.push(text)
  const clock = { nowMs: 0 }
  const health: RemoteVerdicts = new RemoteVerdicts(
    say,
    {
      onVerdict: (name) => void verdicts.push(`${name} ${health.of(name).isDown}`),
      onFlip: (name, { atMs, isUp, reason }) => void flips.push(`${name} ${isUp} ${atMs} ${reason}`),
    },
    () => clock.nowMs,
  )
  const watch = (...names: readonly string[]) => health.watch(names.map((name) => ({ name })))
  watch(...names)
  const record = (isUp: boolean, name: string, startedMs: number, atMs: number, why: string) => {
    clock.nowMs = Math.max(clock.nowMs, atMs)
    health.record({ name, isUp, startedMs, atMs, why })
  }
  const fails = (name: string, startedMs: number, atMs = startedMs + 1) =>
    record(false, name, startedMs, atMs, 'refused')
  const serves = (name: string, atMs: number) => record(true, name, atMs - 1, atMs, '')
  /** As the head does, many times a second. */
  const expireAt = (atMs: number) => {
    clock.nowMs = atMs
    health.expire()
  }
  /** What the workers get: UP, DOWN or EXCLUDED. */
  const cell = (name: string) => {
    const { isDown, isExcluded } = health.of(name)
    return isExcluded ? 'excluded' : isDown ? 'down' : 'up'
  }
  return { cell, clock, expireAt, fails, flips, health, lines, serves, verdicts, watch }
}

test('logs an outage seen by many children once, and its end once', () => {
  const { fails, health, lines, serves, verdicts } = world('a', 'b')
  for (let child = 0; child < 8; child++) fails('a', 100 + child)
  assert.equal(health.of('a').isDown, true)
  for (let child = 0; child < 8; child++) serves('a', 5_000 + child)
  assert.deepEqual(lines, [
    'remote a is down: refused (it was up for 101 ms)',
    'remote a is up again (it was down for 4 s)',
  ])
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
  assert.deepEqual(
    lines.map((line) => line.replace(/ \(.*/, '')),
    ['remote a is down: refused', 'remote b is down: refused', 'remote b is up again'],
  )
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
  assert.equal(lines[1], 'remote a is up again (it was down for 4 s), slow start over 30 s')
  health.watch([{ name: 'a' }])
  assert.equal(health.of('a').upAtMs, 5_000, 'after a reload too')
})

test('a child cannot make a remote come up in the future', () => {
  const { clock, fails, health } = world('a')
  fails('a', 100)
  clock.nowMs = 9_000
  health.record({ name: 'a', isUp: true, startedMs: 1, atMs: 1e12, why: '' })
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
  assert.deepEqual(lines, [
    'remote a is down: health check: refused (it was up for 0 ms)',
    'remote a is up again (it was down for 0 ms)',
  ])
})

test('the first check decides alone', () => {
  const { lines, states } = checkedBy([false, true])
  assert.deepEqual(states, ['down true', 'changing true'])
  assert.deepEqual(lines, ['remote a is down: health check: refused'], 'nothing was known of it before')
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
  assert.deepEqual([health.of('a').isDown, health.of('a').isExcluded], [true, false])
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

const FAIL_AFTER = { count: 3, withinMs: 1_000 }

function ejecting(thresholds?: { rise: number; fall: number }) {
  const one = world()
  one.health.watch([{ name: 'a', failAfter: FAIL_AFTER, thresholds }])
  const failsThrice = (atMs: number) => {
    for (let i = 0; i < 3; i++) one.fails('a', atMs + i)
  }
  return { ...one, failsThrice }
}

test('N failures within T exclude a remote, fewer or slower ones do not', () => {
  const { cell, fails, flips, lines } = ejecting()
  for (const startedMs of [100, 200, 1_500, 1_600]) fails('a', startedMs)
  assert.equal(cell('a'), 'up')
  fails('a', 1_700)
  assert.equal(cell('a'), 'excluded')
  assert.deepEqual(lines, ['remote a is down: 3 failures in 1 s: refused (it was up for 1 s)'])
  assert.deepEqual(flips, ['a false 1701 3 failures in 1 s: refused'])
})

test('an excluded remote is tried after its back-off, and up when it has served for a while', () => {
  const { cell, expireAt, failsThrice, health, lines, serves } = ejecting()
  failsThrice(100)
  serves('a', 200)
  expireAt(1_102)
  assert.equal(cell('a'), 'excluded', 'a second from the last failure on')
  expireAt(1_103)
  assert.equal(cell('a'), 'down', 'workers go by their own back-off')
  expireAt(9_000)
  assert.equal(cell('a'), 'down', 'nobody has tried it')
  serves('a', 9_001)
  expireAt(10_000)
  assert.equal(cell('a'), 'down')
  expireAt(10_001)
  assert.equal(cell('a'), 'up')
  assert.deepEqual(lines.slice(1), ['remote a is up again (it was down for 9 s)'])
  assert.equal(health.hasEjected, false)
})

test('a trial that fails doubles the back-off up to 30 s, without another line', () => {
  const { cell, expireAt, fails, failsThrice, lines, clock } = ejecting()
  failsThrice(100)
  for (const backOffMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    const excludedAtMs = clock.nowMs
    expireAt(excludedAtMs + backOffMs - 1)
    assert.equal(cell('a'), 'excluded', `${backOffMs}`)
    expireAt(excludedAtMs + backOffMs)
    assert.equal(cell('a'), 'down')
    fails('a', excludedAtMs - 10, clock.nowMs)
    assert.equal(cell('a'), 'down', 'that attempt began before')
    fails('a', clock.nowMs + 5)
    assert.equal(cell('a'), 'excluded')
  }
  assert.equal(lines.length, 1)
})

test('a remote on trial that has served may fail as often as one that is up', () => {
  const { cell, expireAt, fails, failsThrice, lines, serves } = ejecting()
  failsThrice(100)
  expireAt(2_000)
  serves('a', 2_010)
  fails('a', 2_020)
  fails('a', 2_030)
  assert.equal(cell('a'), 'down')
  fails('a', 2_040)
  assert.equal(cell('a'), 'excluded', 'it accepts connections and answers none')
  assert.equal(lines.length, 1)
})

test('the back-off begins at a second again after a longer time up', () => {
  const { cell, expireAt, failsThrice, serves, clock } = ejecting()
  for (const [upMs, backOffMs] of [
    [0, 1_000],
    [100, 2_000],
    [31_000, 1_000],
  ] as const) {
    failsThrice(clock.nowMs + upMs + 1)
    const excludedAtMs = clock.nowMs
    expireAt(excludedAtMs + backOffMs - 1)
    assert.equal(cell('a'), 'excluded')
    expireAt(excludedAtMs + backOffMs)
    serves('a', clock.nowMs + 1)
    expireAt(clock.nowMs + 1_000)
    assert.equal(cell('a'), 'up')
  }
})

test('the check brings back what sessions excluded, after the back-off and `rise` successes', () => {
  const { cell, failsThrice, clock, expireAt, health, lines, serves } = ejecting({ rise: 2, fall: 2 })
  const passes = () => health.check('a', { isUp: true, text: '' })
  for (let i = 0; i < 3; i++) passes()
  failsThrice(100)
  assert.equal(cell('a'), 'excluded')
  assert.equal(passes(), 'changing')
  clock.nowMs = 2_000
  assert.equal(cell('a'), 'excluded', 'the results from before do not count')
  expireAt(2_000)
  serves('a', 2_001)
  assert.equal(cell('a'), 'excluded', 'there is no trial')
  assert.equal(passes(), 'up')
  assert.deepEqual(lines, [
    'remote a is down: 3 failures in 1 s: refused (it was up for 103 ms)',
    'remote a is up again (it was down for 1 s)',
  ])
})

test('a check that fails takes over what sessions excluded', () => {
  const { failsThrice, health, lines, verdicts } = ejecting({ rise: 1, fall: 2 })
  health.check('a', { isUp: true, text: '' })
  failsThrice(100)
  assert.deepEqual(health.of('a').isEjected, true)
  for (let i = 0; i < 2; i++) health.check('a', { isUp: false, text: 'refused' })
  assert.deepEqual([health.of('a').isEjected, health.of('a').isExcluded], [false, true])
  assert.equal(health.hasEjected, false)
  assert.deepEqual([lines.length, verdicts.length], [1, 2], 'the same outage')
  health.check('a', { isUp: true, text: '' })
  assert.equal(health.of('a').isDown, false)
})

test('a remote that was down before a restart is down until its first check', () => {
  const { cell, clock, health, lines } = world()
  clock.nowMs = 50_000
  const thresholds = { rise: 3, fall: 3 }
  const saved = new Map(
    ['a', 'b', 'c'].map((name) => [name, { isDown: name !== 'c', sinceMs: -10_000 }] as const),
  )
  health.watch([{ name: 'a', thresholds }, { name: 'b' }, { name: 'c', thresholds }], saved)
  assert.deepEqual(['a', 'b', 'c'].map(cell), ['excluded', 'down', 'up'])
  health.check('a', { isUp: true, text: '' })
  health.record({ name: 'b', isUp: true, startedMs: 50_000, atMs: 50_000, why: '' })
  assert.deepEqual(lines, [
    'remote a is down: it was when the program stopped',
    'remote b is down: it was when the program stopped',
    'remote a is up again (it was down for 1 min)',
    'remote b is up again (it was down for 1 min)',
  ])
})

test('remotes of several pools with one name are one: the first check and the first `fail after` decide', () => {
  const { cell, fails, health } = world()
  const thresholds = { rise: 1, fall: 1 }
  health.watch([{ name: 'a' }, { name: 'a', thresholds }, { name: 'a', failAfter: FAIL_AFTER }])
  health.check('a', { isUp: true, text: '' })
  for (let i = 0; i < 3; i++) fails('a', 100 + i)
  assert.equal(cell('a'), 'excluded')
})

test('a reload that removes the check or `fail after` leaves no remote down for ever', () => {
  const thresholds = { rise: 1, fall: 1 }
  const settings = [{}, { thresholds }, { failAfter: FAIL_AFTER }, { thresholds, failAfter: FAIL_AFTER }]
  for (const before of settings) {
    for (const after of settings) {
      const { cell, clock, expireAt, fails, health, serves } = world()
      health.watch([{ name: 'a', ...before }])
      health.check('a', { isUp: false, text: '' })
      for (let i = 0; i < 3; i++) fails('a', 1 + i)
      assert.notEqual(cell('a'), 'up')
      health.watch([{ name: 'a', ...after }])
      expireAt(40_000)
      health.check('a', { isUp: true, text: '' })
      serves('a', clock.nowMs + 10)
      expireAt(clock.nowMs + 10_000)
      assert.equal(cell('a'), 'up', JSON.stringify([before, after]))
    }
  }
})

/** Anything that can happen to a remote, in any order: never an outage without a line, never two lines for one. */
test('logs begin and end of each outage in turn, whatever happens', () => {
  const event = fc.oneof(
    fc.constantFrom('check up', 'check down', 'serves', 'fails', 'expire').map((what) => ({ what, ms: 0 })),
    fc.nat(5_000).map((ms) => ({ what: 'wait', ms })),
    fc
      .constantFrom('reload', 'reload checked', 'reload counted', 'reload both')
      .map((what) => ({ what, ms: 0 })),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 150 }), (events) => {
      const { cell, clock, expireAt, fails, flips, health, lines, serves } = world('a')
      for (const { ms, what } of events) {
        clock.nowMs += ms
        if (what === 'check up' || what === 'check down')
          health.check('a', { isUp: what === 'check up', text: 'x' })
        else if (what === 'serves') serves('a', clock.nowMs)
        else if (what === 'fails') fails('a', clock.nowMs, clock.nowMs)
        else if (what === 'expire') expireAt(clock.nowMs)
        else if (what.startsWith('reload'))
          health.watch([
            {
              name: 'a',
              thresholds: /checked|both/.test(what) ? { rise: 2, fall: 2 } : undefined,
              failAfter: /counted|both/.test(what) ? { count: 2, withinMs: 500 } : undefined,
            },
          ])
        assert.equal(lines.length, flips.length)
        assert.equal(lines.length % 2 === 1, cell('a') !== 'up')
      }
      for (const [i, line] of lines.entries())
        assert.match(line, i % 2 === 0 ? /^remote a is down: / : /^remote a is up again/)
    }),
  )
})
