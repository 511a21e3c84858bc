/** Directives about the protocol and the socket options of listeners and remotes. */
import { count, INT_MAX, time, UINT_MAX, wholeSeconds, yesNo } from './number-types.js'
import { value } from './row.js'
import { choice, NO_DATAGRAMS, shortText } from './text-types.js'

/** Limit of the kernel for names of interfaces and of congestion control algorithms, without the final NUL. */
const NAME_BYTES_MAX = 15

/** TCP_USER_TIMEOUT takes milliseconds as an int. */
const USER_TIMEOUT_MS_MAX = INT_MAX

/** One day: the kernel converts the time to a number of SYN-ACK retransmissions, which is limited. */
const DEFER_SECONDS_MAX = 86_400

const STREAM_PROTOCOLS = ['TCP', 'MPTCP', 'SCTP'] as const

const PROTOCOL_DOC =
  'Protocol. `MPTCP` is Multipath TCP, which uses several network paths at once and falls back to TCP if the peer ' +
  'does not support it; `mptcp=` in the access log shows the result. On a kernel without MPTCP the program logs a ' +
  'warning and uses TCP. For `SCTP` see [platforms.md](platforms.md#sctp).'

const NEEDS_SCTP = { needs: 'SCTP', needsWhen: (protocol: string) => protocol === 'SCTP' } as const

/** Row of a remote. */
export const protocolRow = value('protocol', choice(STREAM_PROTOCOLS, { UDP: NO_DATAGRAMS }), 'TCP', {
  doc: PROTOCOL_DOC,
  ...NEEDS_SCTP,
})

export const listenerProtocolRow = value('protocol', choice([...STREAM_PROTOCOLS, 'UDP']), 'TCP', {
  doc:
    `${PROTOCOL_DOC} \`UDP\` requires children of another program (\`spawn { exec = … }\`), which receive each datagram ` +
    'together with a socket for replies ([operations.md](operations.md#udp)); tcprelay itself relays TCP and SCTP only.',
  ...NEEDS_SCTP,
})

/** Rows of a listener, for accepted sockets, and of a remote. */
export const socketRows = {
  device: value(['bind to device', 'vrf'], shortText(NAME_BYTES_MAX), '', {
    doc: 'VRF or network interface that sockets are bound to (SO_BINDTODEVICE).',
    defaultText: 'none',
  }),
  fwmark: value('fwmark', count({ max: UINT_MAX }), 0, {
    doc:
      'Mark of packets for policy routing and packet filters (SO_MARK). Requires CAP_NET_ADMIN, which children ' +
      'keep for it.',
    zero: 'unset',
    isOurs: true,
  }),
  dscp: value('dscp', count({ max: 63 }), 0, {
    doc: 'Differentiated services code point of packets.',
    zero: 'unset',
  }),
  congestion: value('congestion', shortText(NAME_BYTES_MAX), '', {
    doc:
      'Congestion control algorithm, such as `bbr` or `cubic`, one of net.ipv4.tcp_available_congestion_control. ' +
      'One that is not in net.ipv4.tcp_allowed_congestion_control requires CAP_NET_ADMIN.',
    defaultText: "the system's (net.ipv4.tcp_congestion_control)",
    isOurs: true,
  }),
  userTimeoutMs: value('user timeout', time({ max: USER_TIMEOUT_MS_MAX }), 0, {
    doc:
      'How long sent data may remain unacknowledged before the connection is closed (TCP_USER_TIMEOUT). Applies to ' +
      'unanswered keep-alive probes as well.',
    zero: "the system's limit, about 15 minutes",
    isOurs: true,
  }),
}

export const listenerFastOpenQueue = value('fast open', count({ max: 65_535 }), 0, {
  doc:
    'TCP Fast Open (RFC 7413) for clients: they may send data with the SYN, one round trip earlier. The number ' +
    'limits connections with an unfinished handshake. A SYN may arrive twice: enable it only for services whose ' +
    'first request is idempotent. Requires bit 2 of net.ipv4.tcp_fastopen (value 2 or 3).',
  zero: 'disabled',
  isOurs: true,
})

export const remoteFastOpen = value('fast open', yesNo, false, {
  doc:
    'TCP Fast Open (RFC 7413): data that the client has already sent is sent with the SYN, one round trip ' +
    'earlier, once the server has issued a cookie. If this remote does not answer, another one gets the same ' +
    'bytes again: enable it only for services whose first request is idempotent. Requires bit 1 of ' +
    'net.ipv4.tcp_fastopen (value 1 or 3).',
  isOurs: true,
})

export const deferAcceptMs = value('defer accept', wholeSeconds({ max: DEFER_SECONDS_MAX }), 0, {
  doc:
    'How long the kernel defers accepting a client that has sent no data (TCP_DEFER_ACCEPT); after about this ' +
    'time it is accepted anyway. Do not use it where the server speaks first (SSH, SMTP): every client would be ' +
    'delayed.',
  zero: 'disabled',
  isOurs: true,
})
