/** Socket options of listeners and of connections to remotes. */
import type { ListenerOptions } from '../../accept/options.js'
import { effectiveSendProxy, type SendProxySettings } from '../../config/effective-send-proxy.js'
import type { Configuration } from '../../config/load.js'
import type { OverrideSettings } from '../../config/table-overrides.js'
import type { RelayingSettings } from '../../config/table-relaying.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import { isDynamic, type RemoteSettings } from '../../config/table-tcprelay.js'
import type { KeepAlive } from '../../kernel/keepalive.js'
import { namesOfSet, socketOptions } from '../../kernel/socket-options.js'
import type { RemoteOptions } from '../../relay/remote-options.js'

type Sections = Pick<Configuration, 'spawnd' | 'tcprelay'>

export function listenerOptions(settings: ListenerSettings): Omit<ListenerOptions, 'address'> {
  const { backlog, deferAcceptMs, fastOpenQueue, ipv6Only, protocol, sctp } = settings
  return {
    backlog,
    isMptcp: protocol === 'MPTCP',
    isUdp: protocol === 'UDP',
    ipv6Only,
    fastOpenQueue,
    deferAcceptS: deferAcceptMs / 1000,
    keepAlive: keepAliveOf(settings),
    socket: socketOptions(settings),
    sctp,
  }
}

export function remoteOptions(settings: RemoteSettings, pool: SendProxySettings | undefined): RemoteOptions {
  const socket = socketOptions(settings)
  const proxy = effectiveSendProxy(settings, pool)
  return {
    socket: namesOfSet(socket).length > 0 ? socket : undefined,
    isMptcp: settings.protocol === 'MPTCP',
    isFastOpen: settings.fastOpen,
    // Version 1 has none, where the pool has some for its other remotes.
    sendProxy: proxy && {
      version: proxy.version,
      tlvs: proxy.version === 'v2' ? (proxy.tlvs?.value ?? []) : [],
    },
  }
}

/** The format of IP_LOCAL_PORT_RANGE (ip(7)): the highest port in the upper half. Zero: the system's range. */
export function localPorts({ localPortRange }: Pick<RelayingSettings, 'localPortRange'>): number {
  return localPortRange === undefined ? 0 : localPortRange.most * 0x1_0000 + localPortRange.least
}

/** Whether processes that connect to remotes need CAP_NET_ADMIN. */
export function needsNetAdmin(configuration: Configuration): boolean {
  return usesClientAddress(configuration) || configuration.tcprelay.remotes.some(({ fwmark }) => fwmark > 0)
}

/** Whether connections of a pool or listener come from the addresses of their clients. */
export function usesClientAddress(sections: Sections): boolean {
  return sourcesIn(sections).some(({ localAddress }) => localAddress === 'client')
}

/** All that say where connections come from: pools, listeners, and the section itself for its dynamic routes. */
export function sourcesIn({
  spawnd,
  tcprelay,
}: Sections): readonly Pick<OverrideSettings, 'localAddress' | 'localPortRange'>[] {
  return [...tcprelay.pools, ...spawnd.listeners, ...(tcprelay.routes.some(isDynamic) ? [tcprelay] : [])]
}

export function keepAliveOf(
  settings: Pick<
    RelayingSettings,
    'tcpKeepalive' | 'tcpKeepaliveCount' | 'tcpKeepaliveIdleMs' | 'tcpKeepaliveIntervalMs'
  >,
): KeepAlive {
  return {
    isOn: settings.tcpKeepalive,
    count: settings.tcpKeepaliveCount ?? 0,
    idleS: (settings.tcpKeepaliveIdleMs ?? 0) / 1000,
    intervalS: (settings.tcpKeepaliveIntervalMs ?? 0) / 1000,
  }
}

/** Whether two listeners are bound with the same options. */
export function isSameSocket(one: ListenerSettings, other: ListenerSettings): boolean {
  const { backlog: _backlog, ...options } = listenerOptions(one)
  const { backlog: _otherBacklog, ...otherOptions } = listenerOptions(other)
  return JSON.stringify(options) === JSON.stringify(otherOptions)
}
