/** The directives of the master's section, of its listeners and of its children. */
import { STARTTLS_NAMES } from '../base/starttls-names.js'
import { networks } from './access-rule.js'
import { groupId, userId } from './account-types.js'
import { socketPath } from './address-types.js'
import { address } from './address-value.js'
import { datagramProblem } from './datagram-problem.js'
import { type BindTarget, bindTargets, isUnix } from './endpoint.js'
import { executableFile, workingDirectory, writtenFile } from './file-types.js'
import { located } from './located.js'
import { maxConnections } from './max-connections.js'
import { nameType } from './name-type.js'
import { bytes, count, fileMode, time, yesNo } from './number-types.js'
import { ports } from './port-types.js'
import { type ProxyProtocol, proxyProtocol } from './proxy-protocol-type.js'
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
import { serverName } from './server-name-type.js'
import { adminBlock } from './table-admin.js'
import { commonRows } from './table-common.js'
import { limitsRow } from './table-limit.js'
import { type OverrideSettings, overrideRows } from './table-overrides.js'
import { ruleRows } from './table-rules.js'
import { mainAddress, sctpAt, sctpProblem, sctpRows, sctpSettings } from './table-sctp.js'
import { keepaliveRows } from './table-shared.js'
import { deferAcceptMs, listenerFastOpenQueue, listenerProtocolRow, socketRows } from './table-sockets.js'
import { listenerTlsRows } from './table-tls.js'
import { choice, shortText, text } from './text-types.js'
import { asksForTls, TLS_OFF, tlsMode } from './tls-mode.js'
import { commaList } from './value-type.js'

const bindRetryDelayMs = value(['bind retry delay', 'retry delay'], time(), 0, {
  doc: 'Delay before binding a listener is retried after a failure.',
  zero: 'no retry',
})

const tcpBufsizeBytes = value('tcp bufsize', bytes, 0, {
  doc: 'Buffer size of the sockets between master and children. No effect without children.',
  zero: "the system's",
})

const stickyCacheRows = {
  stickyCachePeriodMs: value('sticky cache period', time(), 0, {
    doc:
      'How long new connections of a client go to the same child, counted from its last connection. No effect ' +
      'without children.',
    zero: 'no sticky cache',
  }),
  stickyCacheSize: value('sticky cache size', count({ min: 1 }), 1024, {
    doc: 'Number of clients in the sticky cache. When it is full, the least recently seen client is evicted.',
  }),
}

const listenRows = {
  address: list('address', address, {
    doc:
      'Address to listen on; the word `address` may be omitted. A host name is resolved. With `protocol = SCTP` ' +
      'it may be repeated: clients reach the listener on all of these addresses (multi-homing).',
    defaultText: 'all addresses, IPv6 and IPv4',
  }),
  path: optional('path', socketPath, {
    doc:
      'Path of a Unix socket to listen on, instead of an address. `@NAME` is an abstract name, outside of the file ' +
      'system (unix(7)): without `permit user` every process in the same network namespace can connect.',
  }),
  port: optional('port', ports, {
    doc:
      'Port to listen on, a number or a service name; required except for Unix sockets and inetd. Or several ' +
      'ports: `8000-8099`, `80, 443, 8000-8009`. Each port has its own socket and shares all other settings.',
    zero: 'a port that the system chooses',
  }),
  inherited: optional('inherited', text('NAME'), {
    doc:
      'Use the listening socket that systemd passes under this name (`FileDescriptorName=` of its socket unit, ' +
      'sd_listen_fds(3)) instead of binding one.',
    isOurs: true,
  }),
  protocol: listenerProtocolRow,
  ipv6Only: optional('ipv6 only', yesNo, {
    doc:
      'Whether a listener on an IPv6 address accepts no IPv4 clients (IPV6_V6ONLY), so that another listener can ' +
      'use the same port for them. Without it, `::` or no address accepts clients of both families.',
    defaultText: '`yes` for `::` beside a listener on `0.0.0.0` with the same port and protocol, else `no`',
    isOurs: true,
  }),
  type: value('type', choice(['STREAM', 'SEQPACKET', 'DGRAM']), 'STREAM', {
    doc:
      'Type of the socket. `SEQPACKET` requires SCTP and is treated as `STREAM`: clients see no difference, and ' +
      'each association has its own socket. `DGRAM` requires UDP, which implies it.',
    needs: 'SCTP',
    needsWhen: (type) => type === 'SEQPACKET',
  }),
  realm: value('realm', shortText(15), '', {
    doc: 'Tag of at most 15 bytes that is passed to the child with each connection; routes can select clients by it.',
  }),
  name: optional('name', nameType, {
    doc:
      'Name of the listener in logs, with the port after it if there are several: `front:8001`. After a reload a ' +
      'listener of the same name continues its counters.',
    defaultText: 'where it listens',
    isOurs: true,
  }),
  pool: optional('pool', located(nameType), {
    doc: 'Pool that serves the clients, a `pool` of the section that the children read.',
    defaultText: 'the pool of the first `route` that matches, otherwise `default`',
    isOurs: true,
  }),
  maxConnections: maxConnections(
    'Limit of concurrent sessions of the clients of this listener, over all children; each port of a block has it for ' +
      'itself. Clients beyond it wait in the kernel, at most `backlog` of them, whatever `overload` says. Sessions ' +
      'that began under a configuration without this limit are not counted.',
  ),
  limits: limitsRow,
  detectTimeoutMs: value('detect timeout', time(), 5_000, {
    doc:
      'How long a PROXY header (`proxy protocol`) is waited for, or the first bytes of a client where routes need them ' +
      '(`protocol`, `server name`, `alpn`, ' +
      '`tls version`), or the `key` of a pool (`rdp cookie`, `mqtt client`, `server name`), counted from the accept. ' +
      'After it, conditions on them do not match, and the key is the address: clients whose server speaks first wait ' +
      'that long.',
    zero: 'no limit',
    isOurs: true,
  }),
  tls: optional('tls|ssl', tlsMode, {
    doc:
      'Clients speak TLS: `yes`, `auto` (detected by the first bytes), or a list of enabled versions: ' +
      '`TLSv1.2,TLSv1.3`. With `pass`, TLS is relayed without termination; the server name (SNI) is read from the ' +
      'ClientHello. A client with a malformed ClientHello is rejected, one without TLS is relayed. With `protocol ' +
      '= UDP` it means DTLS, which the children terminate: `yes`, `auto`, or `DTLSv1.0`, `DTLSv1.2`, `DTLSv1.3`.',
    defaultText: '`no`',
    needs: 'TLS',
    needsWhen: asksForTls,
    isForwarded: true,
  }),
  tlsPsk: optional('tls|ssl psk', yesNo, {
    doc: 'Whether clients may authenticate with a pre-shared key from `tls psk file`.',
    defaultText: '`yes` for a listener that has its own `tls psk file`, else `no`',
    needs: 'TLS',
    needsWhen: (isOn) => isOn === true,
    isForwarded: true,
  }),
  ...listenerTlsRows,
  starttls: optional('starttls', located(choice(STARTTLS_NAMES)), {
    doc:
      'Clients ask for TLS in the plain text of this protocol (STARTTLS, STLS, AUTH TLS, SSLRequest), as on the ports 25, 587, ' +
      '143, 110, 389, 5432, 21, 5222. The relay answers as a server does until then; TLS follows as with `tls = yes`, which is ' +
      'required. What a client sends in plain is never relayed: one that sends anything else, or bytes behind its request ' +
      'without waiting for the answer, gets an error of the protocol and is closed (`end=starttls`). All of it has to be done ' +
      'within `tls handshake timeout`. Servers of SMTP, IMAP, POP3 and FTP greet their clients, who have been greeted before ' +
      'TLS: their greeting is read and dropped, and a remote that does not send one within `connect timeout`, or an error ' +
      'instead, has failed. `mysql` is not possible here: the greeting of the server has a random value that the password is ' +
      'hashed with, so the relay cannot greet the client itself.',
    defaultText: 'no plain text before TLS',
    isOurs: true,
  }),
  starttlsName: optional('starttls name', serverName, {
    doc: 'What the relay calls itself before TLS with `starttls = smtp`, `imap`, `pop3`, `ftp` or `xmpp`.',
    defaultText: 'the host name of the machine',
    isOurs: true,
  }),
  proxyProtocol: value(['proxy protocol', 'haproxy'], proxyProtocol, 'no', {
    doc:
      'Whether connections begin with a PROXY protocol header (version 1 or 2), which names the client: access rules ' +
      'about networks, routes, hashes, sticky pools, MAVIS, `local address = client` and the access log use its ' +
      'address from then on. It comes before TLS, and must be complete within `detect timeout`; longer ones than 4096 bytes ' +
      "are rejected. With `optional` it may be missing: what the peer sends is the client's then. With a header that names " +
      'nobody (`UNKNOWN`, `LOCAL`), as health checks send it, the client is the peer. Children of another program read the ' +
      'header themselves.',
  }),
  proxyFrom: list('proxy from', networks, {
    doc:
      'Networks of the proxies whose PROXY headers are used; required with `proxy protocol`, except for Unix sockets. ' +
      'All other peers are rejected. With `proxy protocol = optional` they are clients themselves instead, and a header ' +
      'of theirs is relayed like other bytes.',
    defaultText: 'none',
    isOurs: true,
  }),
  ...overrideRows,
  flags: value('flag', commaList(choice(['access', 'accounting'])), [], {
    doc: 'Forwarded to RADIUS children; a relay ignores it.',
    defaultText: 'none',
  }),
  aaaProtocol: optional(
    'aaa.protocol',
    choice(['tacacs.tcp', 'tacacs.tls', 'radius.udp', 'radius.tcp', 'radius.tls', 'radius.dtls']),
    {
      doc: 'Forwarded to AAA children, with the numbers of release 2026.07.24 of the original; a relay ignores it.',
    },
  ),
  // With the original's 128, the kernel drops SYNs in a burst, and clients retry them after a second or more.
  backlog: value('backlog', count({ max: 65_535 }), 4096, {
    doc: 'Limit of connections that wait in the kernel to be accepted; the kernel caps it at net.core.somaxconn.',
  }),
  overloadBacklog: value('overload backlog', count({ max: 65_535 }), 128, {
    doc: 'Backlog while all children are full; at most `backlog`.',
  }),
  bindRetryDelayMs: inherited(bindRetryDelayMs),
  ...allInherited(keepaliveRows),
  tcpBufsizeBytes: inherited(tcpBufsizeBytes),
  ...socketRows,
  fastOpenQueue: listenerFastOpenQueue,
  deferAcceptMs,
  mode: optional('mode', fileMode, { doc: 'Mode of the socket file of a Unix socket.' }),
  user: optional('userid', userId, { doc: 'Owner of the socket file of a Unix socket.' }),
  group: optional('groupid', groupId, { doc: 'Group of the socket file of a Unix socket.' }),
  ...sctpRows,
  ...stickyCacheRows,
}

const listenRuleRows = ruleRows({
  whose:
    'Access rules for the clients of this listener, as in the section: they have to pass the rules of the section as well. ' +
    'Clients that they reject have `end=listener-rule`.',
})

export const listenBlock = completedBlock(
  'listen',
  'A listening socket for clients. Repeat it for more listeners.',
  { ...listenRows, ...listenRuleRows },
  (given, completion) => {
    const binds = bindTargets({ ...given, address: mainAddress(given) }, completion)
    const [first] = binds ?? []
    const hasTls = given.tls !== undefined && given.tls.kind !== 'off'
    const wrong =
      first &&
      (typeProblem(given) ??
        datagramProblem(given, first) ??
        sctpProblem(given, first, hasTls) ??
        sourceProblem(given, first))
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
  if (type === 'SEQPACKET' && protocol !== 'SCTP') return "'type = SEQPACKET' requires 'protocol = SCTP'"
  return type === 'DGRAM' && protocol !== 'UDP' ? "'type = DGRAM' requires 'protocol = UDP'" : undefined
}

function sourceProblem(
  {
    localAddress,
    proxyProtocol,
  }: Pick<OverrideSettings, 'localAddress'> & { readonly proxyProtocol: ProxyProtocol },
  target: BindTarget,
) {
  const hasAddress = proxyProtocol !== 'no' || !isUnix(target)
  return !hasAddress && localAddress === 'client' ? NO_CLIENT_ADDRESS : undefined
}

const NO_CLIENT_ADDRESS = "'local address = client': clients of a Unix socket have no address to connect from"

const spawnRows = {
  accept: value('accept', choice(['broker', 'direct']), 'broker', {
    doc:
      'Which process accepts connections. `broker`: the master, which passes each one to a child according to ' +
      '`users min|max` and the sticky cache. `direct`: the children themselves, from shared accept queues, which ' +
      'costs less; any idle child takes the next client. A change requires a restart.',
    isOurs: true,
  }),
  exec: optional('exec', executableFile, {
    doc: 'Program of the children; `%o` expands to the platform.',
    defaultText: 'this program',
    isAlsoOutside: true,
  }),
  id: optional('id', text('NAME'), {
    doc: 'Section that the children read. The option `-i` overrides it.',
    defaultText: "the children's program name",
    isAlsoOutside: true,
  }),
  config: optional('config', text('FILE'), {
    doc:
      'Configuration file of the children, with its own includes; it contains their section. Children of another ' +
      'program receive its path as an argument.',
    defaultText: 'this file',
  }),
  instancesMin: value('instances|servers|processes min|minimum', count({ min: 1, max: 4096 }), 2, {
    doc: 'Minimum number of children, capped at the maximum. A single process has no children.',
  }),
  instancesMax: value('instances|servers|processes max|maximum', count({ min: 1, max: 4096 }), 8, {
    doc: 'Maximum number of children.',
  }),
  usersMin: value('users min|minimum', count(), 5, {
    doc: 'Number of connections up to which a child is filled before another one is preferred, capped at the maximum.',
  }),
  usersMax: value('users max|maximum', count(), 0, {
    doc: 'Maximum number of concurrent connections of a child.',
    zero: 'limited by its file descriptors',
  }),
  hangTimeoutMs: value('hang timeout', time(), 30_000, {
    doc:
      'Time after which a child that does not answer the master is killed and replaced; four times as long while ' +
      'it starts. A child stopped by a signal or a debugger is not killed. Children of another program are not ' +
      'checked.',
    zero: 'never',
    isOurs: true,
  }),
  user: optional('userid', userId, {
    doc:
      'User that the children run as, with the primary group of its account and no supplementary groups. A number ' +
      'without an account is used as the group as well.',
  }),
  group: optional('groupid', groupId, { doc: 'Group that the children run as.' }),
  workingDirectory: optional('working directory', workingDirectory, {
    doc: 'Working directory of the children.',
    isAlsoOutside: true,
  }),
  ipcKey: optional('ipc key', count(), {
    doc: 'Accepted, has no effect: the master always passes the configuration to its children.',
  }),
  stickyCachePeriodMs: { ...stickyCacheRows.stickyCachePeriodMs, isAlsoOutside: true },
  stickyCacheSize: { ...stickyCacheRows.stickyCacheSize, isAlsoOutside: true },
}

export const spawnBlock = completedBlock(
  'spawn',
  'The children are the processes that relay.',
  spawnRows,
  (given, completion) => {
    // The block always exists: others read its settings even if it was not given.
    if (given.accept === 'direct' && given.exec !== undefined) {
      completion.refuse('`accept = direct` requires children of this program and cannot be used with `exec`')
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
  admin: repeated('admin', adminBlock, { isOurs: true }),
  ...ruleRows({
    spellings: ['acl permit|accept|deny|reject'],
    whose:
      'Access rules. The first one that matches a client decides; if rules exist and none matches, `default` does. `not` inverts ' +
      'the match. Rules are about IP clients: networks in CIDR notation, `file`, `country` and `asn` (of `geo file`); about ' +
      'clients of Unix sockets: `user` and `group` (names or numbers); or about all clients: the other words, which are those of ' +
      'routes. With rules for one kind of client only, those of the other kind are admitted. `file` names a file with an address, ' +
      'a network or a range `FIRST - LAST` per line; `#` and `;` begin comments. It is read again when it changes, without a ' +
      'reload; while it cannot be read or has a mistake, the previous entries are kept. Group rules use the groups of the client ' +
      'process at connection time. Rules about TLS, certificates, server names and protocols are evaluated when these are known; ' +
      'all others before a byte is read. Listeners and routes may have lists of their own: a client has to pass each of them.',
  }),
  overload: value('overload', choice(['queue', 'close', 'reset']), 'queue', {
    doc:
      'Handling of new connections while all children are full. `queue`: they wait in the kernel; `close`: they ' +
      'are accepted and closed; `reset`: they are accepted and reset.',
  }),
  singleProcess: value('single process', yesNo, false, {
    doc: 'Run as one process without children, as with the option `-1`.',
  }),
  oldGenerationTimeoutMs: value('old generation timeout', time(), 0, {
    doc: 'How long sessions may continue under the previous configuration after a reload.',
    zero: 'no limit; at most eight previous configurations, the oldest is ended first',
    isOurs: true,
  }),
  background: value('background', yesNo, false, {
    doc: 'Detach from the terminal. The options `-b` and `-f` override it.',
  }),
  pidfile: optional('pidfile|pid-file', writtenFile, {
    doc: 'File that the process id is written to. The option `-p` overrides it.',
  }),
  bindRetryDelayMs,
  ...keepaliveRows,
  tcpBufsizeBytes,
  ...allInherited(commonRows),
}

export const spawndBlock = completedBlock(
  'spawnd',
  'The master accepts connections and supervises the children.',
  spawndRows,
  (given) => ({ ...given, listeners: eachListener(given.listeners) }),
)

type ListenBlock = SettingsOf<typeof listenBlock>

/**
 * One listener for each port of each block, with the settings of the block. Default of `ipv6 only`: yes for `::` beside
 * `0.0.0.0`, because a dual-stack socket would conflict with the IPv4 one.
 */
function eachListener(blocks: readonly ListenBlock[]) {
  const placesOfIpv4 = new Set(
    blocks.flatMap(({ binds, protocol }) =>
      binds.flatMap((bind) => (isOn(bind, '0.0.0.0') ? placeOf(bind, protocol) : [])),
    ),
  )
  return blocks.flatMap(({ binds, ...rest }, block) => {
    // There may be 65,536 listeners. V8 copies an object ten times as fast if it has all properties of the copy.
    const common = { ...rest, bind: undefined, block, portIndex: 0 }
    return binds.map((bind, portIndex) => {
      const hasIpv4Twin = isOn(bind, '::') && placesOfIpv4.has(placeOf(bind, common.protocol))
      const ipv6Only = rest.ipv6Only ?? hasIpv4Twin
      return { ...common, bind, portIndex, ipv6Only, sctp: sctpAt(common.sctp, bind) }
    })
  })
}

function isOn(bind: BindTarget, host: string): boolean {
  return bind.kind === 'address' && bind.address.family !== 'unix' && bind.address.host === host
}

/** Multipath TCP shares the ports of TCP. */
function placeOf(bind: BindTarget, protocol: string): string {
  const port = bind.kind === 'address' && bind.address.family !== 'unix' ? bind.address.port : ''
  return `${protocol === 'SCTP' ? protocol : 'TCP'} ${port}`
}

export type SpawndSettings = SettingsOf<typeof spawndBlock>
/** `block`: index of its `listen` block; `portIndex`: index of its port within the block. */
export type ListenerSettings = SpawndSettings['listeners'][number]
