/** The directives of a remote. */
import { address } from './address-value.js'
import { remoteTarget } from './endpoint.js'
import { maxConnections } from './max-connections.js'
import { nameType } from './name-type.js'
import { count, INT_MAX, time, yesNo } from './number-types.js'
import { remotePorts } from './port-types.js'
import { completedBlock, list, optional, type SettingsOf, value } from './row.js'
import { healthRow } from './table-health.js'
import { remoteStarttlsRows } from './table-remote-starttls.js'
import { mainAddress, sctpAt, sctpProblem, sctpRows, sctpSettings } from './table-sctp.js'
import { sendProxyRows } from './table-send-proxy.js'
import { protocolRow, remoteFastOpen, socketRows } from './table-sockets.js'
import { remoteTlsRows } from './table-tls.js'
import { asksForTls, remoteTlsMode, TLS_OFF } from './tls-mode.js'

/** As large as anybody needs, and one byte. */
const TIER_MAX = 255

/** What remotes and the members that discovery finds have in common. */
const serverRows = {
  weight: value('weight', count({ min: -INT_MAX }), 1, {
    doc: 'Share of the load relative to the other remotes of the pool. A negative number is treated as 1.',
    zero: 'no new clients',
  }),
  slowStartMs: optional('slow start', time(), {
    doc: 'Time in which its share grows to its full weight after an outage.',
    defaultText: "the pool's",
    zero: 'the full weight at once',
    isOurs: true,
  }),
  backup: value('backup', yesNo, false, {
    doc: 'Use the remote only while no other one of the pool is usable: the same as `tier = 1`.',
    isOurs: true,
  }),
  tier: optional('tier', count({ max: TIER_MAX }), {
    doc:
      'Rank of the remote: a tier is used while those with lower numbers have no usable remote, or fewer than ' +
      '`tier min usable`. New clients go back by themselves.',
    defaultText: '0, or 1 with `backup = yes`',
    isOurs: true,
  }),
  maxConnections: maxConnections(
    'Limit of concurrent sessions with the remote, over all children. While it is reached, clients get another remote ' +
      'of the pool, or wait in its `queue`.',
  ),
  health: healthRow,
  ...sendProxyRows,
  ...remoteStarttlsRows,
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
}

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
  name: optional('name', nameType, {
    doc: 'Name of the remote in logs. After a reload a remote of the same name continues with its state and counters.',
    defaultText: 'its address and port',
    isOurs: true,
  }),
  protocol: protocolRow,
  ...serverRows,
  ...sctpRows,
}

export const remoteBlock = completedBlock(
  'remote',
  'A server that connections are relayed to. Repeat it for more remotes.',
  remoteRows,
  ({ address: addresses, backup, port, tier = backup ? 1 : 0, weight, ...rest }, completion) => {
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
    return where && { ...rest, ...mode, ...where, sctp, tier, weight: weight < 0 ? 1 : weight, hasMistakes }
  },
  'address',
)

export const memberBlock = completedBlock(
  'remote',
  'What all members have in common. Weight and tier are those of members whose source says nothing else.',
  serverRows,
  ({ backup, tier = backup ? 1 : 0, tls, weight, ...rest }, { hasMistakes }): RemoteBlockSettings => ({
    ...rest,
    name: undefined,
    protocol: 'TCP',
    ports: 'own',
    target: { kind: 'discovered', index: 0 },
    sctp: undefined,
    sctpStreams: undefined,
    sctpHeartbeatMs: undefined,
    tls: tls ?? TLS_OFF,
    isTlsGiven: tls !== undefined,
    tier,
    weight: weight < 0 ? 1 : weight,
    hasMistakes,
  }),
)

/** A remote as its block has it. */
export type RemoteBlockSettings = SettingsOf<typeof remoteBlock>
