import { CHILDREN_MAX } from '../accept/dispatcher.js'
import type { PlacementLimits } from '../accept/placement.js'
import type { StickyOptions } from '../accept/sticky-cache.js'
import { type AccessTable, compileAccess, EVERYBODY } from '../admission/access-list.js'
import type { IdentityRule } from '../admission/identity-list.js'
import { formatAddress, formatHost, type HostAddress, type SocketAddress, withPort } from '../base/address.js'
import type { Shape } from '../cells/layout.js'
import type { AccessRule } from '../config/access-rule.js'
import type { Configuration } from '../config/load.js'
import { mavisSettings } from '../config/mavis-settings.js'
import { formatPorts, portList } from '../config/port-types.js'
import type { ListenerSettings, SpawndSettings } from '../config/table-spawnd.js'
import type { RemoteSettings as ConfiguredRemote, TcprelaySettings } from '../config/table-tcprelay.js'
import type { TlsMode } from '../config/tls-mode.js'
import type { AcceptorSettings } from '../engine/acceptor-settings.js'
import type { GenerationSettings, RemoteSettings } from '../engine/reactor-settings.js'
import type { TlsSettings } from '../engine/tls-settings.js'
import { IPPROTO_TCP, IPPROTO_UDP } from '../kernel/constants.js'
import { countOpenDescriptors, descriptorLimit } from '../kernel/limits.js'
import { largestPipeBytes } from '../kernel/pipe-size.js'
import { ephemeralPorts } from '../kernel/port-range.js'
import { IPPROTO_SCTP } from '../kernel/sctp.js'
import type { Asking } from '../relay/options.js'
import { PLAIN_REMOTE } from '../relay/remote-options.js'
import type { RemotePorts } from '../relay/remotes.js'
import { PIPE_BYTES_MAX, type PipeOptions } from '../relay/transfer/pipes.js'
import { SPLICE_POLICIES } from '../relay/transfer/splice-policies.js'
import type { NamedRemote } from '../services/resolver.js'
import {
  type AcceptMessage,
  FLAG_ACCOUNTING,
  FLAG_HAPROXY,
  FLAG_TLS_AUTO,
  FLAG_TLS_PSK,
} from '../wire/child-message.js'
import { resolvable } from './check.js'
import { keepAliveOf, localPorts, remoteOptions, socketOptions } from './socket-settings.js'

/** Bytes of a reactor's log ring: a second of access lines at 10,000 connections a second. */
const RING_BYTES = 2 * 1024 * 1024

/** What there is to know of the listeners that clients come from, by slot; none where a foreign master has them. */
export interface ClientListeners {
  readonly mptcpListeners: readonly boolean[]
  readonly portIndexes: readonly number[]
}

/** Where the remotes of a configuration are. */
export interface RemotePlaces {
  /** The slot of each remote, in the order of the configuration. */
  readonly remoteSlots: readonly number[]
  /** Addresses of named remotes that are known already, by slot. */
  readonly addresses: ReadonlyMap<number, readonly SocketAddress[]>
}

/** Zero is "no limit" in the language. */
const orForever = (ms: number) => (ms === 0 ? Number.POSITIVE_INFINITY : ms)

/** What a configuration says to the relay; cells, listeners and limits come from the process. */
export function relaySettings(
  { tcprelay }: Configuration,
  { remotes: remotesTls, ...tls }: TlsSettings,
  { mptcpListeners, portIndexes }: ClientListeners,
  { addresses, remoteSlots }: RemotePlaces,
): Pick<GenerationSettings, 'remotes' | 'relay' | 'rebalance' | 'tls'> {
  const { localAddress } = tcprelay
  const hasAccessLog = tcprelay.accessLog !== undefined
  const asks = askingOf(tcprelay)
  const remotes = tcprelay.remotes.map((remote, i) =>
    remoteSettings(remote, remotesTls[i]?.client, portIndexes, addresses.get(remoteSlots[i] as number)),
  )
  return {
    remotes: bySlot(remotes, remoteSlots),
    tls,
    rebalance: tcprelay.rebalance,
    relay: {
      connectTimeoutMs: orForever(tcprelay.connectTimeoutMs),
      dialTimeoutMs: orForever(tcprelay.dialTimeoutMs),
      dialRetries: tcprelay.dialRetries,
      idleTimeoutMs: tcprelay.idleTimeoutMs,
      halfCloseTimeoutMs: tcprelay.halfCloseTimeoutMs,
      keepAlive: keepAliveOf(tcprelay),
      splice: SPLICE_POLICIES[tcprelay.splice],
      localAddress: localAddress === 'client' ? localAddress : localAddress && withPort(localAddress, 0),
      localPorts: localPorts(tcprelay),
      mptcpListeners,
      ephemeralPorts: ephemeralPorts(),
      retireLimit: tcprelay.retire,
      hasAccessLog,
      asks,
      notesPeers: hasAccessLog || asks !== undefined || localAddress === 'client' || tls.servers.length > 0,
    },
  }
}

/** Bytes of a child's log ring where there may be hundreds; pages that are never written cost nothing. */
const CHILD_RING_BYTES = 256 * 1024

/** Reactors of masters that count in the cells of their children: during a reload that of the old configuration, too. */
const FRONTS = 2

/** The cells of a master's children: rows for each that there may be, and for the master that accepts for them. */
export function masterShape({ spawnd, tcprelay }: Configuration): Shape {
  return {
    children: CHILDREN_MAX + FRONTS,
    remotes: tcprelay.remotes.length,
    listeners: spawnd.listeners.length,
    ringBytes: CHILD_RING_BYTES,
  }
}

/** Children are this program, unless the configuration names another one. */
export function isOwnProgram({ exec }: SpawndSettings['spawn']): boolean {
  return exec === undefined
}

/** No child of ours takes more than its descriptors allow, which is also the default: it inherits our limit. */
export function placementLimits({ spawn }: SpawndSettings): PlacementLimits {
  const { instancesMax, instancesMin, usersMin } = spawn
  const { usersMax: wanted } = spawn
  const usersMax =
    wanted === 0 ? childSessionsMax() : isOwnProgram(spawn) ? Math.min(wanted, childSessionsMax()) : wanted
  return { instancesMin, instancesMax, usersMin: Math.min(usersMin, usersMax), usersMax }
}

/** What a master's reactor has to know; `cells` are its own, `front` lies in those of its children. */
export function acceptorSettings(
  { spawnd, tcprelay }: Configuration,
  listenerNames: readonly string[],
  { cells, front }: Pick<AcceptorSettings, 'cells' | 'front'>,
  traceMask: number,
): Omit<AcceptorSettings, 'mechanism'> {
  return {
    cells,
    front,
    listeners: spawnd.listeners.map((settings, slot) => ({
      name: listenerNames[slot] ?? '',
      message: acceptMessage(settings, slot),
      queue: settings,
      datagramSockets: settings.protocol === 'UDP' ? socketOptions(settings) : undefined,
      block: settings.block,
      sticky: stickyOptions(settings),
    })),
    limits: placementLimits(spawnd),
    // What another program takes is its own affair.
    retireLimit: isOwnProgram(spawnd.spawn) ? tcprelay.retire : 0,
    overload: spawnd.overload,
    wireBufferBytes: spawnd.tcpBufsizeBytes,
    sticky: stickyOptions(spawnd.spawn),
    accessTable: accessTableOf(spawnd.accessRules),
    identityRules: identityRulesOf(spawnd.accessRules),
    hasAccessLog: tcprelay.accessLog !== undefined,
    traceMask,
  }
}

const accessTables = new WeakMap<readonly AccessRule[], AccessTable>()

/** The table of a configuration's rules: made once, however many children get it. */
function accessTableOf(rules: readonly AccessRule[]): AccessTable {
  const table = accessTables.get(rules) ?? compileAccess(rules.filter((rule) => 'networks' in rule))
  accessTables.set(rules, table)
  return table
}

/** Lines about clients of Unix sockets are few: they are asked one after the other. */
function identityRulesOf(rules: readonly AccessRule[]): readonly IdentityRule[] {
  return rules.flatMap((rule) => {
    if ('networks' in rule) return []
    const { groups, isNegated, isPermit, position, users } = rule
    return { groups, isNegated, isPermit, position, users }
  })
}

/** What a process that accepts by itself has to know of it. */
export function acceptSettings({
  spawnd,
}: Configuration): Pick<GenerationSettings, keyof typeof NO_ACCEPTING> {
  const { accessRules, listeners, overload } = spawnd
  return {
    accessTable: accessTableOf(accessRules),
    identityRules: identityRulesOf(accessRules),
    overload,
    listenerQueues: listeners.map(({ backlog, overloadBacklog }) => ({ backlog, overloadBacklog })),
  }
}

/** What a child that accepts by itself has to know beside its listeners. */
export type ChildAcceptSettings = ReturnType<typeof acceptSettings> & {
  /** Sessions that it may have at most. Zero: as many as its descriptors allow. */
  readonly usersMax: number
}

export function childAcceptSettings(configuration: Configuration): ChildAcceptSettings {
  return { ...acceptSettings(configuration), usersMax: configuration.spawnd.spawn.usersMax }
}

/** What a process has to know of accepting when a master does it. */
export const NO_ACCEPTING = {
  listenerQueues: [],
  accessTable: EVERYBODY,
  identityRules: [],
  overload: 'queue',
} as const

/** Undefined: no cache of its own. */
export function stickyOptions(
  settings: Pick<ListenerSettings, 'stickyCachePeriodMs' | 'stickyCacheSize'>,
): StickyOptions | undefined {
  const { stickyCachePeriodMs: periodMs, stickyCacheSize: size } = settings
  return periodMs === 0 ? undefined : { periodMs, size }
}

/** What a child hears of each connection of a listener. */
export function acceptMessage(listener: ListenerSettings, slot: number): AcceptMessage {
  const { aaaProtocol, flags, haproxy, protocol, realm, sctp, tls, tlsPsk } = listener
  return {
    tlsVersions: protocol === 'UDP' ? packedDtlsVersions(tls) : packed(tls.versions, TLS_VERSION_BYTES),
    aaaProtocol: aaaProtocol === undefined ? 0 : AAA_PROTOCOL_NUMBERS[aaaProtocol],
    flags:
      (haproxy ? FLAG_HAPROXY : 0) |
      (flags.includes('accounting') ? FLAG_ACCOUNTING : 0) |
      (tlsPsk ? FLAG_TLS_PSK : 0) |
      (tls.kind === 'auto' ? FLAG_TLS_AUTO : 0),
    realm,
    listenerMark: slot + 1,
    protocol: protocol === 'UDP' ? IPPROTO_UDP : sctp === undefined ? IPPROTO_TCP : IPPROTO_SCTP,
  }
}

/** As the original packs versions: the low byte of each, the last one in the lowest place. */
function packed<V extends string>(versions: readonly V[], bytes: Readonly<Record<V, number>>): number {
  return versions.reduce((sum, version) => sum * 256 + bytes[version], 0)
}

/** Without a list it is what the original sends: 1.2 and 1.0, a byte apart. */
function packedDtlsVersions({ dtlsVersions, kind }: TlsMode): number {
  if (kind === 'off') return 0
  return dtlsVersions === undefined ? DTLS_WITHOUT_LIST : packed(dtlsVersions, DTLS_VERSION_BYTES)
}

const DTLS_WITHOUT_LIST = 0x00fd00ff

/** The second byte of the protocol versions (RFC 5246, 6.2.1; RFC 8446, 4.2.1). */
const TLS_VERSION_BYTES = { 'TLSv1.2': 3, 'TLSv1.3': 4 } as const

/** The same of DTLS (RFC 4347, 4.1; RFC 6347, 4.1; RFC 9147, 5.3). */
const DTLS_VERSION_BYTES = { 'DTLSv1.0': 0xff, 'DTLSv1.2': 0xfd, 'DTLSv1.3': 0xfc } as const

/**
 * The original sends the numbers that its keywords have in its build: their places in the sorted list. These are of
 * release 2026.07.24.
 */
const AAA_PROTOCOL_NUMBERS = {
  'radius.dtls': 385,
  'radius.tcp': 387,
  'radius.tls': 388,
  'radius.udp': 389,
  'tacacs.tcp': 465,
  'tacacs.tls': 466,
} as const

/** The cells of a single process: a row for each generation that there may be at once. */
export function singleShape({ tcprelay, spawnd }: Configuration, generations: number): Shape {
  const { length: remotes } = tcprelay.remotes
  return { children: generations, remotes, listeners: spawnd.listeners.length, ringBytes: RING_BYTES }
}

/** The remotes whose names have to be looked up. */
export function namedRemotes({ remotes }: TcprelaySettings): NamedRemote[] {
  return remotes.flatMap(({ target }, slot) =>
    target.kind === 'name' ? [{ slot, ...resolvable(target) }] : [],
  )
}

function remoteSettings(
  remote: ConfiguredRemote,
  tlsClient: number | undefined,
  portIndexes: readonly number[],
  known: readonly SocketAddress[] = [],
): RemoteSettings {
  const { sctp, target, weight } = remote
  const addresses = target.kind === 'name' ? known : [target.address]
  return {
    name: remoteName(remote),
    weight,
    addresses,
    ports: portsFor(remote, portIndexes),
    tlsClient,
    options: remoteOptions(remote),
    sctp,
  }
}

/** Of several ports each listener's clients go to the one in the same place. */
function portsFor({ ports }: ConfiguredRemote, portIndexes: readonly number[]): RemotePorts {
  if (ports === 'own' || ports === 'same') return ports
  const all = portList(ports)
  return portIndexes.map((index) => all[index] as number)
}

/** By listener: which of the ports of its `listen` block is its own. */
export function portIndexesOf({ listeners }: SpawndSettings): readonly number[] {
  return listeners.map(({ portIndex }) => portIndex)
}

/** Undefined: modules of MAVIS are not asked. */
function askingOf(tcprelay: TcprelaySettings): Asking | undefined {
  const { authorization, timeoutMs } = mavisSettings(tcprelay)
  return authorization === 'none' ? undefined : { about: authorization, timeoutMs }
}

/** By listener; '' where it has none. */
export function realmsOf({ listeners }: SpawndSettings): readonly string[] {
  return listeners.map(({ realm }) => realm)
}

/** As the configuration names it. */
export function remoteName({ ports, sctp, target }: ConfiguredRemote): string {
  if (ports === 'own') {
    const name = target.kind === 'name' ? `${target.host}:${target.port}` : formatAddress(target.address)
    return protocolName(name, sctp)
  }
  const host = target.kind === 'name' ? target.host : formatHost(target.address)
  return protocolName(`${host}:${ports === 'same' ? ports : formatPorts(ports)}`, sctp)
}

/** The same port of TCP and of SCTP are two places; a host with several addresses is named by all of them. */
export function protocolName(
  name: string,
  sctp: { readonly further: readonly HostAddress[] } | undefined,
): string {
  if (sctp === undefined) return name
  const further = sctp.further.map((address) => hostOf(formatAddress(address)))
  const host = hostOf(name)
  return `sctp:${[host, ...further].join()}${name.slice(host.length)}`
}

/** `[::1]` of `[::1]:80`. */
function hostOf(name: string): string {
  return name.slice(0, name.lastIndexOf(':'))
}

/** Slots that belong to remotes of other configurations hold one that has no address. */
function bySlot(remotes: readonly RemoteSettings[], slots: readonly number[]): RemoteSettings[] {
  const nobody: RemoteSettings = {
    name: '',
    weight: 1,
    addresses: [],
    ports: 'own',
    tlsClient: undefined,
    options: PLAIN_REMOTE,
  }
  const all = new Array<RemoteSettings>(Math.max(0, ...slots.map((slot) => slot + 1))).fill(nobody)
  for (const [i, remote] of remotes.entries()) all[slots[i] as number] = remote
  return all
}

/** Descriptors beside those of sessions: log files, name lookups, what Node opens by itself. */
const SPARE_DESCRIPTORS = 40

/**
 * How many sessions a process without children takes: what all children together might have had, or less.
 * `idleDescriptors`: that it has open without any session.
 */
export function sessionsMaxOf({ spawnd, tcprelay }: Configuration, idleDescriptors: number): number {
  const { instancesMax, usersMax } = spawnd.spawn
  const possible = sessionsMax(tcprelay, idleDescriptors)
  return usersMax === 0 ? possible : Math.min(possible, usersMax * instancesMax)
}

/** What a child has open when it is idle, about; it says exactly how much it takes when it has started. */
const IDLE_CHILD_DESCRIPTORS = 30

/** How many sessions a child can have, as far as its master knows. */
export function childSessionsMax(): number {
  return sessionsWith(descriptorLimit() - IDLE_CHILD_DESCRIPTORS)
}

/** How many sessions this process can have: each needs a descriptor for its client and one for its remote. */
export function sessionsMax(tcprelay: TcprelaySettings, idleDescriptors = countOpenDescriptors()): number {
  return sessionsWith(descriptorLimit() - idleDescriptors - moduleDescriptors(tcprelay))
}

/** Pipes to each helper process: its standard input, output and error. */
const DESCRIPTORS_PER_HELPER = 3

/** What the modules of MAVIS may come to have open. */
export function moduleDescriptors(tcprelay: TcprelaySettings): number {
  const { authorization, modules } = mavisSettings(tcprelay)
  if (authorization === 'none') return 0
  const each = modules.map((module) => {
    if (module.module === 'external') return module.childrenMax * DESCRIPTORS_PER_HELPER
    if (module.module === 'external-mt') return DESCRIPTORS_PER_HELPER
    return module.module === 'remote' ? module.servers.length : 0
  })
  return each.reduce((sum, count) => sum + count, 0)
}

function sessionsWith(descriptors: number): number {
  const free = descriptors - SPARE_DESCRIPTORS - 2 * pipesMax()
  return Math.max(1, Math.floor(free / 2))
}

/** Pipes of a process at most: 32 MiB of memory, and a small part of its descriptors. */
const PIPES_MAX = 32
const DESCRIPTORS_PER_PIPE = 64

function pipesMax(): number {
  return Math.min(PIPES_MAX, Math.floor(descriptorLimit() / DESCRIPTORS_PER_PIPE))
}

/** What the pipes of a process may be. */
export function pipeOptions(): PipeOptions {
  return { pipesMax: pipesMax(), pipeBytes: Math.min(PIPE_BYTES_MAX, largestPipeBytes()) }
}
