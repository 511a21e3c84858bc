import { formatAddress, withPort } from '../base/address.js'
import type { Configuration } from '../config/load.js'
import type { RemoteSettings as ConfiguredRemote, TcprelaySettings } from '../config/table-tcprelay.js'
import type { KeepAlive } from '../kernel/keepalive.js'
import type { NamedRemote } from '../master/resolver.js'
import { resolvable } from './check.js'
import type { ReactorSettings, RemoteSettings } from './reactor-settings.js'

/** Bytes of a reactor's log ring: a second of access lines at 10,000 connections a second. */
const RING_BYTES = 2 * 1024 * 1024

/** Zero is "no limit" in the language. */
const orForever = (ms: number) => (ms === 0 ? Number.POSITIVE_INFINITY : ms)

/** What a configuration says to the relay; cells, listeners and limits come from the process. */
export function relaySettings({
  tcprelay,
}: Configuration): Pick<ReactorSettings, 'remotes' | 'relay' | 'rebalance'> {
  return {
    remotes: tcprelay.remotes.map(remoteSettings),
    rebalance: tcprelay.rebalance,
    relay: {
      connectTimeoutMs: orForever(tcprelay.connectTimeoutMs),
      dialTimeoutMs: orForever(tcprelay.dialTimeoutMs),
      dialRetries: tcprelay.dialRetries,
      idleTimeoutMs: tcprelay.idleTimeoutMs,
      halfCloseTimeoutMs: tcprelay.halfCloseTimeoutMs,
      keepAlive: keepAliveOf(tcprelay),
      localAddress: tcprelay.localAddress && withPort(tcprelay.localAddress, 0),
      retireLimit: tcprelay.retire,
      hasAccessLog: tcprelay.accessLog !== undefined,
    },
  }
}

export function shapeFor({ tcprelay, spawnd }: Configuration): ReactorSettings['cells']['shape'] {
  const { length: remotes } = tcprelay.remotes
  return { children: 1, remotes, listeners: spawnd.listeners.length, ringBytes: RING_BYTES }
}

/** The remotes whose names have to be looked up. */
export function namedRemotes({ remotes }: TcprelaySettings): NamedRemote[] {
  return remotes.flatMap(({ target }, slot) =>
    target.kind === 'name' ? [{ slot, ...resolvable(target) }] : [],
  )
}

export function keepAliveOf(
  settings: Pick<
    TcprelaySettings,
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

function remoteSettings({ target, weight }: ConfiguredRemote): RemoteSettings {
  if (target.kind === 'name') return { name: `${target.host}:${target.port}`, weight, addresses: [] }
  return { name: formatAddress(target.address), weight, addresses: [target.address] }
}
