/** The listeners of a plan. */
import { hostname } from 'node:os'
import type { StickyOptions } from '../../accept/sticky-cache.js'
import { compileAccess } from '../../admission/compile-access.js'
import { isUnix } from '../../config/endpoint.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import type { TlsMode } from '../../config/tls-mode.js'
import type { ListenerPlan } from '../../engine/plan.js'
import type { ListenerTlsSettings } from '../../engine/tls-settings.js'
import { IPPROTO_TCP, IPPROTO_UDP } from '../../kernel/constants.js'
import { IPPROTO_SCTP } from '../../kernel/sctp.js'
import type { SocketKind } from '../../kernel/socket-kind.js'
import { socketOptions } from '../../kernel/socket-options.js'
import type { ListenerStarttlsPlan } from '../../relay/context.js'
import type { ProxyPlan } from '../../relay/proxy-peers.js'
import {
  type AcceptMessage,
  FLAG_ACCOUNTING,
  FLAG_HAPROXY,
  FLAG_TLS_AUTO,
  FLAG_TLS_PSK,
} from '../../wire/child-message.js'
import { endless } from '../load/endless.js'
import { poolIndex } from './pool-plans.js'
import { sessionOverrides } from './session-plans.js'

/** Names and kinds of the listeners, by slot, after the head has tried to bind them. */
export interface BoundAs {
  readonly listenerNames: readonly string[]
  readonly listenerKinds: readonly SocketKind[]
  /** Indexes of their rows of counters in the cells. */
  readonly listenerSlots: readonly number[]
}

export function listenerPlans(
  listeners: readonly ListenerSettings[],
  { listenerKinds, listenerNames, listenerSlots }: BoundAs,
  tls: readonly ListenerTlsSettings[],
  relay: Pick<TcprelaySettings, 'pools'>,
): readonly ListenerPlan[] {
  const overrides = new Map(listeners.filter(isFirstPort).map((one) => [one.block, sessionOverrides(one)]))
  return listeners.map((settings, slot) => {
    const { backlog, block, maxConnections, overloadBacklog, pool, portIndex, protocol, realm } = settings
    return {
      name: listenerNames[slot] ?? '',
      kind: listenerKinds[slot] ?? 'tcp',
      realm,
      pool: pool && poolIndex(relay, pool.value),
      overrides: overrides.get(block),
      portIndex,
      countersSlot: listenerSlots[slot] as number,
      maxConnections: endless(maxConnections),
      proxy: proxyPlan(settings),
      starttls: starttlsPlan(settings),
      isMptcp: protocol === 'MPTCP',
      isUdp: protocol === 'UDP',
      queue: { backlog, overloadBacklog },
      block,
      sticky: stickyOptions(settings),
      message: acceptMessage(settings, slot),
      tls: tls[slot] ?? { mode: 'off' },
      socket: socketOptions(settings),
    }
  })
}

/**
 * Undefined: its peers are clients. Also for children of another program, which may be started without `proxy from`: they
 * read the header themselves, and have a list of trusted peers of their own.
 */
function proxyPlan({
  bind,
  detectTimeoutMs,
  proxyFrom,
  proxyProtocol,
}: ListenerSettings): ProxyPlan | undefined {
  if (proxyProtocol === 'no' || (proxyFrom.length === 0 && !isUnix(bind))) return undefined
  return {
    isOptional: proxyProtocol === 'optional',
    // A rule also without networks: without a rule everybody would be admitted.
    from: compileAccess([{ isPermit: true, isNegated: false, networks: proxyFrom.flat() }]),
    timeoutMs: endless(detectTimeoutMs),
  }
}

function starttlsPlan({ starttls, starttlsName }: ListenerSettings): ListenerStarttlsPlan | undefined {
  // A listener cannot speak it (`config/check-listener-starttls.ts`).
  if (starttls === undefined || starttls.value === 'mysql') return undefined
  return { protocol: starttls.value, serverName: starttlsName ?? hostname() }
}

function isFirstPort({ portIndex }: ListenerSettings): boolean {
  return portIndex === 0
}

/** Undefined: the listener has no cache of its own. */
export function stickyOptions(
  settings: Pick<ListenerSettings, 'stickyCachePeriodMs' | 'stickyCacheSize'>,
): StickyOptions | undefined {
  const { stickyCachePeriodMs: periodMs, stickyCacheSize: size } = settings
  return periodMs === 0 ? undefined : { periodMs, size }
}

/** The message that a child receives with each connection of a listener. */
function acceptMessage(listener: ListenerSettings, slot: number): AcceptMessage {
  const { aaaProtocol, flags, protocol, proxyProtocol, realm, sctp, tls, tlsPsk } = listener
  return {
    tlsVersions: protocol === 'UDP' ? packedDtlsVersions(tls) : packed(tls.versions, TLS_VERSION_BYTES),
    aaaProtocol: aaaProtocol === undefined ? 0 : AAA_PROTOCOL_NUMBERS[aaaProtocol],
    flags:
      (proxyProtocol !== 'no' ? FLAG_HAPROXY : 0) |
      (flags.includes('accounting') ? FLAG_ACCOUNTING : 0) |
      (tlsPsk ? FLAG_TLS_PSK : 0) |
      (tls.kind === 'auto' ? FLAG_TLS_AUTO : 0),
    realm,
    listenerMark: slot + 1,
    protocol: protocol === 'UDP' ? IPPROTO_UDP : sctp === undefined ? IPPROTO_TCP : IPPROTO_SCTP,
  }
}

/** The format of the original: the low byte of each version, the last one in the lowest byte. */
function packed<V extends string>(versions: readonly V[], bytes: Readonly<Record<V, number>>): number {
  return versions.reduce((sum, version) => sum * 256 + bytes[version], 0)
}

/** Without a list of versions, the value of the original: 1.2 and 1.0 with an empty byte between them. */
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
 * The original sends the numbers of keywords in its build, which are indexes in a sorted list. These are of release
 * 2026.07.24.
 */
const AAA_PROTOCOL_NUMBERS = {
  'radius.dtls': 385,
  'radius.tcp': 387,
  'radius.tls': 388,
  'radius.udp': 389,
  'tacacs.tcp': 465,
  'tacacs.tls': 466,
} as const
