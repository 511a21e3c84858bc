/** The directives of the relay's section and of its remotes. */
import { address, localSource } from './address-value.js'
import { remoteTarget } from './endpoint.js'
import { logTarget } from './file-types.js'
import { count, INT_MAX, time } from './number-types.js'
import { portRange } from './port-range-type.js'
import { remotePorts } from './port-types.js'
import {
  allInherited,
  block,
  completedBlock,
  list,
  optional,
  repeated,
  type SettingsOf,
  value,
} from './row.js'
import { commonRows } from './table-common.js'
import { mavisRows } from './table-mavis.js'
import { mainAddress, sctpAt, sctpProblem, sctpRows, sctpSettings } from './table-sctp.js'
import { keepaliveRows } from './table-shared.js'
import { protocolRow, remoteFastOpen, socketRows } from './table-sockets.js'
import { remoteTlsRows, tlsRows } from './table-tls.js'
import { choice } from './text-types.js'
import { asksForTls, remoteTlsMode, TLS_OFF } from './tls-mode.js'

const remoteRows = {
  address: list('address', address, {
    doc:
      'Address of the server: an IP address or a host name, optionally with a port (`10.0.0.1:22`, `"[::1]:22"`), ' +
      'the path of a Unix socket, or `unix:@NAME` for an abstract name. The word `address` may be omitted except ' +
      'before a host name. With `protocol = SCTP` it may be repeated: one association uses all of these addresses ' +
      '(multi-homing).',
    defaultText: 'mandatory',
  }),
  port: optional('port', remotePorts, {
    doc:
      'Port of the server, a number or a service name. `same` is the port that the client connected to. A list or ' +
      'range such as `9000-9099` requires listeners with the same number of ports: clients of the first port of a ' +
      'listener go to the first port here, and so on. All ports belong to one remote: a failure of one port marks ' +
      'the whole remote.',
    defaultText: 'mandatory unless the address contains a port or is a path',
  }),
  protocol: protocolRow,
  weight: value('weight', count({ min: -INT_MAX }), 1, {
    doc: 'Share of the load relative to the other remotes. Values below 1 are treated as 1.',
  }),
  tls: optional('tls|ssl', remoteTlsMode, {
    doc: 'The remote speaks TLS: `yes`, or a list of enabled versions: `TLSv1.2,TLSv1.3`.',
    defaultText: '`no`',
    isOurs: true,
    needs: 'TLS',
    needsWhen: asksForTls,
  }),
  ...socketRows,
  fastOpen: remoteFastOpen,
  ...remoteTlsRows,
  ...sctpRows,
}

export const remoteBlock = completedBlock(
  'remote',
  'A server that connections are relayed to. Repeat it for more remotes.',
  remoteRows,
  ({ address: addresses, port, weight, ...rest }, completion) => {
    const { hasMistakes, refuse } = completion
    const sctpGiven = { ...rest, address: addresses }
    const given = mainAddress(sctpGiven)
    if (given === undefined) return refuse('this remote needs an address')
    const where = remoteTarget(given, port, completion)
    const { tls } = rest
    const wrong = where && sctpProblem(sctpGiven, where.target, asksForTls(tls))
    if (wrong !== undefined) return refuse(wrong)
    const mode = { tls: tls ?? TLS_OFF, isTlsGiven: tls !== undefined }
    const sctp = where && sctpAt(sctpSettings(sctpGiven), where.target)
    return where && { ...rest, ...mode, ...where, sctp, weight: Math.max(1, weight), hasMistakes }
  },
  'address',
)

export const tcprelayBlock = block('tcprelay', 'The relay: remotes, timeouts and limits of sessions.', {
  remotes: repeated('remote', remoteBlock),
  localAddress: optional('local address', localSource, {
    doc:
      'Source address of connections to remotes of the same address family. `client`: each connection uses the ' +
      'address of its client (transparent proxy); the network must route replies back to this host ' +
      '(docs/operations.md shows how), and remotes of the other family are not used. `client` requires ' +
      'CAP_NET_ADMIN, which children keep for it.',
    defaultText: "the system's choice",
  }),
  localPortRange: optional('local port range', portRange, {
    doc: 'Source ports of connections to remotes, within net.ipv4.ip_local_port_range. Requires Linux 6.3.',
    defaultText: "the system's range",
    isOurs: true,
  }),
  rebalance: value('rebalance', count(), 0, {
    doc:
      'Number of connections after which the failures of all remotes are cleared and each is retried at once. Use ' +
      'with care.',
    zero: 'never',
  }),
  retire: value(['retire limit', 'retire'], count(), 0, {
    doc: 'Number of sessions after which a process accepts no more and exits when its sessions have ended.',
    zero: 'no limit',
  }),
  connectTimeoutMs: value('connect timeout', time(), 10_000, {
    doc: 'Time limit of one connection attempt to a remote.',
    zero: "the system's limit, about 2 minutes",
    isOurs: true,
  }),
  dialTimeoutMs: value('dial timeout', time(), 30_000, {
    doc: 'Time limit of all connection attempts for one client together.',
    zero: 'no limit',
    isOurs: true,
  }),
  dialRetries: value('dial retries', count(), 3, {
    doc:
      'Number of further rounds over all remotes, one second apart, after all attempts of a round have failed; ' +
      '`dial timeout` limits them.',
    zero: 'the client is rejected after each remote has failed once',
    isOurs: true,
  }),
  idleTimeoutMs: value('idle timeout', time(), 0, {
    doc: 'Time without data in both directions after which a session is closed.',
    zero: 'no limit',
  }),
  halfCloseTimeoutMs: value(['half-close timeout', 'half close timeout'], time(), 0, {
    doc: 'Time without data after which a half-closed session is closed.',
    zero: 'no limit, but ten seconds until the end of data is forwarded to an SCTP peer',
    isOurs: true,
  }),
  gracePeriodMs: value('grace period', time(), 10_000, {
    doc: 'Time that sessions have to finish after SIGTERM. The option `-t` overrides it.',
    zero: 'sessions are closed at once',
    isOurs: true,
  }),
  splice: value('splice', choice(['auto', 'yes', 'no']), 'auto', {
    doc:
      'Whether data between two plain TCP connections is moved in the kernel without copying (splice(2)). `auto`: ' +
      'for bulk transfers, which saves CPU; `yes`: always, which costs more for small messages.',
    isOurs: true,
  }),
  accessLog: optional('access log', logTarget, {
    doc: 'Destination of one line per session: a file, the system log, or standard error.',
    defaultText: 'no access log',
    isOurs: true,
  }),
  ...keepaliveRows,
  ...tlsRows,
  ...mavisRows,
  ...allInherited(commonRows),
})

export type TcprelaySettings = SettingsOf<typeof tcprelayBlock>
export type RemoteSettings = SettingsOf<typeof remoteBlock>
