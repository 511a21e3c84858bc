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
      'Address of the server: IP address, host name, either with a port (`10.0.0.1:22`, `"[::1]:22"`), or the path ' +
      'of a Unix socket, or `unix:@NAME` for an abstract name. `address` may be left out in front of all of these but a ' +
      'host name. With `protocol = SCTP` it may be repeated: one association goes to all of them (multi-homing).',
    defaultText: 'mandatory',
  }),
  port: optional('port', remotePorts, {
    doc:
      'Port of the server, a number or the name of a service. `same` is the port that the client has connected to. ' +
      'Several, as `9000-9099`, are for listeners with as many: clients of the first port of a listener go to the first ' +
      'one here, and so on. Whatever the port, it is one remote: a failure counts for all of it.',
    defaultText: 'mandatory, unless the address has one or is a path',
  }),
  protocol: protocolRow,
  weight: value('weight', count({ min: -INT_MAX }), 1, {
    doc: 'Share of the load, relative to the other remotes. Less than 1 counts as 1.',
  }),
  tls: optional('tls|ssl', remoteTlsMode, {
    doc: 'The remote speaks TLS: `yes`, or the versions allowed: `TLSv1.2,TLSv1.3`.',
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
  'A server that connections are relayed to. Repeat it for more.',
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

export const tcprelayBlock = block('tcprelay', 'The relay: where connections go, and for how long.', {
  remotes: repeated('remote', remoteBlock),
  localAddress: optional('local address', localSource, {
    doc:
      'Address that connections to remotes of its family come from. `client`: each comes from the address of its own ' +
      'client, which the network must send back here (docs/operations.md shows how); a remote of another family gets no ' +
      'connection from that client. `client` needs CAP_NET_ADMIN, which children keep for it.',
    defaultText: "the system's choice",
  }),
  localPortRange: optional('local port range', portRange, {
    doc: 'Ports that connections to remotes come from, within net.ipv4.ip_local_port_range. Needs Linux 6.3.',
    defaultText: "the system's range",
    isOurs: true,
  }),
  rebalance: value('rebalance', count(), 0, {
    doc: 'Forget the failures of all remotes after that many connections: each is tried again at once. Use with care.',
    zero: 'never',
  }),
  retire: value(['retire limit', 'retire'], count(), 0, {
    doc: 'Sessions after which a process takes no more, and ends when those it has are over.',
    zero: 'it never retires',
  }),
  connectTimeoutMs: value('connect timeout', time(), 10_000, {
    doc: 'Time that one attempt to connect to a remote may take.',
    zero: "the system's limit, about two minutes",
    isOurs: true,
  }),
  dialTimeoutMs: value('dial timeout', time(), 30_000, {
    doc: 'Time that all attempts for one client may take together.',
    zero: 'no limit',
    isOurs: true,
  }),
  dialRetries: value('dial retries', count(), 3, {
    doc: 'Rounds over all remotes after the first one has failed, a second apart, within the dial timeout.',
    zero: 'the client is turned away when each remote has failed once',
    isOurs: true,
  }),
  idleTimeoutMs: value('idle timeout', time(), 0, {
    doc: 'Silence in both directions after which a session ends.',
    zero: 'no limit',
  }),
  halfCloseTimeoutMs: value(['half-close timeout', 'half close timeout'], time(), 0, {
    doc: 'Silence after which a session ends once one direction has ended.',
    zero: 'no limit, but ten seconds until a side of SCTP hears of the end',
    isOurs: true,
  }),
  gracePeriodMs: value('grace period', time(), 10_000, {
    doc: 'How long SIGTERM lets sessions finish. The option -t counts for more.',
    zero: 'they are ended at once',
    isOurs: true,
  }),
  splice: value('splice', choice(['auto', 'yes', 'no']), 'auto', {
    doc:
      'Whether bytes between two plain TCP connections pass through the kernel without being copied (splice(2)). ' +
      '`auto`: where a connection moves many at a time, which saves CPU; `yes`: always, which costs more for small ones.',
    isOurs: true,
  }),
  accessLog: optional('access log', logTarget, {
    doc: 'Where a line is written for every session: a file, the system log, or the terminal.',
    defaultText: 'no such lines',
    isOurs: true,
  }),
  ...keepaliveRows,
  ...tlsRows,
  ...mavisRows,
  ...allInherited(commonRows),
})

export type TcprelaySettings = SettingsOf<typeof tcprelayBlock>
export type RemoteSettings = SettingsOf<typeof remoteBlock>
