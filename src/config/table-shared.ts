import { count, wholeSeconds, yesNo } from './number-types.js'
import { optional, value } from './row.js'

/** The kernel's own limit for these two. */
const KEEPALIVE_SECONDS_MAX = 32_767

/** Of the section for its sockets, and of a listener for those that it accepts. */
export const keepaliveRows = {
  tcpKeepalive: value('tcp keepalive', yesNo, true, {
    doc: 'Probe silent connections, so that those of vanished peers end.',
    isOurs: true,
  }),
  tcpKeepaliveCount: optional('tcp keepalive count', count({ min: 1, max: 127 }), {
    doc: 'Unanswered probes after which a connection ends.',
    defaultText: "the system's",
  }),
  tcpKeepaliveIdleMs: optional('tcp keepalive idle', wholeSeconds({ min: 1, max: KEEPALIVE_SECONDS_MAX }), {
    doc: 'Silence after which the first probe is sent.',
    defaultText: "the system's",
  }),
  tcpKeepaliveIntervalMs: optional(
    'tcp keepalive interval',
    wholeSeconds({ min: 1, max: KEEPALIVE_SECONDS_MAX }),
    {
      doc: 'Pause between probes.',
      defaultText: "the system's",
    },
  ),
}
