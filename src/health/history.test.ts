import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { FLIPS_MAX, type HealthRecord, History, OTHER_REASON, REASONS_MAX, RESULTS_MAX } from './history.js'

function record(atMs: number, reason = '', isUp = reason === ''): HealthRecord {
  return { atMs, isUp, reason, latencyMs: 0.5 }
}

test('keeps the last results and flips of each remote, oldest first', () => {
  const history = new History()
  assert.deepEqual([history.results('a'), history.flips('a')], [[], []])
  for (let i = 0; i < RESULTS_MAX + 10; i++) history.addResult('a', record(i, i % 2 === 0 ? '' : 'refused'))
  for (let i = 0; i < FLIPS_MAX + 1; i++) history.addFlip('a', record(i))
  const results = history.results('a')
  assert.equal(results.length, RESULTS_MAX)
  assert.deepEqual([results[0], results.at(-1)], [record(10), record(RESULTS_MAX + 9, 'refused')])
  assert.deepEqual(
    history.flips('a').map(({ atMs }) => atMs),
    Array.from({ length: FLIPS_MAX }, (_, i) => i + 1),
  )
  assert.deepEqual(history.results('b'), [])
})

test('returns what was added, of any number of remotes', () => {
  const adds = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('', 'x', 'y'), fc.boolean()), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(adds, (all) => {
      const history = new History()
      for (const [i, [name, reason, isUp]] of all.entries()) history.addFlip(name, record(i, reason, isUp))
      for (const name of ['a', 'b']) {
        const expected = all.flatMap(([of, reason, isUp], i) =>
          of === name ? [record(i, reason, isUp)] : [],
        )
        assert.deepEqual(history.flips(name), expected.slice(-FLIPS_MAX))
      }
    }),
  )
})

test('limits the number of reasons of a remote and their length', () => {
  const history = new History()
  for (let i = 0; i < REASONS_MAX; i++) history.addResult('a', record(i, `reason ${i}`))
  const reasons = history.results('a').map(({ reason }) => reason)
  assert.deepEqual(reasons.slice(0, 2), ['reason 0', 'reason 1'])
  assert.deepEqual(reasons.slice(-2), [OTHER_REASON, OTHER_REASON], 'two entries of the table are reserved')
  for (let i = 0; i < RESULTS_MAX; i++) history.addResult('a', record(i))
  history.addResult('a', record(0, 'x'.repeat(1_000)))
  assert.equal(history.results('a').at(-1)?.reason, 'x'.repeat(120), 'reasons without a record make room')
})

test('forgets remotes that are gone', () => {
  const history = new History()
  history.addFlip('a', record(1))
  history.addFlip('b', record(1))
  history.keepOnly(['b', 'c'])
  assert.deepEqual([history.flips('a').length, history.flips('b').length], [0, 1])
})

test('a thousand remotes with full rings and long reasons take less than 32 MB', () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const usedBytes = () => {
    collect()
    const { arrayBuffers, heapUsed } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = usedBytes()
  const history = new History()
  for (let remote = 0; remote < 1_000; remote++) {
    for (let i = 0; i < RESULTS_MAX; i++)
      // A text of its own for each, as if a server had sent it.
      history.addResult(`r${remote}`, record(i, i < 70 ? `${remote} ${i} `.padEnd(120, 'é') : 'refused'))
    for (let i = 0; i < FLIPS_MAX; i++) history.addFlip(`r${remote}`, record(i, 'refused'))
  }
  const usedMb = (usedBytes() - before) / 1e6
  assert.ok(usedMb < 32, `${usedMb} MB`)
  assert.equal(history.results('r999').length, RESULTS_MAX)
})
