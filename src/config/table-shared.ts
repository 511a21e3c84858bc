/**
 * The keep-alive directives, which the section has for sockets to remotes, and the master and its listeners for
 * clients.
 */
import { count, wholeSeconds, yesNo } from './number-types.js'
import { optional, value } from './row.js'

/** Limit of the kernel for TCP_KEEPIDLE and TCP_KEEPINTVL. */
const KEEPALIVE_SECONDS_MAX = 32_767

export const keepaliveRows = {
  tcpKeepalive: value('tcp keepalive', yesNo, true, {
    doc: 'Send keep-alive probes on idle connections, so that connections of dead peers end.',
    isOurs: true,
  }),
  tcpKeepaliveCount: optional('tcp keepalive count', count({ min: 1, max: 127 }), {
    doc: 'Number of unanswered probes after which the connection is closed.',
    defaultText: "the system's",
  }),
  tcpKeepaliveIdleMs: optional('tcp keepalive idle', wholeSeconds({ min: 1, max: KEEPALIVE_SECONDS_MAX }), {
    doc: 'Idle time before the first probe.',
    defaultText: "the system's",
  }),
  tcpKeepaliveIntervalMs: optional(
    'tcp keepalive interval',
    wholeSeconds({ min: 1, max: KEEPALIVE_SECONDS_MAX }),
    {
      doc: 'Interval between probes.',
      defaultText: "the system's",
    },
  ),
}
