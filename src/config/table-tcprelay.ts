/** The directives of the relay's section. */
import { logTarget, writtenFile } from './file-types.js'
import { count, time } from './number-types.js'
import { POOL, poolHeading } from './pool-heading.js'
import { allInherited, completedBlock, ofKinds, optional, repeated, type SettingsOf, value } from './row.js'
import { commonRows } from './table-common.js'
import { limitsRow } from './table-limit.js'
import { mavisRows } from './table-mavis.js'
import { allPools, discoverRow, poolBlock } from './table-pool.js'
import { relayingRows } from './table-relaying.js'
import { remoteBlock } from './table-remote.js'
import { type RouteSettings, routeBlock } from './table-route.js'
import { testBlock } from './table-test.js'
import { tlsRows } from './table-tls.js'
import { TEST, testHeading } from './test-heading.js'
import { choice } from './text-types.js'

const tcprelayRows = {
  remotes: repeated('remote', remoteBlock),
  pools: ofKinds('pool', poolHeading, new Map([[POOL, poolBlock]]), {
    doc:
      'Remotes that serve together. Listeners select it by `pool = NAME`; remotes written directly in the section ' +
      'form the pool `default`, which serves the listeners without a `pool`.',
    isOurs: true,
  }),
  routes: repeated('route', routeBlock),
  tests: ofKinds('test', testHeading, new Map([[TEST, testBlock]]), {
    doc: 'A test of the routes, which `-P`, the start and each reload run; the name is for messages. May be repeated.',
    isOurs: true,
  }),
  discover: discoverRow,
  limits: limitsRow,
  ...relayingRows,
  retire: value(['retire limit', 'retire'], count(), 0, {
    doc: 'Number of sessions after which a process accepts no more and exits when its sessions have ended.',
    zero: 'no limit',
  }),
  gracePeriodMs: value('grace period', time(), 10_000, {
    doc: 'Time that sessions have to finish after SIGTERM. The option `-t` overrides it.',
    zero: 'sessions are closed at once',
    isOurs: true,
  }),
  accessLog: optional('access log', logTarget, {
    doc: 'Destination of one line per session: a file, the system log, or standard error.',
    defaultText: 'no access log',
    isOurs: true,
  }),
  accessLogDetail: value('access log detail', choice(['normal', 'full']), 'normal', {
    doc: '`full` adds `why=` to lines of the access log: how the client got its remote (docs/operations.md).',
    isOurs: true,
  }),
  stateFile: optional('state file', writtenFile, {
    doc:
      'File in which the master or the single process keeps over a restart which remotes are down, and the results of their ' +
      'health checks. A remote that was down stays down until its first check, unless the file is older than 10 minutes. The ' +
      'file is replaced as a whole, with the mode 0600, through a temporary file in the same directory; each instance needs one of its own.',
    defaultText: 'none: after a restart all remotes are up until they fail',
    isOurs: true,
  }),
  sandbox: value('sandbox', choice(['yes', 'log', 'no']), 'yes', {
    doc:
      'Restricts the processes that relay to what they need, so that one that is taken over by an attacker can do little harm ' +
      '(docs/operations.md): no programs, no access to other processes, no other kinds of sockets, no files (a single process writes in the folders of its own files only). `log`: the kernel ' +
      'logs violations and permits them. What the kernel does not support is reported at start. MAVIS modules that start programs or ' +
      'open files disable it. A change requires a restart of a single process.',
    isOurs: true,
  }),
  ...tlsRows,
  ...mavisRows,
  ...allInherited(commonRows),
}

export const tcprelayBlock = completedBlock(
  'tcprelay',
  'The relay: remotes, pools, routes, timeouts and limits of sessions.',
  tcprelayRows,
  ({ pools: given, remotes: direct, ...rest }) => {
    const pools = allPools(given, { ...rest, remotes: direct }, rest.routes.some(isDynamic))
    return {
      ...rest,
      pools,
      remotes: pools.flatMap(({ name, remotes }, pool) =>
        remotes.map((remote) => ({ ...remote, pool, poolName: name })),
      ),
    }
  },
)

/** Whether clients of the route are connected to the host that they ask for. */
export function isDynamic({ target }: RouteSettings): boolean {
  return target.dynamic !== undefined
}

export type TcprelaySettings = SettingsOf<typeof tcprelayBlock>
/** `pool`: the index of its pool. */
export type RemoteSettings = TcprelaySettings['remotes'][number]
