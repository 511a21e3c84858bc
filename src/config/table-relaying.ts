/** The directives of relaying, which a section has for all of its pools and each pool for itself. */
import { localSource } from './address-value.js'
import { maxConnections } from './max-connections.js'
import { count, time } from './number-types.js'
import { portRange } from './port-range-type.js'
import { optional, optionalBlock, type Settings, value } from './row.js'
import { balanceRows } from './table-balance.js'
import { diallingRows } from './table-dialling.js'
import { healthRow } from './table-health.js'
import { outageRows } from './table-outages.js'
import { queueBlock } from './table-queue.js'
import { remoteStarttlsRows } from './table-remote-starttls.js'
import { sendProxyRows } from './table-send-proxy.js'
import { keepaliveRows } from './table-shared.js'
import { shedBlock } from './table-shed.js'
import { stickyBlock } from './table-sticky.js'
import { choice } from './text-types.js'

export const relayingRows = {
  ...balanceRows,
  sticky: optionalBlock('sticky', stickyBlock, { isOurs: true }),
  shed: optionalBlock('shed', shedBlock, { isOurs: true }),
  health: healthRow,
  ...outageRows,
  ...sendProxyRows,
  ...remoteStarttlsRows,
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
  maxConnections: maxConnections(
    'Limit of concurrent sessions with the remotes of the pool together, over all children. While it is reached, ' +
      'clients wait in the `queue`. Sessions that began under a configuration without this limit are not counted.',
  ),
  queue: optionalBlock('queue', queueBlock, { isOurs: true }),
  ...diallingRows,
  idleTimeoutMs: value('idle timeout', time(), 0, {
    doc: 'Time without data in both directions after which a session is closed.',
    zero: 'no limit',
  }),
  halfCloseTimeoutMs: value(['half-close timeout', 'half close timeout'], time(), 0, {
    doc: 'Time without data after which a half-closed session is closed.',
    zero: 'no limit, but ten seconds until the end of data is forwarded to an SCTP peer',
    isOurs: true,
  }),
  splice: value('splice', choice(['auto', 'yes', 'no']), 'auto', {
    doc:
      'Whether data between two plain TCP connections is moved in the kernel without copying (splice(2)). `auto`: ' +
      'for bulk transfers, which saves CPU; `yes`: always, which costs more for small messages.',
    isOurs: true,
  }),
  ...keepaliveRows,
}

/** How the sessions of a pool are relayed. */
export type RelayingSettings = Settings<typeof relayingRows>
