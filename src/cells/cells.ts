import { mapShared, openSharedMemory } from '../kernel/memory.js'
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

/** Makes the memory; `fd` is for `openCells` in other threads and processes. */
export function createCells(shape: Shape): { readonly fd: number; readonly cells: Cells } {
  const layout = layoutOf(shape)
  const fd = openSharedMemory('tcprelay-cells', layout.byteLength)
  const buffer = mapShared(fd, layout.byteLength).bytes.buffer as ArrayBuffer
  new Int32Array(buffer, layout.head, 5).set(headWords(shape))
  return { fd, cells: cellsIn(buffer, layout) }
}

/** Maps memory that `createCells` made. Throws when it has another version or shape. */
export function openCells(fd: number, shape: Shape): Cells {
  const layout = layoutOf(shape)
  const buffer = mapShared(fd, layout.byteLength).bytes.buffer as ArrayBuffer
  const found = new Int32Array(buffer, layout.head, 5).join()
  if (found !== headWords(shape).join()) {
    throw new Error(`shared memory of another version: ${found} instead of ${headWords(shape).join()}`)
  }
  return cellsIn(buffer, layout)
}

/** Cells in memory of this thread alone, for tests. */
export function localCells(shape: Shape): Cells {
  const layout = layoutOf(shape)
  return cellsIn(new ArrayBuffer(layout.byteLength), layout)
}

function headWords(shape: Shape): number[] {
  return [LAYOUT_VERSION, shape.children, shape.remotes, shape.listeners, shape.ringBytes]
}

function cellsIn(buffer: ArrayBuffer, layout: Layout): Cells {
  const { remotes, ringBytes } = layout.shape
  return {
    layout,
    use: new Int32Array(buffer, layout.use, remotes),
    child(slot) {
      const ring = layout.ring + slot * layout.ringStride
      const at = (table: number, bytes: number) => table + slot * rowBytes(bytes)
      return {
        use: new Int32Array(buffer, at(layout.useByChild, remotes * 4), remotes),
        retryAtMs: new Float64Array(buffer, at(layout.retryAt, remotes * 8), remotes),
        counters: new Float64Array(buffer, at(layout.counters, COUNTERS.length * 8), COUNTERS.length),
        ringHead: new Int32Array(buffer, ring, RING_HEAD_BYTES / 4),
        ringBytes: new Uint8Array(buffer, ring + RING_HEAD_BYTES, ringBytes),
      }
    },
  }
}
