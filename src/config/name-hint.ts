/** The hint for a name of a pool, listener or remote that does not exist. */
import { nearest } from '../base/suggest.js'

/** More names make a hint unreadable. */
const NAMES_MAX = 10

export function nameHint(
  given: string,
  known: Iterable<string>,
  what: 'pools' | 'listeners' | 'remotes',
): string {
  const names = [...known]
  const near = nearest(given, names)
  if (near !== undefined) return `did you mean '${near}'?`
  if (names.length === 0) return `none of the ${what} has a name`
  const more = names.length > NAMES_MAX ? ', …' : ''
  return `the ${what} are ${names.slice(0, NAMES_MAX).join(', ')}${more}`
}
