/** Names of remotes and listeners, as logs have them. */
import { formatAddress, formatHost, type HostAddress } from '../../base/address.js'
import { formatPorts } from '../../config/port-types.js'
import type { RemoteSettings } from '../../config/table-tcprelay.js'

/** As the configuration names it. */
export function remoteName({ ports, sctp, target }: RemoteSettings): string {
  if (ports === 'own') {
    const name = target.kind === 'name' ? `${target.host}:${target.port}` : formatAddress(target.address)
    return protocolName(name, sctp)
  }
  const host = target.kind === 'name' ? target.host : formatHost(target.address)
  return protocolName(`${host}:${ports === 'same' ? ports : formatPorts(ports)}`, sctp)
}

/** TCP and SCTP may have the same port, so names tell them apart; a host with several addresses is named by all of them. */
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
