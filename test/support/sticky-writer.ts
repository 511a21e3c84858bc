/** A worker thread that writes and reads a sticky table, for the test of several writers. */
import { parentPort, workerData } from 'node:worker_threads'
import { hashWord } from '../../src/balance/hash.js'
import { NOTHING, StickyTable } from '../../src/cells/sticky-table.js'
import { Region } from '../../src/kernel/region.js'

export interface StickyWriterData {
  readonly buffer: SharedArrayBuffer
  readonly seed: number
}

export interface StickyWriterOutcome {
  /** Values that were found, and those of other keys among them. */
  readonly found: number
  readonly wrong: number
}

/** More than fit in the table, so that writers contend for its entries. */
const KEYS = 200
const ROUNDS = 300_000

const firstOf = (key: number) => hashWord(key, 1)
const secondOf = (key: number) => hashWord(key, 2)
/** The upper bits tell which key it belongs to. */
const valueFor = (key: number, variant: number) => (hashWord(key, 3) & ~7) | 4 | (variant & 3)

const { buffer, seed }: StickyWriterData = workerData
const bytes = new Uint8Array(buffer)
const table = new StickyTable(new Region(0, bytes.byteLength, bytes), 60_000)
let found = 0
let wrong = 0
for (let i = 0; i < ROUNDS; i++) {
  const random = hashWord(i, seed) >>> 0
  const key = random % KEYS
  const nowMs = i / 10
  if ((random & 0x10_0000) !== 0) {
    table.put(firstOf(key), secondOf(key), valueFor(key, random >>> 24), nowMs)
    continue
  }
  const value = table.find(firstOf(key), secondOf(key), nowMs)
  if (value === NOTHING) continue
  found++
  if ((value & ~3) !== valueFor(key, 0)) wrong++
}
const outcome: StickyWriterOutcome = { found, wrong }
parentPort?.postMessage(outcome)
