import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import type { StickyWriterData, StickyWriterOutcome } from '../../test/support/sticky-writer.js'
import { hashWord } from '../balance/hash.js'
import { closeMemory } from '../kernel/memory.js'
import { heapRegion } from '../kernel/region.js'
import { createStickyMemory, NOTHING, openStickyTable, StickyTable, stickyBytes } from './sticky-table.js'

const PER_SET = 16
const TTL = 60_000

function tableOf(entries: number, ttlMs = TTL) {
  const region = heapRegion(stickyBytes(entries))
  return { region, table: new StickyTable(region, ttlMs) }
}

/** A key of which the second half, and so the set, is chosen. */
interface Key {
  readonly first: number
  readonly second: number
}

/** What the table is to do: one list for each set, the least recently used key first. */
class Model {
  readonly #sets: Map<string, { readonly value: number; readonly atMs: number }>[]

  constructor(sets: number) {
    this.#sets = Array.from({ length: sets }, () => new Map())
  }

  find(key: Key, nowMs: number): number {
    const set = this.#setOf(key)
    const found = set.get(nameOf(key))
    if (found === undefined || nowMs - found.atMs >= TTL) return NOTHING
    this.put(key, found.value, nowMs)
    return found.value
  }

  put(key: Key, value: number, nowMs: number): void {
    const set = this.#setOf(key)
    const [oldest] = set.keys()
    if (!set.has(nameOf(key)) && set.size === PER_SET && oldest !== undefined) set.delete(oldest)
    set.delete(nameOf(key))
    set.set(nameOf(key), { value, atMs: nowMs })
  }

  #setOf({ second }: Key) {
    const set = this.#sets[Math.floor(((second >>> 0) / 2 ** 32) * this.#sets.length)]
    assert.ok(set !== undefined)
    return set
  }
}

const nameOf = ({ first, second }: Key) => `${first} ${second}`

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const oneStep = fc.record({
  isPut: fc.boolean(),
  key: fc.nat({ max: 59 }),
  value: int32.filter((value) => value !== NOTHING),
  // Whole ticks, so that no two uses are equally old; sometimes so many that keys expire.
  ticks: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 1, max: 5 }) }, fc.constantFrom(599, 600, 601)),
})
const script = fc.record({
  sets: fc.integer({ min: 1, max: 3 }),
  keys: fc.array(fc.record({ first: int32, second: int32 }), { minLength: 60, maxLength: 60 }),
  beginMs: fc.constantFrom(0, 1e9, 2 ** 31 * 100 - 3_000, 2 ** 32 * 100 - 3_000),
  steps: fc.array(oneStep, { minLength: 1, maxLength: 300 }),
})

test('with one writer it does what a list of least recently used clients does', () => {
  fc.assert(
    fc.property(script, ({ beginMs, keys, sets, steps }) => {
      const { table } = tableOf(sets * PER_SET)
      const model = new Model(sets)
      let nowMs = beginMs
      for (const { isPut, key: index, ticks, value } of steps) {
        nowMs += ticks * 100
        const key = keys[index] ?? { first: 0, second: 0 }
        if (isPut) {
          table.put(key.first, key.second, value, nowMs)
          model.put(key, value, nowMs)
        }
        assert.equal(table.find(key.first, key.second, nowMs), model.find(key, nowMs))
      }
    }),
    { numRuns: 200 },
  )
})

test('a client is forgotten after the TTL, which each use renews', () => {
  const { table } = tableOf(16)
  table.put(1, 2, 7, 0)
  assert.equal(table.find(1, 2, TTL - 100), 7)
  assert.equal(table.find(1, 2, 2 * TTL - 200), 7)
  assert.equal(table.find(1, 2, 3 * TTL - 200), NOTHING)
  table.put(1, 2, 8, 3 * TTL)
  assert.equal(table.find(1, 2, 3 * TTL), 8)
})

test('the new value of a client replaces the old one, also where it had expired', () => {
  const { region, table } = tableOf(16)
  for (let nowMs = 0; nowMs < 20 * TTL; nowMs += TTL) table.put(1, 2, nowMs + 1, nowMs)
  const used = new Int32Array(region.bytes.buffer).filter((word, i) => i % 4 === 2 && word !== NOTHING)
  assert.deepEqual([...used], [19 * TTL + 1])
})

test('a full set evicts the client that was not used for longest', () => {
  const { table } = tableOf(16)
  for (let key = 1; key <= 16; key++) table.put(key, key, key, key * 1_000)
  assert.equal(table.find(1, 1, 17_000), 1)
  table.put(17, 17, 17, 18_000)
  assert.equal(table.find(2, 2, 18_000), NOTHING)
  assert.equal(table.find(1, 1, 18_000), 1)
  assert.equal(table.find(17, 17, 18_000), 17)
})

test('half full it keeps all but a few of its clients', () => {
  const { table } = tableOf(16_384)
  const seed = Math.trunc(Math.random() * 2 ** 31)
  const lost = (clients: number) => {
    for (let i = 0; i < clients; i++) table.put(hashWord(i, seed), hashWord(i, ~seed), 1, i)
    let count = 0
    for (let i = 0; i < clients; i++)
      if (table.find(hashWord(i, seed), hashWord(i, ~seed), clients) === NOTHING) count++
    return count / clients
  }
  const half = lost(8_192)
  const full = lost(16_384)
  console.log(
    `# lost with seed ${seed}: half full ${(half * 100).toFixed(2)} %, full ${(full * 100).toFixed(2)} %`,
  )
  assert.ok(half < 0.005, `${half}`)
  assert.ok(full < 0.15, `${full}`)
})

test('a clock that is a little ahead is no future, and a time in the future does not hold an entry', () => {
  const { region, table } = tableOf(16)
  table.put(1, 2, 7, 10_500)
  assert.equal(table.find(1, 2, 10_000), 7)
  for (let key = 1; key <= 16; key++) table.put(key, 2, 7, 1e9)
  assert.equal(table.find(1, 2, 10_000), NOTHING)
  for (let key = 21; key <= 36; key++) {
    table.put(key, 2, 9, 10_000)
    assert.equal(table.find(key, 2, 10_000), 9)
  }
  const values = new Int32Array(region.bytes.buffer).filter((_, i) => i % 4 === 2)
  assert.equal(values.includes(9), true)
})

test('whatever a compromised worker writes, it neither throws nor loops', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 512, maxLength: 512 }),
      int32,
      int32,
      fc.nat(),
      (bytes, first, second, nowMs) => {
        const { region, table } = tableOf(32)
        region.bytes.set(bytes)
        table.find(first, second, nowMs)
        table.put(first, second, 5, nowMs)
        assert.equal(table.find(first, second, nowMs), 5)
      },
    ),
  )
})

test('several writers at once never give a client the value of another one', async () => {
  const buffer = new SharedArrayBuffer(stickyBytes(2 * PER_SET))
  const seed = Math.trunc(Math.random() * 2 ** 31)
  const url = new URL('../../test/support/sticky-writer.js', import.meta.url)
  const outcomes = await Promise.all(
    [1, 2, 3].map(async (n): Promise<StickyWriterOutcome> => {
      const data: StickyWriterData = { buffer, seed: seed + n }
      const [outcome] = await once(new Worker(url, { workerData: data }), 'message')
      return outcome
    }),
  )
  const found = outcomes.reduce((sum, outcome) => sum + outcome.found, 0)
  console.log(`# ${found} lookups found a value, seed ${seed}`)
  assert.ok(found > 10_000)
  assert.deepEqual(
    outcomes.map(({ wrong }) => wrong),
    [0, 0, 0],
  )
})

test('all who map its memory share it', () => {
  const fd = createStickyMemory(100)
  const share = { fd, entries: 100, seed: 1 }
  const [one, other] = [openStickyTable(share, TTL), openStickyTable(share, TTL)]
  one.put(1, 2, 3, 1_000)
  assert.equal(other.find(1, 2, 1_000), 3)
  assert.equal(stickyBytes(100), 7 * 16 * 16)
  one.close()
  assert.equal(other.find(1, 2, 1_000), 3)
  other.close()
  closeMemory(fd)
})
