/**
 * The tables in shared memory as their users access them: `HeadCells` in the head, `openCells` in processes and
 * threads that relay. Read `layout.ts` first.
 */
import {
  closeMemory,
  mapReadOnly,
  mapShared,
  openSharedMemory,
  sealSize,
  sealWrites,
  unmap,
} from '../kernel/memory.js'
import { heapRegion, type Region } from '../kernel/region.js'
import {
  COUNTERS,
  DECISION_BYTES,
  DECISIONS_MAX,
  LAYOUT_VERSION,
  type Layout,
  LISTENER_COUNTERS,
  layoutOf,
  NO_LIMIT,
  placeCount,
  REMOTE_COUNTERS,
  RING_HEAD_BYTES,
  rowBytes,
  type Shape,
} from './layout.js'
import { POLICY_COLUMNS, type PolicyMemory, policyMemory } from './policy-memory.js'

/** The tables that the head and all its children can read. */
export interface Cells {
  readonly layout: Layout
  /** One number: 1 while the head may start more children. Written by the head only. */
  readonly mayGrow: Int32Array
  /** Per remote slot: 1 while it is down. Written by the head only. */
  readonly verdict: Int32Array
  /** Per remote slot: when its last outage ended, CLOCK_MONOTONIC ms; 0: none. Written by the head only. */
  readonly upAtMs: Float64Array
  /** Per place: the most sessions, or NO_LIMIT. Written by the head only. */
  readonly useMax: Int32Array
  /** Sessions of all children per place. Change with `Places` only. Untrusted: any child can write any value. */
  readonly use: Int32Array
  /** Per remote slot: what policies remember. Untrusted: `balance/shared-numbers.ts` checks it. */
  readonly policies: PolicyMemory
  /** The counters of the child of a slot, in the order of COUNTERS. Untrusted: read them with `countIn`. */
  countersOf(slot: number): Float64Array
  /** Per listener: how many sessions of the child of a slot have ended. Untrusted: read them with `countIn`. */
  listenersEndedOf(slot: number): Float64Array
  /** Per pool: since when the first client waits in the child of a slot; 0: none. Untrusted. */
  queuedSinceOf(slot: number): Float64Array
}

/** The rows of one child. */
export interface ChildCells {
  /** Its sessions per place. */
  readonly use: Int32Array
  readonly retryAtMs: Float64Array
  /** In the order of COUNTERS. */
  readonly counters: Float64Array
  /** A row of LISTENER_COUNTERS for each listener slot. */
  readonly listenerCounters: Float64Array
  /** A row of REMOTE_COUNTERS for each remote slot. */
  readonly remoteCounters: Float64Array
  /** DECISIONS_MAX records of DECISION_BYTES. */
  readonly decisions: Uint8Array
  readonly ringHead: Int32Array
  readonly ringBytes: Uint8Array
}

/** The descriptors that a process needs to open the cells as the child of one slot. */
export interface CellFds {
  readonly head: number
  readonly common: number
  readonly own: number
}

/** The memory that only one child can write. */
interface OwnMemory {
  readonly rows: ChildCells
  /** Undefined after `handedOver`. */
  fd: number | undefined
  free(): void
}

/** Readings of a sum until it counts as wrong: this thread may be interrupted between two loads. */
const DRIFT_READINGS = 8

/** Makes the memory of one child; without a descriptor in `localCells`. Throws when none is available. */
type MakeOwn = (byteLength: number) => { region: Region; fd: number | undefined; free: () => void }

/** The cells in the head, which creates them and validates everything that children write. */
export class HeadCells implements Cells {
  readonly layout: Layout
  readonly mayGrow: Int32Array
  readonly verdict: Int32Array
  readonly upAtMs: Float64Array
  readonly useMax: Int32Array
  readonly use: Int32Array
  readonly policies: PolicyMemory
  /** By place: how far `use` was from the sum of the rows at the last check. */
  readonly #drifts: Int32Array
  readonly #common: Region
  readonly #makeOwn: MakeOwn
  /** By slot of the existing children. */
  readonly #own = new Map<number, OwnMemory>()

  constructor(shape: Shape, head: Region, common: Region, makeOwn: MakeOwn) {
    this.layout = layoutOf(shape)
    // `openCells` compares them, so that no child uses tables of another version or shape.
    wordsIn(head, this.layout).set(wordsOf(shape))
    this.mayGrow = mayGrowIn(head, this.layout)
    this.verdict = verdictIn(head, this.layout)
    this.upAtMs = upAtIn(head, this.layout)
    this.useMax = useMaxIn(head, this.layout).fill(NO_LIMIT)
    this.use = useIn(common, this.layout)
    this.policies = policiesIn(common, this.layout)
    this.#drifts = new Int32Array(this.use.length)
    this.#common = common
    this.#makeOwn = makeOwn
  }

  countersOf(slot: number): Float64Array {
    return countersIn(this.#common, this.layout, slot)
  }

  listenersEndedOf(slot: number): Float64Array {
    return listenersEndedIn(this.#common, this.layout, slot)
  }

  queuedSinceOf(slot: number): Float64Array {
    return queuedSinceIn(this.#common, this.layout, slot)
  }

  /** The rows of a child: zeroed at first, kept until `giveBack`. Throws when no memory is available. */
  child(slot: number): ChildCells {
    return this.#memoryOf(slot).rows
  }

  /** The descriptor of a child's own memory, for the process that becomes this child. */
  fdOf(slot: number): number {
    const { fd } = this.#memoryOf(slot)
    if (fd === undefined) throw new Error(`the memory of child ${slot} was already handed over`)
    return fd
  }

  /** Closes the head's descriptor, after the child has received its own copy. */
  handedOver(slot: number): void {
    const memory = this.#memoryOf(slot)
    if (memory.fd !== undefined) closeMemory(memory.fd)
    memory.fd = undefined
  }

  /**
   * Subtracts the sessions of a dead child from `use` and frees its memory; the next child of the slot gets new
   * memory.
   */
  giveBack(slot: number): void {
    // These are in common memory, which the next child of the slot uses too.
    for (const row of [this.countersOf(slot), this.listenersEndedOf(slot), this.queuedSinceOf(slot)])
      row.fill(0)
    const memory = this.#own.get(slot)
    if (memory === undefined) return
    // The row is untrusted; `checkUse` corrects a sum that it made wrong.
    for (const [place, held] of memory.rows.use.entries()) Atomics.sub(this.use, place, held)
    this.handedOver(slot)
    this.#own.delete(slot)
    memory.free()
  }

  /**
   * Corrects `use` where it differs from the sum of the children's rows, and returns the number of corrected places.
   * A child updates its row and the sum in two steps, so each may be off by one. Such a small difference is corrected if
   * the next check finds it again: the child was killed between the steps. `heldMax` is the most that one child can hold.
   */
  checkUse(heldMax: number): number {
    let corrected = 0
    const rows = [...this.#own.values()].map(({ rows }) => rows.use)
    for (let place = 0; place < this.use.length; place++) {
      const drift = this.#driftOf(place, rows, heldMax)
      const isLasting = drift === this.#drifts[place]
      this.#drifts[place] = drift
      if (drift === 0 || (Math.abs(drift) <= rows.length && !isLasting)) continue
      Atomics.sub(this.use, place, drift)
      this.#drifts[place] = 0
      corrected++
    }
    return corrected
  }

  /** The smallest of several differences: while it is read, children change the sum and their rows. */
  #driftOf(place: number, rows: readonly Int32Array[], heldMax: number): number {
    let smallest = Number.POSITIVE_INFINITY
    for (let reading = 0; reading < DRIFT_READINGS && smallest !== 0; reading++) {
      const present = Atomics.load(this.use, place)
      const sum = rows.reduce((held, use) => held + Math.min(Math.max(0, use[place] ?? 0), heldMax), 0)
      if (Math.abs(present - sum) < Math.abs(smallest)) smallest = present - sum
    }
    return smallest
  }

  /** Clears what policies remember in a remote slot. */
  forget(slot: number): void {
    for (const column of Object.values(this.policies)) column[slot] = 0
  }

  /** Copies what policies remember from a slot of other cells; those who read it check it. */
  remember(slot: number, { policies }: Cells, there: number): void {
    for (const name of POLICY_COLUMNS) this.policies[name][slot] = policies[name][there] as number
  }

  /** Frees the memory of all children. */
  freeAll(): void {
    for (const slot of [...this.#own.keys()]) this.giveBack(slot)
  }

  #memoryOf(slot: number): OwnMemory {
    const known = this.#own.get(slot)
    if (known !== undefined) return known
    const { fd, free, region } = this.#makeOwn(this.layout.own.byteLength)
    const memory = { rows: rowsIn(region, this.layout, this.countersOf(slot)), fd, free }
    this.#own.set(slot, memory)
    return memory
  }
}

export interface CreatedCells {
  readonly cells: HeadCells
  /** The descriptors for the process or thread that becomes the child of a slot. */
  fdsOf(slot: number): CellFds
  /** Frees the memory; no row may be used afterwards. */
  close(): void
}

/** Creates the memory. Throws when the system has no memory or no descriptor left. */
export function createCells(shape: Shape): CreatedCells {
  const { common, head } = layoutOf(shape)
  const ofHead = createMemory('tcprelay-cells', head.byteLength)
  const ofAll = createBeside(ofHead, 'tcprelay-common', common.byteLength)
  const cells = new HeadCells(shape, ofHead.region, ofAll.region, (byteLength) => {
    const own = createMemory('tcprelay-own', byteLength)
    sealSize(own.fd)
    return { ...own, free: () => unmap(own.region) }
  })
  // The head has mapped it already; from now on it can only be mapped for reading.
  sealWrites(ofHead.fd)
  sealSize(ofAll.fd)
  return {
    cells,
    fdsOf: (slot) => ({ head: ofHead.fd, common: ofAll.fd, own: cells.fdOf(slot) }),
    close() {
      cells.freeAll()
      for (const { fd, region } of [ofHead, ofAll]) {
        closeMemory(fd)
        unmap(region)
      }
    },
  }
}

interface Memory {
  readonly fd: number
  readonly region: Region
}

/** As `createMemory`; if that throws, `other` is freed. */
function createBeside(other: Memory, name: string, byteLength: number): Memory {
  try {
    return createMemory(name, byteLength)
  } catch (error) {
    closeMemory(other.fd)
    unmap(other.region)
    throw error
  }
}

function createMemory(name: string, byteLength: number): Memory {
  const fd = openSharedMemory(name, byteLength)
  try {
    return { fd, region: mapShared(fd, byteLength) }
  } catch (error) {
    closeMemory(fd)
    throw error
  }
}

/** The memory as a relaying thread or process maps it. */
export interface OpenedCells extends Cells {
  readonly own: ChildCells
  /** Unmaps everything; no row may be used afterwards. */
  unmap(): void
}

/** Maps the memory of `createCells` as the child of a slot. Throws when its version or shape differs. */
export function openCells(fds: CellFds, shape: Shape, slot: number): OpenedCells {
  const layout = layoutOf(shape)
  const head = mapReadOnly(fds.head, layout.head.byteLength)
  const found = wordsIn(head, layout).join()
  if (found !== wordsOf(shape).join()) {
    unmap(head)
    throw new Error(`shared memory has layout ${found}, expected ${wordsOf(shape).join()}`)
  }
  const common = mapShared(fds.common, layout.common.byteLength)
  const own = mapShared(fds.own, layout.own.byteLength)
  return {
    layout,
    mayGrow: mayGrowIn(head, layout),
    verdict: verdictIn(head, layout),
    upAtMs: upAtIn(head, layout),
    useMax: useMaxIn(head, layout),
    use: useIn(common, layout),
    policies: policiesIn(common, layout),
    countersOf: (other) => countersIn(common, layout, other),
    listenersEndedOf: (other) => listenersEndedIn(common, layout, other),
    queuedSinceOf: (other) => queuedSinceIn(common, layout, other),
    own: rowsIn(own, layout, countersIn(common, layout, slot)),
    unmap() {
      for (const region of [head, common, own]) unmap(region)
    },
  }
}

/** Cells in memory of the calling thread only, for pools that serve nobody: in tests of routes, and in unit tests. */
export function localCells(shape: Shape): HeadCells {
  const { common, head } = layoutOf(shape)
  return new HeadCells(shape, heapRegion(head.byteLength), heapRegion(common.byteLength), (byteLength) => {
    return { region: heapRegion(byteLength), fd: undefined, free: () => {} }
  })
}

/** What both sides must agree on before they share the tables. */
function wordsOf(shape: Shape): number[] {
  return [LAYOUT_VERSION, shape.children, shape.remotes, shape.listeners, shape.pools, shape.ringBytes]
}

function wordsIn(head: Region, layout: Layout): Int32Array {
  return int32(head, layout.head.words, wordsOf(layout.shape).length)
}

function mayGrowIn(head: Region, layout: Layout): Int32Array {
  return int32(head, layout.head.mayGrow, 1)
}

function verdictIn(head: Region, { head: { verdict }, shape }: Layout): Int32Array {
  return int32(head, verdict, shape.remotes)
}

function upAtIn(head: Region, { head: { upAt }, shape }: Layout): Float64Array {
  return float64(head, upAt, shape.remotes)
}

function useMaxIn(head: Region, { head: { useMax }, shape }: Layout): Int32Array {
  return int32(head, useMax, placeCount(shape))
}

function useIn(common: Region, { common: { use }, shape }: Layout): Int32Array {
  return int32(common, use, placeCount(shape))
}

function countersIn(common: Region, layout: Layout, slot: number): Float64Array {
  const { length } = COUNTERS
  return float64(common, layout.common.counters + slot * rowBytes(length * 8), length)
}

function listenersEndedIn(common: Region, { common: at, shape }: Layout, slot: number): Float64Array {
  const { listeners } = shape
  return float64(common, at.listenersEnded + slot * rowBytes(listeners * 8), listeners)
}

function queuedSinceIn(common: Region, { common: at, shape }: Layout, slot: number): Float64Array {
  const { pools } = shape
  return float64(common, at.queuedSince + slot * rowBytes(pools * 8), pools)
}

function policiesIn(common: Region, { common: at, shape }: Layout): PolicyMemory {
  const { remotes } = shape
  return policyMemory((index) => float64(common, at.policies + index * rowBytes(remotes * 8), remotes))
}

function rowsIn(own: Region, { own: at, shape }: Layout, counters: Float64Array): ChildCells {
  return {
    use: int32(own, at.use, placeCount(shape)),
    retryAtMs: float64(own, at.retryAt, shape.remotes),
    counters,
    listenerCounters: float64(own, at.listenerCounters, shape.listeners * LISTENER_COUNTERS.length),
    remoteCounters: float64(own, at.remoteCounters, shape.remotes * REMOTE_COUNTERS.length),
    decisions: own.part(at.decisions, DECISIONS_MAX * DECISION_BYTES).bytes,
    ringHead: int32(own, at.ring, RING_HEAD_BYTES / 4),
    ringBytes: own.part(at.ring + RING_HEAD_BYTES, shape.ringBytes).bytes,
  }
}

function int32(region: Region, offset: number, count: number): Int32Array {
  const { buffer, byteOffset } = region.part(offset, count * 4).bytes
  return new Int32Array(buffer, byteOffset, count)
}

function float64(region: Region, offset: number, count: number): Float64Array {
  const { buffer, byteOffset } = region.part(offset, count * 8).bytes
  return new Float64Array(buffer, byteOffset, count)
}
