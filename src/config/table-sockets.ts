import { count, INT_MAX, time, UINT_MAX, wholeSeconds, yesNo } from './number-types.js'
import { value } from './row.js'
import { choice, NO_DATAGRAMS, shortText } from './text-types.js'

/** The kernel's limit for names of interfaces and of congestion control algorithms, without the final NUL. */
const NAME_BYTES_MAX = 15

/** TCP_USER_TIMEOUT counts milliseconds in an int. */
const USER_TIMEOUT_MS_MAX = INT_MAX

/** A day: the kernel turns it into a number of retransmissions, and has no more. */
const DEFER_SECONDS_MAX = 86_400

const STREAM_PROTOCOLS = ['TCP', 'MPTCP', 'SCTP'] as const

const PROTOCOL_DOC =
  'Protocol. `MPTCP` is Multipath TCP, which uses several ways through the network at once, and is TCP with whoever ' +
  'does not know it: `mptcp=` in the access log tells which. On a kernel without it there is a warning, and TCP. `SCTP` ' +
  'is explained in [platforms.md](platforms.md#sctp).'

const NEEDS_SCTP = { needs: 'SCTP', needsWhen: (protocol: string) => protocol === 'SCTP' } as const

/** Of a remote. */
export const protocolRow = value('protocol', choice(STREAM_PROTOCOLS, { UDP: NO_DATAGRAMS }), 'TCP', {
  doc: PROTOCOL_DOC,
  ...NEEDS_SCTP,
})

export const listenerProtocolRow = value('protocol', choice([...STREAM_PROTOCOLS, 'UDP']), 'TCP', {
  doc:
    `${PROTOCOL_DOC} \`UDP\` is for children of another program (\`spawn { exec = … }\`), which get each datagram with a ` +
    'socket to answer on ([operations.md](operations.md#udp)); tcprelay itself relays TCP and SCTP.',
  ...NEEDS_SCTP,
})

/** Of a listener for the sockets that it accepts, and of a remote. */
export const socketRows = {
  device: value(['bind to device', 'vrf'], shortText(NAME_BYTES_MAX), '', {
    doc: 'VRF or device that the sockets are bound to.',
    defaultText: 'none',
  }),
  fwmark: value('fwmark', count({ max: UINT_MAX }), 0, {
    doc: 'Mark of the packets, for policy routing and packet filters. Needs CAP_NET_ADMIN, which children keep for it.',
    zero: 'unset',
    isOurs: true,
  }),
  dscp: value('dscp', count({ max: 63 }), 0, {
    doc: 'Differentiated services code point of the packets.',
    zero: 'unset',
  }),
  congestion: value('congestion', shortText(NAME_BYTES_MAX), '', {
    doc:
      'Congestion control algorithm, such as `bbr` or `cubic`: one of net.ipv4.tcp_available_congestion_control. One that is ' +
      'not in net.ipv4.tcp_allowed_congestion_control needs CAP_NET_ADMIN.',
    defaultText: "the system's (net.ipv4.tcp_congestion_control)",
    isOurs: true,
  }),
  userTimeoutMs: value('user timeout', time({ max: USER_TIMEOUT_MS_MAX }), 0, {
    doc:
      'How long what was sent may stay unacknowledged before the connection is given up. It counts for unanswered ' +
      'keepalive probes as well.',
    zero: "the system's limit, about a quarter of an hour",
    isOurs: true,
  }),
}

export const listenerFastOpenQueue = value('fast open', count({ max: 65_535 }), 0, {
  doc:
    'TCP Fast Open (RFC 7413) for clients: what they say first may come with their SYN, a round trip earlier. The number ' +
    'limits those whose handshake is unfinished. A SYN may arrive twice: only for services to which saying the same ' +
    'again does no harm. Needs bit 2 of net.ipv4.tcp_fastopen (the value 2 or 3).',
  zero: 'it is off',
  isOurs: true,
})

export const remoteFastOpen = value('fast open', yesNo, false, {
  doc:
    'TCP Fast Open (RFC 7413): what a client has said already leaves with the SYN, a round trip earlier, once the ' +
    'server is known to take it. Another remote gets the same bytes again if this one does not answer: only for services to ' +
    'which saying the same twice does no harm. Needs bit 1 of net.ipv4.tcp_fastopen (the value 1 or 3).',
  isOurs: true,
})

export const deferAcceptMs = value('defer accept', wholeSeconds({ max: DEFER_SECONDS_MAX }), 0, {
  doc:
    'How long the kernel keeps clients back that have said nothing yet; after about that time they are accepted all the ' +
    'same. Where the server speaks first, every client waits so long: not for SSH, SMTP or the like.',
  zero: 'not at all',
  isOurs: true,
})
