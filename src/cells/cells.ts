import { mapShared, openSharedMemory, unmap } from '../kernel/memory.js'
import { heapRegion, type Region } from '../kernel/region.js'
import {
  COUNTERS,
  LAYOUT_VERSION,
  type Layout,
  layoutOf,
  RING_HEAD_BYTES,
  rowBytes,
  type Shape,
} from './layout.js'

/** The shared memory as one child and its head see it. */
export interface Cells {
  readonly layout: Layout
  /** One number: 1 while the head may start more children. */
  readonly mayGrow: Int32Array
  /** Per remote slot: 1 while it is down. */
  readonly verdict: Int32Array
  /** Sessions of all children per remote slot. Change with Atomics only. */
  readonly use: Int32Array
  child(slot: number): ChildCells
}

/** The rows of one child. */
export interface ChildCells {
  readonly use: Int32Array
  readonly retryAtMs: Float64Array
  /** In the order of COUNTERS. */
  readonly counters: Float64Array
  readonly ringHead: Int32Array
  readonly ringBytes: Uint8Array
}

export interface CreatedCells {
  readonly fd: number
  readonly cells: Cells
  /** Gives the memory back; no row may be looked at afterwards. */
  unmap(): void
}

/** Makes the memory; `fd` is for `openCells` in other threads and processes. */
export function createCells(shape: Shape): CreatedCells {
  const layout = layoutOf(shape)
  const fd = openSharedMemory('tcprelay-cells', layout.byteLength)
  const region = mapShared(fd, layout.byteLength)
  headIn(region, layout).set(headWords(shape))
  return { fd, cells: cellsIn(region, layout), unmap: () => unmap(region) }
}

/** The memory as another thread or process has mapped it. */
export interface OpenedCells extends Cells {
  /** Gives the mapping back; no row may be looked at afterwards. */
  unmap(): void
}

/** Maps memory that `createCells` made. Throws when it has another version or shape. */
export function openCells(fd: number, shape: Shape): OpenedCells {
  const layout = layoutOf(shape)
  const region = mapShared(fd, layout.byteLength)
  const found = headIn(region, layout).join()
  if (found !== headWords(shape).join()) {
    unmap(region)
    throw new Error(`shared memory of another version: ${found} instead of ${headWords(shape).join()}`)
  }
  return { ...cellsIn(region, layout), unmap: () => unmap(region) }
}

/** Cells in memory of this thread alone, for tests. */
export function localCells(shape: Shape): Cells {
  const layout = layoutOf(shape)
  return cellsIn(heapRegion(layout.byteLength), layout)
}

/** Takes back what a child that has ended held of the remotes, and makes its rows ready for another one. */
export function giveBack(cells: Cells, slot: number): void {
  const { counters, retryAtMs, ringHead, use } = cells.child(slot)
  for (const [remote, held] of use.entries()) Atomics.sub(cells.use, remote, held)
  use.fill(0)
  retryAtMs.fill(0)
  counters.fill(0)
  ringHead.fill(0)
}

function headIn(region: Region, layout: Layout): Int32Array {
  return int32(region, layout.head, headWords(layout.shape).length)
}

function headWords(shape: Shape): number[] {
  return [LAYOUT_VERSION, shape.children, shape.remotes, shape.listeners, shape.ringBytes]
}

/** Only the rows that are asked for are looked at: the memory may have room for hundreds of children. */
function cellsIn(region: Region, layout: Layout): Cells {
  const { remotes, ringBytes } = layout.shape
  return {
    layout,
    mayGrow: int32(region, layout.mayGrow, 1),
    verdict: int32(region, layout.verdict, remotes),
    use: int32(region, layout.use, remotes),
    child(slot) {
      const ring = layout.ring + slot * layout.ringStride
      const at = (table: number, bytes: number) => table + slot * rowBytes(bytes)
      return {
        use: int32(region, at(layout.useByChild, remotes * 4), remotes),
        retryAtMs: float64(region, at(layout.retryAt, remotes * 8), remotes),
        counters: float64(region, at(layout.counters, COUNTERS.length * 8), COUNTERS.length),
        ringHead: int32(region, ring, RING_HEAD_BYTES / 4),
        ringBytes: region.part(ring + RING_HEAD_BYTES, ringBytes).bytes,
      }
    },
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
