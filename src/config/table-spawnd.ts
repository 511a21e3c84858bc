import { accessRule } from './access-rule.js'
import { groupId, userId } from './account-types.js'
import { socketPath } from './address-types.js'
import { address } from './address-value.js'
import { datagramProblem } from './check-datagrams.js'
import { bindTargets } from './endpoint.js'
import { executableFile, workingDirectory, writtenFile } from './file-types.js'
import { bytes, count, fileMode, time, yesNo } from './number-types.js'
import { ports } from './port-types.js'
import {
  allInherited,
  completedBlock,
  inherited,
  list,
  nested,
  optional,
  repeated,
  type SettingsOf,
  value,
} from './row.js'
import { commonRows } from './table-common.js'
import { mainAddress, sctpAt, sctpProblem, sctpRows, sctpSettings } from './table-sctp.js'
import { keepaliveRows } from './table-shared.js'
import { deferAcceptMs, listenerFastOpenQueue, listenerProtocolRow, socketRows } from './table-sockets.js'
import { listenerTlsRows } from './table-tls.js'
import { choice, shortText, text } from './text-types.js'
import { asksForTls, TLS_OFF, tlsMode } from './tls-mode.js'
import { commaList } from './value-type.js'

const bindRetryDelayMs = value(['bind retry delay', 'retry delay'], time(), 0, {
  doc: 'Pause before a listener that could not be bound is tried again.',
  zero: 'it is not tried again',
})

const tcpBufsizeBytes = value('tcp bufsize', bytes, 0, {
  doc: 'Buffer size of the sockets between master and children. Without children no effect.',
  zero: "the system's",
})

const stickyCacheRows = {
  stickyCachePeriodMs: value('sticky cache period', time(), 0, {
    doc: 'How long the connections of a client go to the same child, from its last one on. Without children no effect.',
    zero: 'no sticky cache',
  }),
  stickyCacheSize: value('sticky cache size', count({ min: 1 }), 1024, {
    doc: 'Clients that the sticky cache remembers; the one not seen for longest is forgotten first.',
  }),
}

const listenRows = {
  address: list('address', address, {
    doc:
      'Address to listen on; `address` may be left out in front of an address. A name is looked up. With ' +
      '`protocol = SCTP` it may be repeated: clients reach the listener at all of them (multi-homing).',
    defaultText: 'all addresses, IPv6 and IPv4',
  }),
  path: optional('path', socketPath, {
    doc:
      'Path of a Unix socket to listen on, instead of an address. `@NAME` is an abstract name, which is in no file ' +
      'system (unix(7)): everybody in the same network namespace can connect, unless `permit user` says otherwise.',
  }),
  port: optional('port', ports, {
    doc:
      'Port to listen on, a number or the name of a service. Only a Unix socket or inetd needs none. Or several: ' +
      '`8000-8099`, `80, 443, 8000-8009`. Each of them has a socket of its own, and everything else in common.',
    zero: 'one that the system chooses',
  }),
  inherited: optional('inherited', text('NAME'), {
    doc:
      'Take the listening socket that systemd hands over under this name (`FileDescriptorName=` of its socket unit, ' +
      'sd_listen_fds(3)) instead of binding one.',
    isOurs: true,
  }),
  protocol: listenerProtocolRow,
  ipv6Only: optional('ipv6 only', yesNo, {
    doc:
      'Whether a listener on an IPv6 address leaves IPv4 clients alone (IPV6_V6ONLY), so that another listener can have ' +
      'them on the same port. Without it `::`, or no address, takes the clients of both families.',
    defaultText: '`yes` for `::` beside a listener on `0.0.0.0` with the same port and protocol, else `no`',
    isOurs: true,
  }),
  type: value('type', choice(['STREAM', 'SEQPACKET', 'DGRAM']), 'STREAM', {
    doc:
      'Type of the socket. `SEQPACKET` is for SCTP and means the same as `STREAM`: clients cannot tell, and each of ' +
      'them has a socket of its own here. `DGRAM` is for UDP, which implies it.',
    needs: 'SCTP',
    needsWhen: (type) => type === 'SEQPACKET',
  }),
  realm: value('realm', shortText(15), '', {
    doc: 'Tag of at most 15 bytes that goes to the child with a connection. Without children no effect.',
  }),
  tls: optional('tls|ssl', tlsMode, {
    doc:
      'Clients speak TLS: `yes`, `auto` (told by their first bytes), or the versions allowed: `TLSv1.2,TLSv1.3`. With ' +
      '`pass` TLS is relayed as it is; the name that the client asks for is read from its first bytes. A client whose ' +
      'first bytes are TLS that cannot be read is refused, one without TLS is relayed. With `protocol = UDP` it is DTLS, ' +
      'which the children speak: `yes`, `auto`, or `DTLSv1.0`, `DTLSv1.2`, `DTLSv1.3`.',
    defaultText: '`no`',
    needs: 'TLS',
    needsWhen: asksForTls,
    isForwarded: true,
  }),
  tlsPsk: optional('tls|ssl psk', yesNo, {
    doc: 'Clients may identify themselves by a pre-shared key, of those in `tls psk file`.',
    defaultText: '`yes` for a listener with a `tls psk file` of its own, else `no`',
    needs: 'TLS',
    needsWhen: (isOn) => isOn === true,
    isForwarded: true,
  }),
  ...listenerTlsRows,
  haproxy: value('haproxy', yesNo, false, {
    doc: 'Connections begin with a PROXY protocol header.',
    needs: 'PROXY protocol',
    needsWhen: (isOn) => isOn,
    isForwarded: true,
  }),
  flags: value('flag', commaList(choice(['access', 'accounting'])), [], {
    doc: 'Forwarded to children of the RADIUS kind; a relay has no use for it.',
    defaultText: 'none',
  }),
  aaaProtocol: optional(
    'aaa.protocol',
    choice(['tacacs.tcp', 'tacacs.tls', 'radius.udp', 'radius.tcp', 'radius.tls', 'radius.dtls']),
    {
      doc:
        'Forwarded to children of the AAA kind, by the number that release 2026.07.24 of the original has for it; ' +
        'a relay has no use for it.',
    },
  ),
  // The original's 128 makes clients wait a second and more when a crowd arrives at once.
  backlog: value('backlog', count({ max: 65_535 }), 4096, {
    doc: 'Connections that the kernel holds until they are accepted; it cuts this to net.core.somaxconn.',
  }),
  overloadBacklog: value('overload backlog', count({ max: 65_535 }), 128, {
    doc: 'The backlog while all children are full; never more than `backlog`.',
  }),
  bindRetryDelayMs: inherited(bindRetryDelayMs),
  ...allInherited(keepaliveRows),
  tcpBufsizeBytes: inherited(tcpBufsizeBytes),
  ...socketRows,
  fastOpenQueue: listenerFastOpenQueue,
  deferAcceptMs,
  mode: optional('mode', fileMode, { doc: 'Access mode of the file of a Unix socket.' }),
  user: optional('userid', userId, { doc: 'Owner of the file of a Unix socket.' }),
  group: optional('groupid', groupId, { doc: 'Group of the file of a Unix socket.' }),
  ...sctpRows,
  ...stickyCacheRows,
}

export const listenBlock = completedBlock(
  'listen',
  'A socket that clients connect to. Repeat it for more.',
  listenRows,
  (given, completion) => {
    const binds = bindTargets({ ...given, address: mainAddress(given) }, completion)
    const [first] = binds ?? []
    const hasTls = given.tls !== undefined && given.tls.kind !== 'off'
    const wrong =
      first && (typeProblem(given) ?? datagramProblem(given, first) ?? sctpProblem(given, first, hasTls))
    if (wrong !== undefined) return completion.refuse(wrong)
    const { address: _address, inherited: _inherited, path: _path, port: _port, ...rest } = given
    return (
      binds && {
        ...rest,
        binds,
        sctp: sctpSettings(given),
        overloadBacklog: Math.min(given.backlog, given.overloadBacklog),
        tls: given.tls ?? TLS_OFF,
        isTlsGiven: given.tls !== undefined,
        tlsPsk: given.tlsPsk ?? given.tlsPskFile !== undefined,
        hasMistakes: completion.hasMistakes,
      }
    )
  },
  'address',
)

function typeProblem({ protocol, type }: { readonly protocol: string; readonly type: string }) {
  if (type === 'SEQPACKET' && protocol !== 'SCTP') return "'type = SEQPACKET' needs 'protocol = SCTP'"
  return type === 'DGRAM' && protocol !== 'UDP' ? "'type = DGRAM' needs 'protocol = UDP'" : undefined
}

const spawnRows = {
  accept: value('accept', choice(['broker', 'direct']), 'broker', {
    doc:
      'Who accepts connections. `broker`: the master, which hands each to the child that `users min|max` and the ' +
      'sticky cache say. `direct`: the children by themselves, from queues that they share, which costs less; whoever ' +
      'is free takes the next client. A change needs a restart.',
    isOurs: true,
  }),
  exec: optional('exec', executableFile, {
    doc: 'Program of the children; `%o` stands for the platform.',
    defaultText: 'this program',
    isAlsoOutside: true,
  }),
  id: optional('id', text('NAME'), {
    doc: 'Section that the children read. The option -i counts for more.',
    defaultText: "the children's program name",
    isAlsoOutside: true,
  }),
  config: optional('config', text('FILE'), {
    doc:
      'Configuration that the relay reads, with its own includes; the section of the children is in there. Children ' +
      'of another program get it as their argument.',
    defaultText: 'this file',
  }),
  instancesMin: value('instances|servers|processes min|minimum', count({ min: 1, max: 4096 }), 2, {
    doc: 'Children that always run. Lowered to the maximum if above it. A single process has none.',
  }),
  instancesMax: value('instances|servers|processes max|maximum', count({ min: 1, max: 4096 }), 8, {
    doc: 'Children that run at most.',
  }),
  usersMin: value('users min|minimum', count(), 5, {
    doc: 'Connections that a child gets before another one is preferred. Lowered to the maximum if above it.',
  }),
  usersMax: value('users max|maximum', count(), 0, {
    doc: 'Connections that a child may have at once.',
    zero: 'as many as its descriptors allow',
  }),
  hangTimeoutMs: value('hang timeout', time(), 30_000, {
    doc:
      'Time after which a child that does not answer its master is killed and replaced, or four times as long while it ' +
      'starts. A child that a signal or a debugger has stopped is left alone. Children of another program are not asked.',
    zero: 'never',
    isOurs: true,
  }),
  user: optional('userid', userId, {
    doc: 'User that the children run as, with the group of its account and no others. A number without an account is its group as well.',
  }),
  group: optional('groupid', groupId, { doc: 'Group that the children run as.' }),
  workingDirectory: optional('working directory', workingDirectory, {
    doc: 'Directory that the children run in.',
    isAlsoOutside: true,
  }),
  ipcKey: optional('ipc key', count(), {
    doc: 'Asked the original to hand the configuration over in shared memory; ours always hands it over. No effect.',
  }),
  stickyCachePeriodMs: { ...stickyCacheRows.stickyCachePeriodMs, isAlsoOutside: true },
  stickyCacheSize: { ...stickyCacheRows.stickyCacheSize, isAlsoOutside: true },
}

export const spawnBlock = completedBlock(
  'spawn',
  'The children: processes that relay.',
  spawnRows,
  (given, completion) => {
    // There is always one such block, so that others may look into it.
    if (given.accept === 'direct' && given.exec !== undefined) {
      completion.refuse('`accept = direct` needs children of this program: it does not go with `exec`')
    }
    return {
      ...given,
      instancesMin: Math.min(given.instancesMin, given.instancesMax),
      usersMin: given.usersMax === 0 ? given.usersMin : Math.min(given.usersMin, given.usersMax),
    }
  },
)

const spawndRows = {
  listeners: repeated('listen', listenBlock),
  spawn: nested('spawn', spawnBlock),
  accessRules: list(['permit|deny', 'acl permit|accept|deny|reject'], accessRule, {
    doc:
      'Who may connect: by networks in CIDR notation or, to Unix sockets, by users or groups (names or numbers). The first ' +
      'line that applies decides; when there are lines and none applies, the client is rejected. `not` makes a line apply ' +
      'to everybody else. Lines with networks are for clients that have an address, lines with users or groups for ' +
      'those of Unix sockets. Where there are only lines of one kind, clients of the other kind may connect. A client is ' +
      'in all the groups that it had when it connected.',
    defaultText: 'everybody',
  }),
  overload: value('overload', choice(['queue', 'close', 'reset']), 'queue', {
    doc:
      'What happens to new connections while all children are full: they wait in the kernel, are accepted and ' +
      'closed, or are accepted and reset.',
  }),
  singleProcess: value('single process', yesNo, false, {
    doc: 'Everything in one process, without children. The option -1 says the same.',
  }),
  oldGenerationTimeoutMs: value('old generation timeout', time(), 0, {
    doc: 'How long sessions may go on under the configuration before a reload.',
    zero: 'as long as they like; at most eight such configurations, the oldest ends first',
    isOurs: true,
  }),
  background: value('background', yesNo, false, {
    doc: 'Detach from the terminal. The options -b and -f count for more.',
  }),
  pidfile: optional('pidfile|pid-file', writtenFile, {
    doc: 'File that the process id is written to. The option -p counts for more.',
  }),
  bindRetryDelayMs,
  ...keepaliveRows,
  tcpBufsizeBytes,
  ...allInherited(commonRows),
}

export const spawndBlock = completedBlock(
  'spawnd',
  'The master: accepts connections and keeps the children.',
  spawndRows,
  (given) => ({ ...given, listeners: withFamilies(given.listeners.flatMap(eachListener)) }),
)

/** A listener for each port of a block, with all that the block says. */
function eachListener({ binds, ...common }: SettingsOf<typeof listenBlock>, block: number) {
  return binds.map((bind, portIndex) => {
    return { ...common, bind, block, portIndex, sctp: sctpAt(common.sctp, bind) }
  })
}

type Bound = ReturnType<typeof eachListener>[number]

/** Decides for `::` beside `0.0.0.0`: as a socket of both families it would be in the other's way. */
function withFamilies(listeners: readonly Bound[]) {
  const placesOfIpv4 = new Set(listeners.filter((listener) => isOn(listener, '0.0.0.0')).map(placeOf))
  return listeners.map((listener) => {
    const isBeside = isOn(listener, '::') && placesOfIpv4.has(placeOf(listener))
    return { ...listener, ipv6Only: listener.ipv6Only ?? isBeside }
  })
}

function isOn({ bind }: Bound, host: string): boolean {
  return bind.kind === 'address' && bind.address.family !== 'unix' && bind.address.host === host
}

/** Multipath TCP has the ports of TCP. */
function placeOf({ bind, protocol }: Bound): string {
  const port = bind.kind === 'address' && bind.address.family !== 'unix' ? bind.address.port : ''
  return `${protocol === 'SCTP' ? protocol : 'TCP'} ${port}`
}

export type SpawndSettings = SettingsOf<typeof spawndBlock>
/** `block`: which `listen` block it is of; `portIndex`: which of the ports there is its own. Counted from 0. */
export type ListenerSettings = SpawndSettings['listeners'][number]
