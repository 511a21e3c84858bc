/** The directives of a pool about clients that wait for a remote. */
import { count, time } from './number-types.js'
import { block, optional } from './row.js'

const queueRows = {
  queueSize: optional('size', count(), {
    doc: 'Limit of waiting clients, over all children. Further ones are rejected.',
    defaultText: 'no limit',
    zero: 'no client waits',
    isOurs: true,
  }),
  queueTimeoutMs: optional('timeout', time(), {
    doc: 'How long a client waits before it is rejected. `dial timeout` does not include this time.',
    defaultText: '`connect timeout`',
    zero: 'no limit',
    isOurs: true,
  }),
}

export const queueBlock = block(
  'queue',
  'Clients wait while every usable remote has its `max connections`, or the pool its own. They are served in the order ' +
    'in which they came, over all children; a client that resets its connection leaves. A pool with a block of its own ' +
    'takes nothing from that of the section.',
  queueRows,
)
