/** The limit of open descriptors (RLIMIT_NOFILE, getrlimit(2)). */
import { readdirSync } from 'node:fs'
import { RLIMIT_NOFILE } from './constants.js'
import { nativeFunction } from './ffi.js'
import { mapPrivate } from './memory.js'

/** struct rlimit: two 64-bit integers, the soft limit first. */
const RLIMIT_BYTES = 16

type Rlimit = (resource: number, limit: bigint) => number

/**
 * Sets the soft limit to the hard limit, as the original does, or to `most` if that is lower: then the kernel rejects
 * descriptors that select(2) could not handle. Returns the new limit.
 */
export function raiseDescriptorLimit(most = Number.POSITIVE_INFINITY): number {
  const { limit, pointer } = readLimit()
  const [soft = 0n] = limit
  // Exact as a number: the kernel keeps the hard limit of descriptors at or below fs.nr_open, less than 2^31.
  const wanted = BigInt(allowedDescriptors(most))
  if (soft === wanted) return Number(soft)
  const setrlimit = nativeFunction<Rlimit>('int setrlimit(int resource, uintptr_t limit)')
  // Only the soft limit changes: a hard limit that is lowered cannot be raised again.
  limit[0] = wanted
  return Number(setrlimit(RLIMIT_NOFILE, pointer) < 0 ? soft : wanted)
}

/** The limit that `raiseDescriptorLimit` would set. Changes nothing. */
export function allowedDescriptors(most = Number.POSITIVE_INFINITY): number {
  return Math.min(most, Number(readLimit().limit[1]))
}

/** The soft limit. */
export function descriptorLimit(): number {
  return Number(readLimit().limit[0])
}

/** Mapped once per thread and never freed. */
let known: { readonly limit: BigUint64Array; readonly pointer: bigint } | undefined

/** The soft and the hard limit, in memory that is reused. */
function readLimit() {
  const getrlimit = nativeFunction<Rlimit>('int getrlimit(int resource, uintptr_t limit)')
  if (known === undefined) {
    const { bytes, pointer } = mapPrivate(RLIMIT_BYTES)
    known = { limit: new BigUint64Array(bytes.buffer, bytes.byteOffset, 2), pointer }
  }
  getrlimit(RLIMIT_NOFILE, known.pointer)
  return known
}

/** The number of open descriptors of this process. */
export function countOpenDescriptors(): number {
  return readdirSync('/proc/self/fd').length - 1 // without the one that lists the folder
}
