/** Looks for bytes and patterns of the configuration in what servers have sent. */
import { Buffer } from 'node:buffer'
import { setFlagsFromString } from 'node:v8'
import type { ByteString } from '../base/byte-string.js'
import type { Sought } from './probe-checks.js'

/**
 * A text can make a pattern such as `(a+)+$` backtrack for years. With this flag V8 switches to its linear-time engine after
 * 50,000 backtracks. The configuration refuses what that engine does not support. The flag changes only how long matching
 * takes, and applies to patterns that are compiled after it was set.
 */
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')

const patterns = new WeakMap<Sought, RegExp>()

/** Where the first match ends; undefined: there is none. */
export function endOfMatch(sought: Sought, bytes: Uint8Array): number | undefined {
  const { kind, source } = sought
  const text = byteStringOf(bytes)
  if (kind === 'bytes') {
    const at = text.indexOf(source)
    return at < 0 ? undefined : at + source.length
  }
  const found = patternOf(sought).exec(text)
  return found === null ? undefined : found.index + found[0].length
}

function patternOf(sought: Sought): RegExp {
  const known = patterns.get(sought)
  if (known !== undefined) return known
  const pattern = new RegExp(sought.source, 'm')
  patterns.set(sought, pattern)
  return pattern
}

function byteStringOf({ buffer, byteLength, byteOffset }: Uint8Array): ByteString {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}
