import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { variants } from '../harness/variants.js'

/** No collection runs while less than this is allocated. */
const YOUNG_GENERATION_MB = 128

const PROGRAM = fileURLToPath(new URL('../support/allocations.js', import.meta.url))
const IS_FULL = process.env.TCPRELAY_TESTS === 'full'

/** The smallest heap object takes 16 bytes. */
const OBJECT_BYTES_MIN = 16

/** What a measurement itself costs per round of a window: far below one object each. */
const NOISE_BYTES = 0.1

interface Measured {
  readonly medianBytes: number
  readonly allBytes: number
}

/** Bytes of heap that one round of some work takes, in a process of its own. */
function measured(work: string, rounds: number): Measured {
  const flags = [
    `--min-semi-space-size=${YOUNG_GENERATION_MB}`,
    `--max-semi-space-size=${YOUNG_GENERATION_MB}`,
  ]
  const run = spawnSync(process.execPath, [...flags, PROGRAM, work, String(rounds)], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  return JSON.parse(run.stdout)
}

test('a million events in memory make no garbage', (t) => {
  const { allBytes, medianBytes } = measured('events-in-memory', 1_000_000)
  t.diagnostic(`${medianBytes.toFixed(3)} bytes per event, ${allBytes.toFixed(3)} with the compiler's own`)
  assert.ok(medianBytes < NOISE_BYTES, `${medianBytes} bytes per event`)
  assert.ok(allBytes < 1, `${allBytes} bytes per event in all`)
})

const EXCHANGES = IS_FULL ? 500_000 : 50_000

test(`${EXCHANGES * 2} requests and replies through a reactor on real sockets make no garbage`, (t) => {
  const { medianBytes } = measured('exchanges', EXCHANGES)
  t.diagnostic(`${medianBytes.toFixed(3)} bytes per request and reply`)
  assert.ok(medianBytes < 2 * NOISE_BYTES, `${medianBytes} bytes per request and reply`)
})

for (const mechanism of variants([], ['poll', 'select'])) {
  test(`requests and replies by ${mechanism} make no garbage`, (t) => {
    const { medianBytes } = measured(`exchanges-by-${mechanism}`, EXCHANGES)
    t.diagnostic(`${medianBytes.toFixed(3)} bytes per request and reply`)
    assert.ok(medianBytes < 2 * NOISE_BYTES, `${medianBytes} bytes per request and reply`)
  })
}

test(`${EXCHANGES} messages of SCTP make no garbage`, (t) => {
  const { medianBytes } = measured('messages', EXCHANGES)
  t.diagnostic(`${medianBytes.toFixed(3)} bytes per message`)
  assert.ok(medianBytes < 2 * NOISE_BYTES, `${medianBytes} bytes per message`)
})

test('picks by all policies make no garbage', (t) => {
  const { medianBytes } = measured('picks', 100_000)
  t.diagnostic(`${medianBytes.toFixed(3)} bytes for one pick by each`)
  assert.ok(medianBytes < NOISE_BYTES, `${medianBytes} bytes for one pick by each`)
})

test('detecting protocols makes no garbage', (t) => {
  const { medianBytes } = measured('sniffing', 20_000)
  t.diagnostic(`${medianBytes.toFixed(3)} bytes per client of each protocol`)
  assert.ok(medianBytes < OBJECT_BYTES_MIN, `${medianBytes} bytes per client of each protocol`)
})

test('one small object per receive would be detected', () => {
  const { medianBytes } = measured('wasteful-exchanges', 20_000)
  assert.ok(medianBytes >= 2 * OBJECT_BYTES_MIN, `${medianBytes} bytes per request and reply`)
})

test('a whole connection allocates a few numbers, its access line some strings', (t) => {
  const { medianBytes: bare } = measured('connections', 5_000)
  const { medianBytes: logged } = measured('logged-connections', 5_000)
  t.diagnostic(`${bare.toFixed(1)} bytes per connection, ${logged.toFixed(1)} with an access log`)
  assert.ok(bare <= 4 * OBJECT_BYTES_MIN, `${bare} bytes per connection`)
  assert.ok(logged <= 4_096, `${logged} bytes per connection with an access log`)
})
