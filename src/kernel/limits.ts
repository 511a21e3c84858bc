import { readdirSync } from 'node:fs'
import { RLIMIT_NOFILE } from './constants.js'
import { nativeFunction } from './ffi.js'
import { mapPrivate } from './memory.js'

/** struct rlimit: two 64-bit numbers, the soft limit first. */
const RLIMIT_BYTES = 16

type Rlimit = (resource: number, limit: bigint) => number

/**
 * Raises the soft limit of open descriptors to the hard one, as the original does, but not beyond `most`, where it is cut:
 * then the kernel itself refuses what could not be used. Answers the limit.
 */
export function raiseDescriptorLimit(most = Number.POSITIVE_INFINITY): number {
  const { limit, pointer } = readLimit()
  const [soft = 0n] = limit
  const wanted = BigInt(allowedDescriptors(most))
  if (soft === wanted) return Number(soft)
  const setrlimit = nativeFunction<Rlimit>('int setrlimit(int resource, uintptr_t limit)')
  limit[0] = wanted
  return Number(setrlimit(RLIMIT_NOFILE, pointer) < 0 ? soft : wanted)
}

/** What `raiseDescriptorLimit` would make of the limit, which stays as it is. */
export function allowedDescriptors(most = Number.POSITIVE_INFINITY): number {
  return Math.min(most, Number(readLimit().limit[1]))
}

/** How many descriptors the process may have open. */
export function descriptorLimit(): number {
  return Number(readLimit().limit[0])
}

let known: { readonly limit: BigUint64Array; readonly pointer: bigint } | undefined

/** The soft limit and the hard one, where the system has left them. */
function readLimit() {
  const getrlimit = nativeFunction<Rlimit>('int getrlimit(int resource, uintptr_t limit)')
  if (known === undefined) {
    const { bytes, pointer } = mapPrivate(RLIMIT_BYTES)
    known = { limit: new BigUint64Array(bytes.buffer, bytes.byteOffset, 2), pointer }
  }
  getrlimit(RLIMIT_NOFILE, known.pointer)
  return known
}

/** How many descriptors the process has open now. */
export function countOpenDescriptors(): number {
  return readdirSync('/proc/self/fd').length - 1 // without the one that reads the folder
}
