/** TLS of clients that a classic master passes: which contexts its flags ask for. */
import type { TlsVersion } from '../tls/options.js'
import { FLAG_TLS_AUTO, FLAG_TLS_PSK } from '../wire/child-message.js'

/**
 * A classic master says of each client how it is to speak TLS. Each way has a listener slot of its own: bits for the
 * versions, `auto` and keys.
 */
export type HandedOverSlot = number

/** The client speaks no TLS. */
export const PLAIN: HandedOverSlot = 0

const AUTO = 4
const WITH_KEYS = 8
const SLOT_COUNT = 16

/** Its versions are none that are spoken here. */
const UNKNOWN: HandedOverSlot = AUTO

/** What the master has called them by, and the bits here. */
const VERSIONS: readonly (readonly [version: TlsVersion, byte: number, bit: number])[] = [
  ['TLSv1.2', 0x03, 1],
  ['TLSv1.3', 0x04, 2],
]
const ALL_BITS = 3

/** How a client of this slot is to be greeted. */
export interface HandedOverWay {
  readonly versions: readonly TlsVersion[]
  /** It may be plain. */
  readonly isAuto: boolean
  /** It may identify itself by a pre-shared key. */
  readonly hasKeys: boolean
}

/** The slot for what a message says of a client: the packed versions, and the flags. */
export function handedOverSlot(flags: number, tlsVersions: number): HandedOverSlot {
  const isAuto = (flags & FLAG_TLS_AUTO) !== 0
  if (tlsVersions === 0 && !isAuto) return PLAIN
  const bits = tlsVersions === 0 ? ALL_BITS : versionBits(tlsVersions)
  if (bits === 0) return UNKNOWN
  return bits + (isAuto ? AUTO : 0) + ((flags & FLAG_TLS_PSK) === 0 ? 0 : WITH_KEYS)
}

/** All slots in order; undefined for those that mean no way to speak TLS. */
export function handedOverWays(): readonly (HandedOverWay | undefined)[] {
  return Array.from({ length: SLOT_COUNT }, (_, slot) => {
    const versions = VERSIONS.flatMap(([version, , bit]) => ((slot & bit) === 0 ? [] : version))
    if (versions.length === 0) return undefined
    return { versions, isAuto: (slot & AUTO) !== 0, hasKeys: (slot & WITH_KEYS) !== 0 }
  })
}

function versionBits(packed: number): number {
  const bytes = [0, 8, 16, 24].map((shift) => (packed >>> shift) & 0xff)
  return VERSIONS.reduce((bits, [, byte, bit]) => (bytes.includes(byte) ? bits | bit : bits), 0)
}
