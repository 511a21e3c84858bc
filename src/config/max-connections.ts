/** The directive `max connections`, which remotes, pools and listeners have. */
import { count } from './number-types.js'
import { value } from './row.js'

export function maxConnections(doc: string) {
  return value('max connections', count(), 0, { doc, zero: 'no limit', isOurs: true })
}
