import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** No collection runs while less than this is allocated. */
const YOUNG_GENERATION_MB = 128

const PROGRAM = fileURLToPath(new URL('../support/allocations.js', import.meta.url))
const IS_FULL = process.env.TCPRELAY_TESTS === 'full'

/** The smallest heap object takes 16 bytes. */
export const OBJECT_BYTES_MIN = 16

/** What a measurement itself costs per round of a window: far below one object each. */
export const NOISE_BYTES = 0.1

interface Measured {
  readonly medianBytes: number
  readonly allBytes: number
}

/** Bytes of heap that one round of some work takes, in a process of its own. */
export function measured(work: string, rounds: number): Measured {
  const flags = [
    `--min-semi-space-size=${YOUNG_GENERATION_MB}`,
    `--max-semi-space-size=${YOUNG_GENERATION_MB}`,
  ]
  const run = spawnSync(process.execPath, [...flags, PROGRAM, work, String(rounds)], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  return JSON.parse(run.stdout)
}

/** Requests with their replies in one measurement. */
export const EXCHANGES = IS_FULL ? 500_000 : 50_000
