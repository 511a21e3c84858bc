/** The memory of limits: created by the head, passed to the workers, opened by them. `limit-table.ts` is what lies in it. */
import { createSealedMemory, mapShared, unmap } from '../kernel/memory.js'
import type { Region } from '../kernel/region.js'
import { heldBytes, LimitTable, limitBytes, paidBytes } from './limit-table.js'

/** The memory of a table, as it is passed to the workers. */
export interface LimitShare {
  readonly fd: number
  readonly entries: number
  /** Of the hashes of its keys: unpredictable, or a client could choose an address that evicts another client. */
  readonly seed: number
  /** It limits bytes. */
  readonly limitsBytes: boolean
}

/** The memory of all limits of a configuration. */
export interface LimitMemory {
  /** In the order of the plan. */
  readonly shares: readonly LimitShare[]
  /** Where a child notes its sessions, for all limits; undefined: the worker does not die without the head. */
  readonly heldFd: number | undefined
}

export const NO_LIMITS: LimitMemory = { shares: [], heldFd: undefined }

/** Returns the descriptor of zeroed memory, which nobody can resize. Throws when the system has no memory. */
export function createLimitMemory(byteLength: number): number {
  return createSealedMemory('tcprelay-limit', byteLength)
}

/** The tables of a worker. */
export interface LimitTables {
  /** In the order of the limits. */
  readonly all: readonly LimitTable[]
  /** Unmaps them. */
  close(): void
}

/** Throws when the system has no memory. */
export function openLimitTables({ heldFd, shares }: LimitMemory, childSlot: number): LimitTables {
  const held = heldFd === undefined ? undefined : openHeld(heldFd, shares)
  const regions = shares.map((share) => mapShared(share.fd, memoryBytes(share)))
  return {
    all: shares.map((share, index) => tableIn(regions[index] as Region, share, childSlot, held?.rows[index])),
    close() {
      for (const region of regions) unmap(region)
      if (held !== undefined) unmap(held.region)
    },
  }
}

/** Of the memory of a limit: its table, then the times of its buckets of bytes. */
export function memoryBytes({ entries, limitsBytes }: Pick<LimitShare, 'entries' | 'limitsBytes'>): number {
  return limitBytes(entries) + (limitsBytes ? paidBytes(entries) : 0)
}

function tableIn(
  { bytes }: Region,
  { entries, limitsBytes }: LimitShare,
  childSlot: number,
  held: Int32Array | undefined,
): LimitTable {
  const tableBytes = limitBytes(entries)
  const at = bytes.byteOffset + tableBytes
  const paidUntilMs = limitsBytes ? new Float64Array(bytes.buffer, at, paidBytes(entries) / 8) : undefined
  return new LimitTable(bytes.subarray(0, tableBytes), { childSlot, held, paidUntilMs })
}

type Sizes = readonly Pick<LimitShare, 'entries'>[]

/** Bytes of the notes of one child. */
export function heldBytesOf(shares: Sizes): number {
  return shares.reduce((sum, { entries }) => sum + heldBytes(entries), 0)
}

/** The notes of a child. */
export interface Held {
  readonly region: Region
  /** In the order of the limits: sessions by entry. */
  readonly rows: readonly Int32Array[]
}

/** Maps them. Throws when the system has no memory. */
export function openHeld(fd: number, shares: Sizes): Held {
  const region = mapShared(fd, heldBytesOf(shares))
  const { buffer, byteOffset } = region.bytes
  let offset = byteOffset
  const rows = shares.map(({ entries }) => {
    const row = new Int32Array(buffer, offset, heldBytes(entries) / 4)
    offset += heldBytes(entries)
    return row
  })
  return { region, rows }
}
