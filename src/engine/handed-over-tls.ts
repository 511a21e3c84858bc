/** TLS parameters of clients of a classic master, and the contexts that they select. */
import type { TlsVersion } from '../tls/options.js'
import { FLAG_TLS_AUTO, FLAG_TLS_PSK } from '../wire/child-message.js'

/**
 * The message of a classic master has TLS parameters for each client. Each combination is a listener slot: bits for the
 * versions, `auto` and pre-shared keys.
 */
export type HandedOverSlot = number

/** A client without TLS. */
export const PLAIN: HandedOverSlot = 0

// Bits of a slot, above those of the versions; SLOT_COUNT is the next power of two.
const AUTO = 4
const WITH_KEYS = 8
const SLOT_COUNT = 16

/** None of the versions in the message is supported. */
const UNKNOWN: HandedOverSlot = AUTO

/** The low byte of each version in the message, and its bit in a slot. */
const VERSIONS: readonly (readonly [version: TlsVersion, byte: number, bit: number])[] = [
  ['TLSv1.2', 0x03, 1],
  ['TLSv1.3', 0x04, 2],
]
const ALL_BITS = 3

/** TLS parameters of the clients of a slot. */
export interface HandedOverWay {
  readonly versions: readonly TlsVersion[]
  /** Clients without TLS are accepted too. */
  readonly isAuto: boolean
  /** Pre-shared keys are accepted. */
  readonly hasKeys: boolean
}

/** The slot for the flags and the packed versions of a message. */
export function handedOverSlot(flags: number, tlsVersions: number): HandedOverSlot {
  const isAuto = (flags & FLAG_TLS_AUTO) !== 0
  if (tlsVersions === 0 && !isAuto) return PLAIN
  const bits = tlsVersions === 0 ? ALL_BITS : versionBits(tlsVersions)
  if (bits === 0) return UNKNOWN
  return bits + (isAuto ? AUTO : 0) + ((flags & FLAG_TLS_PSK) === 0 ? 0 : WITH_KEYS)
}

/** All slots in order; undefined for those without TLS. */
export function handedOverWays(): readonly (HandedOverWay | undefined)[] {
  return Array.from({ length: SLOT_COUNT }, (_, slot) => {
    const versions = VERSIONS.flatMap(([version, , bit]) => ((slot & bit) === 0 ? [] : version))
    if (versions.length === 0) return undefined
    return { versions, isAuto: (slot & AUTO) !== 0, hasKeys: (slot & WITH_KEYS) !== 0 }
  })
}

function versionBits(packed: number): number {
  // Up to four versions, one per byte.
  const bytes = [0, 8, 16, 24].map((shift) => (packed >>> shift) & 0xff)
  return VERSIONS.reduce((bits, [, byte, bit]) => (bytes.includes(byte) ? bits | bit : bits), 0)
}
