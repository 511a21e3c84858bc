/** Names of remotes and listeners in logs. */
import { formatAddress, formatHost, type HostAddress } from '../../base/address.js'
import { formatPorts } from '../../config/port-types.js'
import { DEFAULT_POOL } from '../../config/table-pool.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import type { RemoteSettings } from '../../config/table-tcprelay.js'

/** The name in logs: the configured one, or the address. */
export function remoteName({
  name,
  ...remote
}: Pick<RemoteSettings, 'name' | 'ports' | 'sctp' | 'target'>): string {
  return name ?? endpointName(remote)
}

/** The identity of a remote across reloads, with its pool: names are unique per pool only. */
export function remoteKey(
  remote: Pick<RemoteSettings, 'name' | 'poolName' | 'ports' | 'sctp' | 'target'>,
): string {
  return keyInPool(remote.poolName, remoteName(remote))
}

export function keyInPool(poolName: string, name: string): string {
  return poolName === DEFAULT_POOL ? name : `${poolName}/${name}`
}

/** The address as it is configured. */
function endpointName({ ports, sctp, target }: Pick<RemoteSettings, 'ports' | 'sctp' | 'target'>): string {
  if (target.kind === 'discovered') return `discovered ${target.index + 1}`
  if (ports === 'own') {
    const name = target.kind === 'name' ? `${target.host}:${target.port}` : formatAddress(target.address)
    return protocolName(name, sctp)
  }
  const host = target.kind === 'name' ? target.host : formatHost(target.address)
  return protocolName(`${host}:${ports === 'same' ? ports : formatPorts(ports)}`, sctp)
}

/**
 * Names of listeners in logs, by slot: the configured ones, or the addresses (`places`). Listeners of a block with
 * several ports have the port in their names: `front:8001`.
 */
export function listenerNames(
  listeners: readonly Pick<ListenerSettings, 'block' | 'name' | 'portIndex'>[],
  places: readonly string[],
): readonly string[] {
  const severalPorts = new Set(listeners.flatMap(({ block, portIndex }) => (portIndex > 0 ? [block] : [])))
  return places.map((place, slot) => {
    const { block = 0, name } = listeners[slot] ?? {}
    if (name === undefined) return place
    return severalPorts.has(block) ? `${name}${place.slice(place.lastIndexOf(':'))}` : name
  })
}

/** TCP and SCTP have separate ports, so the name has the protocol; a multihomed host is named by all its addresses. */
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
