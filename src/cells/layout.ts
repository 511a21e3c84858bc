/**
 * The layout of the shared memory of threads and processes: every table, its writer and its offset. Start reading
 * this folder here; `cells.ts` maps the memory. Any change here is a new version; a process rejects memory of another
 * version.
 *
 * A child may be compromised and write anything, so the tables are separated into three kinds of memory by their
 * writers:
 *
 * | memory | a child maps it | table | row | writer | kind |
 * |---|---|---|---|---|---|
 * | `head` | read-only, sealed | `words` | one | the head, once | Int32: version, children, remotes, listeners, ring bytes |
 * | | | `mayGrow` | one | the head | Int32: 1 while there may be more children |
 * | | | `verdict` | remote | the head | Int32: UP, DOWN or EXCLUDED of `base/verdict.ts` |
 * | | | `upAt` | remote | the head | Float64: CLOCK_MONOTONIC ms at the end of its last outage, where slow start begins; 0 = no outage yet |
 * | | | `useMax` | place | the head | Int32: most sessions, NO_LIMIT for any number |
 * | `common` | writable | `use` | place | children, several writers | Int32 with Atomics: sessions of all children |
 * | | | `counters` | child × COUNTERS | that child | Float64 |
 * | | | `listenersEnded` | child × listener | that child | Float64: sessions that have ended, of clients that its master accepted; only where the listener has a limit |
 * | | | `queuedSince` | child × pool | that child | Float64: CLOCK_MONOTONIC ms at which the first of its waiting clients was queued, 0 = none |
 * | | | `policies` | POLICY_COLUMNS × remote | children, several writers | Float64: what policies remember, `policy-memory.ts`; the head clears a slot that gets another name |
 * | `own`, one for each child | writable, by this child alone | `use` | place | that child | Int32: its sessions; subtracted from the common `use` when the child dies |
 * | | | `retryAt` | remote | that child | Float64: CLOCK_MONOTONIC ms until which the child does not try it, 0 = usable |
 * | | | `listenerCounters` | listener × LISTENER_COUNTERS | that child, or the front of a master | Float64 |
 * | | | `remoteCounters` | remote × REMOTE_COUNTERS | that child | Float64 |
 * | | | `decisions` | DECISIONS_MAX | that child | 64 bytes: its last choices of remotes, `observe/decision-ring.ts` |
 * | | | `ring` | one | that child; the head reads and moves `tail` | Int32 heads with Atomics, then bytes |
 * | `sticky`, one for each sticky pool | writable | entries | hash of a client | children, several writers | Int32 with Atomics: `sticky-table.ts` |
 * | `limit`, one for each limit | writable | entries | hash of a key | children, several writers | Int32 with Atomics: `limit-table.ts` |
 * | `held`, one for each child | writable, by this child alone | sessions | entry of each limit | that child | Int32; given back in `limit` when the child dies |
 *
 * Places are what sessions are counted for and may be limited: remotes, listeners, pools and the queues of pools, in this
 * order (`listenerPlace`, `poolPlace`, `queuePlace`; the place of a remote is its slot).
 *
 * Readers of `common`, of `sticky`, of `limit` and of another process' `own` check what they read (`countIn`, `LogRingReader`,
 * `DecisionReader`, `balance/shared-numbers.ts`). The memory of a child ends with it; `services/counter-keeper.ts` keeps
 * what it had counted.
 */
import { POLICY_COLUMNS } from './policy-memory.js'

export const LAYOUT_VERSION = 21

/** The counters of a child: sums since its start, and gauges, which end in `Now`. */
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
  'cutOnRecovery',
  'cutOnDown',
  'shed',
  'drained',
  'acceptPauses',
  'logLinesDropped',
  'tlsErrors',
  // Connections that could have used Multipath TCP and fell back to TCP.
  'mptcpFallbacks',
  // Clients that waited because all remotes were full, those that wait now, and those that were rejected for it.
  'queued',
  'queuedNow',
  'queueTimeouts',
  'queueFull',
  // Clients that were rejected because another attempt would have been more than `attempts max`, or than the retry budget.
  'attemptsMaxReached',
  'retryBudgetSpent',
  // Connections without a valid PROXY header, and those that were closed without a byte: health checks.
  'badProxyHeaders',
  'proxyChecks',
  // Attempts at a second remote beside a slow one, and those of them that were connected first.
  'hedges',
  'hedgesWon',
  // Queries to the MAVIS modules, and rejected clients by reason.
  'mavisAsked',
  'mavisDenied',
  'mavisNotFound',
  'mavisNotMember',
  'mavisErrors',
  'mavisTimeouts',
  'mavisNoIdentity',
  'mavisBusy',
  // Limit of sessions of a child that accepts by itself; 0 otherwise. Of a master that accepts: of all its children.
  'placesNow',
  // Clients that access rules of their listener or of their route rejected; `rejected` has those of the section.
  'rejectedByListener',
  'rejectedByRoute',
  // Connections to listeners with STARTTLS that ended before TLS, because the client did not ask for it.
  'badStarttls',
  // Clients that a `limit` rejected: by its number of sessions, its rate, after waiting in vain, because of a ban.
  'limitedConnections',
  'limitedRate',
  'limitTimeouts',
  'banned',
  // Sources that were banned, and clients that were not limited because a table was full of keys with sessions.
  'bans',
  'limitsUntracked',
  // Rejected clients whose connections are held (`tarpit`), and clients that wait for a limit (`queue`).
  'tarpitNow',
  'limitWaitingNow',
  // Sessions that ended by `first byte timeout`, `max lifetime` and `min rate`.
  'firstByteTimeouts',
  'lifetimesEnded',
  'tooSlow',
] as const
export type CounterName = (typeof COUNTERS)[number]

/** What a child counts per listener; the words are those of COUNTERS. */
export const LISTENER_COUNTERS = [
  'accepted',
  'rejected',
  'turnedAway',
  'ended',
  'sessionsNow',
  'bytesToRemote',
  'bytesToClient',
  // The relay, or its remotes, could not serve the client.
  'notServed',
  // MAVIS did not let the client in, for whatever reason.
  'denied',
  // A `limit` rejected the client, for whatever reason.
  'limited',
] as const
export type ListenerCounterName = (typeof LISTENER_COUNTERS)[number]

/** What a child counts per remote. Its present sessions are `use`. */
export const REMOTE_COUNTERS = [
  'attempts',
  'attemptsFailed',
  // Sessions that it has taken, and those of them that have ended.
  'sessions',
  'ended',
  'bytesToRemote',
  'bytesToClient',
  // Sessions that it reset, and those that ended because it stopped answering or broke TLS.
  'resets',
  'lost',
] as const
export type RemoteCounterName = (typeof REMOTE_COUNTERS)[number]

export interface Shape {
  readonly children: number
  readonly remotes: number
  readonly listeners: number
  readonly pools: number
  /** Bytes of one child's log ring; a power of two is not needed. */
  readonly ringBytes: number
}

/** The limit of a place that has none. */
export const NO_LIMIT = 2 ** 31 - 1

export function placeCount({ listeners, pools, remotes }: Shape): number {
  return remotes + listeners + 2 * pools
}

export function listenerPlace({ remotes }: Shape, slot: number): number {
  return remotes + slot
}

export function poolPlace({ listeners, remotes }: Shape, slot: number): number {
  return remotes + listeners + slot
}

/** The place of clients that wait for a remote of the pool. */
export function queuePlace({ listeners, pools, remotes }: Shape, slot: number): number {
  return remotes + listeners + pools + slot
}

/** Byte offsets of the tables in each memory. */
export interface Layout {
  readonly shape: Shape
  readonly head: {
    readonly words: number
    readonly mayGrow: number
    readonly verdict: number
    readonly upAt: number
    readonly useMax: number
    readonly byteLength: number
  }
  readonly common: {
    readonly use: number
    readonly counters: number
    readonly listenersEnded: number
    readonly queuedSince: number
    readonly policies: number
    readonly byteLength: number
  }
  readonly own: {
    readonly use: number
    readonly retryAt: number
    readonly listenerCounters: number
    readonly remoteCounters: number
    readonly decisions: number
    readonly ring: number
    readonly byteLength: number
  }
}

/** Int32 words at the start of a ring: write position, read position, whether the reader sleeps, spare. */
export const RING_HEAD_BYTES = 16

/** Decisions that a child keeps, bytes of each, and room for its numbers of skipped remotes. */
export const DECISIONS_MAX = 1_000
export const DECISION_BYTES = 64
export const SKIP_COUNTS_MAX = 12

/** Tables of different writers must not share a cache line (false sharing); 64 bytes on x86-64 and arm64. */
const LINE_BYTES = 64

export function layoutOf(shape: Shape): Layout {
  const useBytes = placeCount(shape) * 4
  return {
    shape,
    head: placed({
      words: 6 * 4,
      mayGrow: 4,
      verdict: shape.remotes * 4,
      upAt: shape.remotes * 8,
      useMax: useBytes,
    }),
    common: placed({
      use: useBytes,
      counters: shape.children * rowBytes(COUNTERS.length * 8),
      listenersEnded: shape.children * rowBytes(shape.listeners * 8),
      queuedSince: shape.children * rowBytes(shape.pools * 8),
      policies: POLICY_COLUMNS.length * rowBytes(shape.remotes * 8),
    }),
    own: placed({
      use: useBytes,
      retryAt: shape.remotes * 8,
      listenerCounters: shape.listeners * LISTENER_COUNTERS.length * 8,
      remoteCounters: shape.remotes * REMOTE_COUNTERS.length * 8,
      decisions: DECISIONS_MAX * DECISION_BYTES,
      ring: RING_HEAD_BYTES + shape.ringBytes,
    }),
  }
}

/** Places tables of these sizes one after the other, on cache-line boundaries. Returns their offsets. */
function placed<T extends string>(sizes: Record<T, number>): Record<T | 'byteLength', number> {
  const offsets: Record<string, number> = {}
  let byteLength = 0
  for (const [table, size] of Object.entries<number>(sizes)) {
    offsets[table] = byteLength
    byteLength += rowBytes(size)
  }
  return { ...offsets, byteLength } as Record<T | 'byteLength', number>
}

/** The length of a row, rounded up to whole cache lines. */
export function rowBytes(byteLength: number): number {
  return Math.ceil(byteLength / LINE_BYTES) * LINE_BYTES
}
