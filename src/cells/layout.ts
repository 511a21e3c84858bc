/**
 * Every table of numbers that threads and processes share, in one place: who writes it, how, and where it lies.
 * A change of anything here is a new version; a process refuses memory of another version.
 *
 * | table | row | writer | kind |
 * |---|---|---|---|
 * | `head` | one | whoever makes the memory, once | Int32: version, children, remotes, listeners, ring bytes |
 * | `mayGrow` | one | the head | Int32: 1 while there may be more children |
 * | `verdict` | remote | the head | Int32: 1 while it is down, as the log has it |
 * | `use` | remote | children, several writers | Int32 with Atomics: sessions of all children |
 * | `useByChild` | child × remote | that child | Int32: its sessions; giving back a dead child's use is zeroing its row |
 * | `retryAt` | child × remote | that child | Float64: CLOCK_MONOTONIC ms before which the child leaves it alone, 0 = usable |
 * | `counters` | child × COUNTERS | that child | Float64 |
 * | `ring` | child | that child; the head reads and moves `tail` | Int32 heads with Atomics, then bytes |
 */
export const LAYOUT_VERSION = 6

/** What a child counts. Sums since its start; gauges end in `Now`. */
export const COUNTERS = [
  'accepted',
  'ended',
  'sessionsNow',
  'bytesToRemote',
  'bytesToClient',
  'attempts',
  'attemptsFailed',
  'endedInOrder',
  'notServed',
  'rejected',
  'turnedAway',
  'resetByClient',
  'resetByRemote',
  'lost',
  'timedOut',
  'cutAtShutdown',
  'acceptPauses',
  'logLinesDropped',
  'tlsErrors',
  // Connections with somebody who might have spoken Multipath TCP, and does not.
  'mptcpFallbacks',
  // Questions to the modules of MAVIS, and clients that were not let in: by reason.
  'mavisAsked',
  'mavisDenied',
  'mavisNotFound',
  'mavisNotMember',
  'mavisErrors',
  'mavisTimeouts',
  'mavisNoIdentity',
  'mavisBusy',
  // Sessions that it takes at most, while it accepts by itself; 0 otherwise. A master that accepts: with all its children.
  'placesNow',
] as const
export type CounterName = (typeof COUNTERS)[number]

export interface Shape {
  readonly children: number
  readonly remotes: number
  readonly listeners: number
  /** Bytes of one child's log ring; a power of two is not needed. */
  readonly ringBytes: number
}

/** Byte offsets of the tables in one block of memory. */
export interface Layout {
  readonly shape: Shape
  readonly head: number
  readonly mayGrow: number
  readonly verdict: number
  readonly use: number
  readonly useByChild: number
  readonly retryAt: number
  readonly counters: number
  readonly ring: number
  /** Bytes from one child's ring to the next. */
  readonly ringStride: number
  readonly byteLength: number
}

/** Int32 words at the head of a ring: write position, read position, reader sleeps, spare. */
export const RING_HEAD_BYTES = 16

/** Tables of different writers never share a cache line. */
const LINE_BYTES = 64

export function layoutOf(shape: Shape): Layout {
  let end = 0
  const table = (byteLength: number): number => {
    const offset = end
    end += Math.ceil(byteLength / LINE_BYTES) * LINE_BYTES
    return offset
  }
  const ringStride = Math.ceil((RING_HEAD_BYTES + shape.ringBytes) / LINE_BYTES) * LINE_BYTES
  return {
    shape,
    head: table(5 * 4),
    mayGrow: table(4),
    verdict: table(shape.remotes * 4),
    use: table(shape.remotes * 4),
    useByChild: table(shape.children * rowBytes(shape.remotes * 4)),
    retryAt: table(shape.children * rowBytes(shape.remotes * 8)),
    counters: table(shape.children * rowBytes(COUNTERS.length * 8)),
    ring: table(shape.children * ringStride),
    ringStride,
    byteLength: end,
  }
}

/** A child's row takes whole cache lines. */
export function rowBytes(byteLength: number): number {
  return Math.ceil(byteLength / LINE_BYTES) * LINE_BYTES
}
