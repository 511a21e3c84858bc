import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/harness/clean-up.js'
import { History } from '../../health/history.js'
import { RemoteVerdicts } from '../../health/remote-verdicts.js'
import { SavedHealth } from './saved-health.js'

const WALL_MS = 1_700_000_000_000

/** The clocks of a system that has run for an hour. */
const clocksAt = (wallMs: number) => ({ nowMs: 3_600_000, wallMs })

function headAt(path: string, clocks: number | { readonly nowMs: number; readonly wallMs: number }) {
  const times = typeof clocks === 'number' ? clocksAt(clocks) : clocks
  const clock = { monotonicMs: () => times.nowMs, wallMs: () => times.wallMs, readMonotonicMs: () => {} }
  const lines: string[] = []
  const say = (_severity: number, text: string) => void lines.push(text)
  const history = new History()
  const verdicts = new RemoteVerdicts(say, { onVerdict() {}, onFlip() {} }, clock.monotonicMs)
  const names = () => verdicts.names
  const saved = new SavedHealth({ say, clock, history, verdicts, names, answers: () => [] }, path)
  return { history, lines, saved, verdicts }
}

/** A file in which the remote `a` is down, and has failed a check a second before. */
function savedFile(t: TestContext): string {
  const path = join(temporaryFolder(t), 'state')
  const { history, saved, verdicts } = headAt(path, WALL_MS)
  verdicts.watch([{ name: 'a', thresholds: { rise: 1, fall: 1 } }])
  verdicts.check('a', { isUp: false, text: 'refused' })
  history.addResult('a', { atMs: 3_599_000, isUp: false, reason: 'refused', latencyMs: 2 })
  saved.end()
  return path
}

test('a step of the wall clock moves times, and never into the future', (t) => {
  const path = savedFile(t)
  for (const [stepMs, expectedMs] of [
    [0, 3_599_000],
    [300_000, 3_299_000],
    [-300_000, 3_600_000],
  ] as const) {
    const { history, saved } = headAt(path, WALL_MS + stepMs)
    const { isDown, sinceMs = Number.NaN } = saved.load().get('a') ?? {}
    assert.equal(isDown, true)
    assert.ok(sinceMs <= 3_600_000)
    assert.deepEqual(
      history.results('a').map(({ atMs }) => atMs),
      [expectedMs],
    )
  }
})

test('verdicts of another time are not used, whichever way the clock went', (t) => {
  const path = savedFile(t)
  for (const stepMs of [601_000, -601_000, 86_400_000 * 365]) {
    const { history, lines, saved } = headAt(path, WALL_MS + stepMs)
    assert.equal(saved.load().size, 0)
    assert.equal(history.results('a').length, 1)
    assert.match(lines.join(), /^the state file is .* old: remotes that were down are tried again$/)
  }
})

test('a file that cannot be written is reported, and a new path is used from then on', (t) => {
  const path = savedFile(t)
  const { lines, saved } = headAt(join(path, 'state'), WALL_MS)
  saved.use(path)
  writeFileSync(path, 'x')
  saved.end()
  assert.match(readFileSync(path, 'utf8'), /^\{"version":1,/)
  assert.deepEqual(lines, [])
  const other = headAt(join(path, 'state'), WALL_MS)
  other.saved.end()
  other.saved.end()
  assert.equal(other.lines.length, 1)
  assert.match(other.lines[0] ?? '', /^cannot write the state file: .*ENOTDIR/)
})

test('a file that cannot be used is one line, costs nothing else, and is replaced', (t) => {
  const path = savedFile(t)
  const saved = readFileSync(path, 'utf8')
  for (const [text, why] of [
    [saved.replace('"version":1', '"version":2'), /written by a newer version of this program \(format 2\)$/],
    [saved.replace('"version":1', '"version":0'), /its format is unknown$/],
    [saved.replace('"version":1,', ''), /its format is unknown$/],
    [saved.slice(0, saved.length / 2), /not a JSON object$/],
    ['', /not a JSON object$/],
  ] as const) {
    writeFileSync(path, text)
    const { history, lines, saved: health, verdicts } = headAt(path, WALL_MS)
    assert.equal(health.load().size, 0)
    assert.deepEqual(history.results('a'), [])
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', why)
    verdicts.watch([{ name: 'b' }])
    health.end()
    assert.equal(lines.length, 1)
    const after = headAt(path, WALL_MS)
    after.saved.load()
    assert.deepEqual(after.lines, [])
  }
})

test('a step of the wall clock between two checks changes no time', (t) => {
  const path = join(temporaryFolder(t), 'state')
  for (const stepMs of [86_400_000, -86_400_000]) {
    const clock = { nowMs: 3_600_000, wallMs: WALL_MS }
    const before = headAt(path, clock)
    before.verdicts.watch([{ name: 'a', thresholds: { rise: 1, fall: 1 } }])
    before.verdicts.check('a', { isUp: false, text: 'refused' })
    before.history.addResult('a', { atMs: clock.nowMs, isUp: false, reason: 'refused', latencyMs: 2 })
    clock.nowMs += 5_000
    clock.wallMs += 5_000 + stepMs
    before.history.addResult('a', { atMs: clock.nowMs, isUp: false, reason: 'refused', latencyMs: 2 })
    before.saved.end()
    const after = headAt(path, clock)
    assert.equal(after.saved.load().get('a')?.sinceMs, 3_600_000)
    assert.deepEqual(
      after.history.results('a').map(({ atMs }) => atMs),
      [3_600_000, 3_605_000],
    )
    assert.deepEqual(after.lines, [])
    before.verdicts.check('a', { isUp: true, text: '' })
    assert.match(before.lines.at(-1) ?? '', /is up again \(it was down for 5 s\)$/)
  }
})
