import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { until } from '../../test/harness/until.js'
import { NEVER_MS, Reports } from '../../test/support/discovery.js'
import { type Round, runRounds } from './rounds.js'
import { SourceFailure } from './source-failure.js'
import type { SourceTimes } from './source-times.js'

const TIMES: SourceTimes = {
  retryFirstMs: 20,
  retryMaxMs: 100,
  gatherMs: 0,
  watchMinMs: 0,
  random: () => 0,
}

function started(t: TestContext, round: (round: Round) => Promise<void>, times = TIMES) {
  const reports = new Reports()
  const source = runRounds(reports, times, round)
  t.after(() => source.close())
  return { reports, source }
}

test('pauses double after each failure, up to a limit', async (t) => {
  const atMs: number[] = []
  const { reports } = started(t, async () => {
    atMs.push(performance.now())
    throw new SourceFailure('no')
  })
  await reports.troubled(6)
  const pauses = atMs.slice(1).map((ms, i) => ms - (atMs[i] ?? 0))
  // At random from half of each time to the whole, but never less than the first one. Timers may fire a millisecond early.
  const least = [20, 20, 40, 50, 50]
  assert.ok(
    least.every((ms, i) => (pauses[i] ?? 0) > ms - 2),
    `${pauses}`,
  )
})

test('what a round throws is a problem, and an error of the program is named so', async (t) => {
  const thrown: unknown[] = [new SourceFailure('HTTP 503'), new TypeError('x is no\nfunction'), 'text']
  const { reports } = started(t, async () => {
    throw thrown.shift() ?? new SourceFailure('more')
  })
  await reports.troubled(3)
  assert.deepEqual(reports.problems.slice(0, 3), [
    'HTTP 503',
    'internal error: TypeError: x is no\\x0afunction',
    'internal error: string',
  ])
})

test('asking again ends a pause between rounds, and none after a failure', async (t) => {
  let count = 0
  const { reports, source } = started(
    t,
    async (round) => {
      count++
      if (count === 2) throw new SourceFailure('no')
      round.answer([])
      await round.pause(NEVER_MS)
    },
    { ...TIMES, retryFirstMs: NEVER_MS },
  )
  await reports.answered(1)
  source.askAgain()
  await reports.troubled()
  source.askAgain()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(count, 2)
})

test('a round knows whether there was an answer since the last problem', async (t) => {
  const known: boolean[] = []
  const { reports } = started(t, async (round) => {
    known.push(round.isTroubled)
    if (known.length === 1) throw new SourceFailure('no')
    round.answer([])
    await round.pause(1)
  })
  await reports.answered(2)
  assert.deepEqual(known.slice(0, 3), [false, true, false])
})

test('nothing is reported after the end, whatever the round still does', async (t) => {
  let goOn = () => {}
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  let isOver = false
  const { reports, source } = started(t, async (round) => {
    await held
    round.answer([])
    round.problem('x')
    isOver = true
    throw new SourceFailure('y')
  })
  source.close()
  goOn()
  await until('the end of the round', () => isOver)
  assert.deepEqual(reports.kinds, [])
})
