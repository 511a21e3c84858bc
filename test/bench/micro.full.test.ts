import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { flatness, measureCase } from '../../bench/micro/measure-micro.js'

const MICRO = fileURLToPath(new URL('../../bench/micro/main.js', import.meta.url))

function micro(...words: readonly string[]) {
  return spawnSync(process.execPath, [MICRO, '--runs', '1', '--run-ms', '1', ...words], { encoding: 'utf8' })
}

test('all micro-benchmarks run, with each of their sizes', () => {
  const { status, stderr, stdout } = micro('--json')
  assert.equal(status, 0, stderr)
  const { flatnesses, results } = JSON.parse(stdout)
  for (const { medianNs, name, size } of results) assert.ok(medianNs > 0, `${name} ${size}: ${medianNs} ns`)
  for (const part of ['loop', 'relay', 'timers', 'policy', 'access log', 'access list']) {
    assert.ok(
      results.some(({ name }: { name: string }) => name.startsWith(part)),
      part,
    )
  }
  assert.ok(flatnesses.every(({ flatness }: { flatness: number }) => flatness > 0))
})

test('the table has a row for each, and a wrong option is reported', () => {
  const { status, stdout } = micro()
  assert.equal(status, 0)
  assert.match(stdout, /^access list: a client, rules +100,000 +\d+ +\d+ – \d+$/m)
  assert.equal(micro('--runs', 'no').status, 2)
})

test('a case is prepared once per size, and flatness compares the largest with the smallest', () => {
  const prepared: number[] = []
  const results = measureCase(
    {
      name: 'waits',
      sizes: [1, 4],
      isFlat: true,
      prepare(size) {
        prepared.push(size)
        return (times) => {
          for (const endMs = performance.now() + (times * size) / 10; performance.now() < endMs; );
        }
      },
    },
    { runMs: 5, runs: 3 },
  )
  assert.deepEqual(prepared, [1, 4])
  assert.ok((flatness(results) ?? 0) > 1, 'four times the work is not flat')
  assert.equal(flatness(results.map((result) => ({ ...result, isFlat: false }))), undefined)
})
