/** Matches patterns of the configuration against values that clients may choose, in bounded time. */
import { setFlagsFromString } from 'node:v8'
import type { ByteString } from '../base/byte-string.js'
import { expandCase } from './expand-case.js'

/**
 * A value from a client can make a pattern such as `(a+)+$` backtrack for years (ReDoS). With this flag V8 switches to its
 * linear-time engine after 50,000 backtracks. That engine supports neither the flag `i`, look-around nor back-references:
 * `i` is expanded into classes; patterns with the other two remain unbounded. The flag applies to the whole process and
 * changes only how long matching takes.
 */
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')

/** Runnable patterns by the configured ones: the flag applies only to patterns compiled after it was set. */
const runnable = new WeakMap<RegExp, RegExp>()

/** The match and its groups; undefined when the pattern does not match. */
export function matchPattern(
  pattern: RegExp,
  value: ByteString,
): readonly (ByteString | undefined)[] | undefined {
  let found = runnable.get(pattern)
  if (found === undefined) {
    found = boundedPattern(pattern)
    runnable.set(pattern, found)
  }
  return found.exec(value) ?? undefined
}

/** The same pattern in a form whose matching time is bounded, if possible. */
function boundedPattern({ flags, source }: RegExp): RegExp {
  // `g` and `y` would make a match depend on the previous value.
  const kept = flags.replace(/[gy]/g, '')
  const written = kept.includes('i') && !/[uv]/.test(kept) ? expandCase(source) : undefined
  return written === undefined ? new RegExp(source, kept) : new RegExp(written, kept.replace('i', ''))
}
