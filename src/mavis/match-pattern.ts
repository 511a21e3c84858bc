import { setFlagsFromString } from 'node:v8'
import type { ByteString } from '../base/byte-string.js'
import { expandCase } from './expand-case.js'

/**
 * Patterns come from the configuration, but what they are held against may come from a client, which may look for the
 * text that keeps a careless pattern such as `(a+)+$` busy for years. So V8 is told to go on with its engine of linear
 * time after too much backtracking (50,000 steps). That engine knows neither `i` nor look-around nor back-references:
 * `i` is written out; patterns with the others have no such limit. The flag is of the whole process, and changes how long
 * a pattern takes, not what it matches.
 */
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')

/** How patterns are run, by how they were written: only those that are made after the flag heed it. */
const runnable = new WeakMap<RegExp, RegExp>()

/** What the pattern matches, and its groups; undefined: it does not match. */
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

/** The same pattern in a form that cannot take for ever, where there is one. */
function boundedPattern({ flags, source }: RegExp): RegExp {
  // Where the last match ended is no matter of the next value.
  const kept = flags.replace(/[gy]/g, '')
  const written = kept.includes('i') && !/[uv]/.test(kept) ? expandCase(source) : undefined
  return written === undefined ? new RegExp(source, kept) : new RegExp(written, kept.replace('i', ''))
}
