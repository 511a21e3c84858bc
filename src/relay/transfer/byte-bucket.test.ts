import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Chance } from '../../../test/simulation/chance.js'
import { ByteBucket } from './byte-bucket.js'

const SECONDS = 10
/** A machine under load wakes a reactor this late. */
const LATE_MS_MAX = 20

interface Hungry {
  atMs: number
  reserved: number
  moved: number
}

/** Directions that always have more bytes take from one bucket; returns what each has moved. */
function moved(bytesPerS: number, directions: number, seed: number, startMs: number): number[] {
  const chance = new Chance(seed)
  const bucket = new ByteBucket()
  bucket.restart(bytesPerS, startMs)
  const all: Hungry[] = Array.from({ length: directions }, () => ({ atMs: startMs, reserved: 0, moved: 0 }))
  const endMs = startMs + SECONDS * 1_000
  for (;;) {
    const next = all.reduce((first, one) => (one.atMs < first.atMs ? one : first))
    if (next.atMs >= endMs) return all.map((one) => one.moved)
    const nowMs = next.atMs
    if (next.reserved === 0 && bucket.isPaid(nowMs)) {
      const quantum = bucket.quantum(nowMs)
      next.moved += quantum
      bucket.charge(nowMs, quantum)
    } else if (next.reserved === 0) {
      next.reserved = bucket.quantum(nowMs)
      next.atMs = bucket.reserve(nowMs, next.reserved) + chance.between(0, LATE_MS_MAX)
    } else {
      // Its source has less now and then.
      const bytes = chance.is(0.1) ? chance.between(0, next.reserved) : next.reserved
      next.moved += bytes
      bucket.charge(nowMs, bytes - next.reserved)
      next.reserved = 0
    }
  }
}

test('directions that share a bucket move its rate together, within 2 % over ten seconds', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 3, max: 9, noNaN: true }),
      fc.integer({ min: 1, max: 50 }),
      fc.integer(),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      (exponent, directions, seed, startMs) => {
        const bytesPerS = 10 ** exponent
        const total = moved(bytesPerS, directions, seed, startMs).reduce((sum, one) => sum + one)
        const error = total / (bytesPerS * SECONDS) - 1
        assert.ok(Math.abs(error) <= 0.02, `${directions} directions: ${error}`)
      },
    ),
    { numRuns: 200 },
  )
})

test('each of twenty has about its share', () => {
  const shares = moved(10e6, 20, 1, 0)
  for (const one of shares) assert.ok(Math.abs(one / (10e6 * (SECONDS / 20)) - 1) < 0.5, shares.join())
})

test('a quantum is a tenth of a second, at most a pipe, and less in a crowd', () => {
  const bucket = new ByteBucket()
  bucket.restart(1e6, 0)
  assert.equal(bucket.quantum(0), 100_000)
  bucket.reserve(0, 400_000)
  assert.equal(bucket.quantum(0), 100_000 / 16)
  bucket.reserve(0, 100e6)
  assert.equal(bucket.quantum(0), 1_000)
  bucket.restart(1e9, 0)
  assert.equal(bucket.quantum(0), 1024 * 1024)
})

test('what is not used is saved up for less than a tenth of a second', () => {
  const bucket = new ByteBucket()
  bucket.restart(1e6, 0)
  let bytes = 0
  for (; bucket.isPaid(3_600_000); bytes += 1_000) bucket.charge(3_600_000, 1_000)
  assert.equal(bytes, 81_000)
})

test('a number that no worker can have written counts as none', () => {
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, -1]) {
    const memory = new Float64Array([7, wrong])
    const bucket = new ByteBucket()
    bucket.share(1e6, memory, 1)
    bucket.charge(5_000, 100_000)
    const [, paidMs = Number.NaN] = memory
    assert.ok(paidMs >= 5_000 && paidMs <= 5_100, `${wrong} becomes ${paidMs}`)
  }
})
