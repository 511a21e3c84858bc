import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/harness/clean-up.js'
import { History } from '../../health/history.js'
import { RemoteVerdicts } from '../../health/remote-verdicts.js'
import { SavedHealth } from './saved-health.js'

const WALL_MS = 1_700_000_000_000

/** A head whose wall clock is `wallMs`, and whose system has run for an hour. */
function headAt(path: string, wallMs: number) {
  const clock = { monotonicMs: () => 3_600_000, wallMs: () => wallMs, readMonotonicMs: () => {} }
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
