/** The directives of the source `consul`. */
import { time } from './number-types.js'
import { optional } from './row.js'
import { urlRow } from './table-discover-http.js'
import { serverRows, serviceRow, timeoutRow, tokenFileRow } from './table-discover-shared.js'
import { text } from './text-types.js'

/** Consul limits it so. */
const WAIT_MAX_MS = 600_000

export const consulRows = {
  url: urlRow,
  service: serviceRow,
  tag: optional('tag', text('NAME'), {
    doc: 'Of `consul`: only instances with this tag are members.',
    defaultText: 'all instances',
    isOurs: true,
  }),
  datacenter: optional('datacenter', text('NAME'), {
    doc: 'Of `consul`: the datacenter that is asked for.',
    defaultText: 'that of the agent',
    isOurs: true,
  }),
  waitMs: optional('wait', time({ min: 1_000, max: WAIT_MAX_MS }), {
    doc: 'Of `consul`: how long a blocking query waits for a change; after that the same answer confirms the members.',
    defaultText: '60',
    isOurs: true,
  }),
  tokenFile: tokenFileRow,
  timeoutMs: timeoutRow,
  ...serverRows,
}
