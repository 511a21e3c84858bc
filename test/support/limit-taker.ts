/** A worker thread that takes and gives back places of a limit table, for the test of several workers. */
import { parentPort, workerData } from 'node:worker_threads'
import { hashWord } from '../../src/balance/hash.js'
import { MOVED, TAKEN, UNTRACKED } from '../../src/base/limit-taking.js'
import { LimitTable } from '../../src/cells/limit-table.js'

export interface LimitTakerData {
  readonly buffer: SharedArrayBuffer
  /** Sessions by key, as the takers count them. */
  readonly counts: SharedArrayBuffer
  readonly childSlot: number
  /** More of them than the table has entries. */
  readonly keys: number
  readonly max: number
}

export interface LimitTakerOutcome {
  readonly taken: number
  /** A key had more sessions than it may have. */
  readonly tooMany: number
}

const ROUNDS = 200_000
const HELD_MAX = 6

const { buffer, childSlot, counts, keys, max }: LimitTakerData = workerData
const table = new LimitTable(new Uint8Array(buffer), { childSlot, held: undefined })
const sessions = new Int32Array(counts)
const held: { readonly key: number; readonly entry: number }[] = []
let taken = 0
let tooMany = 0

function take(key: number, nowMs: number): void {
  const tag = hashWord(key, 1) || 1
  const entry = table.claim(tag, hashWord(key, 2), nowMs)
  if (entry === UNTRACKED) return
  const taking = table.take(entry, tag, max)
  if (taking === MOVED || taking !== TAKEN) return
  table.use(entry, nowMs)
  taken++
  // After the take, and subtracted before it is given back: never above the count of the table.
  if (Atomics.add(sessions, key, 1) >= max) tooMany++
  held.push({ key, entry })
}

function giveBack(index: number): void {
  const [one] = held.splice(index, 1)
  if (one === undefined) return
  Atomics.sub(sessions, one.key, 1)
  table.giveBack(one.entry)
}

for (let i = 0; i < ROUNDS; i++) {
  const random = hashWord(i, childSlot + 1) >>> 0
  if (held.length < HELD_MAX && (random & 1) === 0) take((random >>> 1) % keys, i)
  else giveBack((random >>> 1) % Math.max(1, held.length))
}
while (held.length > 0) giveBack(0)
parentPort?.postMessage({ taken, tooMany } satisfies LimitTakerOutcome)
