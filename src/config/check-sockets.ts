/** Checks combinations of socket options, address families and protocols that the kernel does not support. */
import type { SocketAddress } from '../base/address.js'
import type { Problems } from './problems.js'
import type { ListenerSettings } from './table-spawnd.js'
import type { RemoteSettings, TcprelaySettings } from './table-tcprelay.js'

/** Names of the socket directives that are given. */
type Given = readonly string[]

const NOT_OF_UNIX = 'Unix sockets do not have this option'

/** Directives of TCP sockets. Multipath TCP has them too, except those in `NOT_OF_MPTCP`. */
const OF_TCP = new Set(['congestion', 'user timeout', 'fast open', 'defer accept'])

/** Directives that MPTCP sockets reject, tried on Linux 6.18 (docs/platforms.md). */
const NOT_OF_MPTCP = new Set(['user timeout'])

/** MPTCP sockets do not support IPV6_TCLASS, and a listener on all addresses is an IPv6 socket. */
const DSCP_OF_MPTCP =
  "'dscp' with 'protocol = MPTCP' requires an IPv4 address: the kernel does not support it on IPv6"

/** Reports combinations of a listener's directives that the kernel rejects or ignores. */
export function checkListenerSockets(listeners: readonly ListenerSettings[], problems: Problems): void {
  for (const listener of listeners) {
    const { bind, deferAcceptMs, fastOpenQueue, ipv6Only, position, protocol } = listener
    const given = [
      ...givenOptions(listener),
      ...named('fast open', fastOpenQueue > 0),
      ...named('defer accept', deferAcceptMs > 0),
    ]
    const family = bind.kind === 'address' ? bind.address.family : undefined
    for (const text of findings(given, family, protocol)) problems.error(position, text)
    if (ipv6Only) {
      const reason = ipv6OnlyProblem(listener)
      if (reason !== undefined) problems.error(position, `'ipv6 only' ${reason}`)
    }
    if (bind.kind === 'inherited' && protocol === 'MPTCP') {
      const text =
        "'protocol = MPTCP' cannot be set on an inherited socket: use SocketProtocol=mptcp in the systemd socket unit"
      problems.error(position, text)
    }
  }
}

function ipv6OnlyProblem({ bind, sctp }: ListenerSettings): string | undefined {
  if (bind.kind === 'inherited') {
    return 'cannot be set on an inherited socket: use BindIPv6Only=ipv6-only in the systemd socket unit'
  }
  const isIpv6 = bind.kind !== 'address' || bind.address.family === 'ipv6'
  if (!isIpv6) return 'requires a listener on an IPv6 address or without an address'
  const hasIpv4 = sctp?.further.some(({ family }) => family === 'ipv4') === true
  return hasIpv4 ? 'cannot be used with a further IPv4 address' : undefined
}

/** Like `checkListenerSockets`, for remotes. */
export function checkRemoteSockets({ remotes }: TcprelaySettings, problems: Problems): void {
  for (const remote of remotes) {
    const { fastOpen, position, protocol, target } = remote
    const given = [...givenOptions(remote), ...named('fast open', fastOpen)]
    const family = target.kind === 'address' ? target.address.family : undefined
    for (const text of findings(given, family, protocol)) problems.error(position, text)
  }
}

/** `family`: undefined for names and inherited sockets, whose family is not known yet. */
function findings(
  given: Given,
  family: SocketAddress['family'] | undefined,
  protocol: ListenerSettings['protocol'],
): string[] {
  if (family === 'unix') {
    const names = [...given, ...named(`protocol = ${protocol}`, protocol === 'MPTCP')]
    return names.map((name) => `'${name}': ${NOT_OF_UNIX}`)
  }
  // TCP has all of these options.
  if (protocol === 'TCP') return []
  const refused = protocol === 'MPTCP' ? NOT_OF_MPTCP : OF_TCP
  const reasons = given
    .filter((name) => refused.has(name))
    .map(
      (name) => `'${name}' cannot be used with 'protocol = ${protocol}': the kernel supports it for TCP only`,
    )
  const isLost = protocol === 'MPTCP' && family !== 'ipv4' && given.includes('dscp')
  return isLost ? [...reasons, DSCP_OF_MPTCP] : reasons
}

function givenOptions(settings: ListenerSettings | RemoteSettings): Given {
  const { congestion, device, dscp, fwmark, userTimeoutMs } = settings
  return [
    ...named('bind to device', device !== ''),
    ...named('fwmark', fwmark > 0),
    ...named('dscp', dscp > 0),
    ...named('congestion', congestion !== ''),
    ...named('user timeout', userTimeoutMs > 0),
  ]
}

function named(name: string, isGiven: boolean): Given {
  return isGiven ? [name] : []
}
