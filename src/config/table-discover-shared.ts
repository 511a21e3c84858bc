/** Directives of discovery that several types of sources have. */
import { count, time } from './number-types.js'
import { optional } from './row.js'

/** More often it says nothing more, and is an attack. */
const INTERVAL_MIN_MS = 100
const INTERVAL_MAX_MS = 86_400_000
export const interval = time({ min: INTERVAL_MIN_MS, max: INTERVAL_MAX_MS })

export const timeoutRow = optional('timeout', time({ min: 10, max: 60_000 }), {
  doc: 'Of `dns` and `srv`: limit of one query to one name server.',
  defaultText: '2',
  isOurs: true,
})

export const intervalRow = optional('interval', interval, {
  doc: 'Of `file`: time between two readings.',
  defaultText: '2',
  isOurs: true,
})

export const portRow = optional('port', count({ min: 1, max: 65_535 }, 'PORT'), {
  doc: 'Of `dns`: the port of all members.',
  defaultText: 'mandatory with `dns`',
  isOurs: true,
})
