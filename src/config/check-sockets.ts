import type { SocketAddress } from '../base/address.js'
import type { Problems } from './problems.js'
import type { ListenerSettings } from './table-spawnd.js'
import type { RemoteSettings, TcprelaySettings } from './table-tcprelay.js'

/** The directives of a socket that are given, by their names. */
type Given = readonly string[]

/** What a Unix socket is, and what knows none of these directives. */
const UNIX = 'a Unix socket has no such thing'

/** Directives that only sockets of TCP have, and those of Multipath TCP as far as it is not said below. */
const OF_TCP = new Set(['congestion', 'user timeout', 'fast open', 'defer accept'])

/** What sockets of Multipath TCP refuse, tried on Linux 6.18 (docs/platforms.md). */
const NOT_OF_MPTCP = new Set(['user timeout'])

/** IPV6_TCLASS is not among its options, and a listener for all addresses is one of IPv6. */
const DSCP_OF_MPTCP = "'dscp' goes with 'protocol = MPTCP' on an IPv4 address only: the kernel has no more"

/** Combinations of a listener's directives that the kernel refuses, or that mean nothing. */
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
        "'protocol = MPTCP' is up to whoever opens the socket: systemd has SocketProtocol=mptcp for it"
      problems.error(position, text)
    }
  }
}

function ipv6OnlyProblem({ bind, sctp }: ListenerSettings): string | undefined {
  if (bind.kind === 'inherited') {
    return 'is up to whoever opens the socket: systemd has BindIPv6Only=ipv6-only for it'
  }
  const isIpv6 = bind.kind !== 'address' || bind.address.family === 'ipv6'
  if (!isIpv6) return 'is for a listener on an IPv6 address, or without an address'
  const hasIpv4 = sctp?.further.some(({ family }) => family === 'ipv4') === true
  return hasIpv4 ? 'does not go with a further address of IPv4' : undefined
}

/** The same for remotes. */
export function checkRemoteSockets({ remotes }: TcprelaySettings, problems: Problems): void {
  for (const remote of remotes) {
    const { fastOpen, position, protocol, target } = remote
    const given = [...givenOptions(remote), ...named('fast open', fastOpen)]
    const family = target.kind === 'address' ? target.address.family : undefined
    for (const text of findings(given, family, protocol)) problems.error(position, text)
  }
}

/** `family`: of its address, where that is known. */
function findings(
  given: Given,
  family: SocketAddress['family'] | undefined,
  protocol: ListenerSettings['protocol'],
): string[] {
  if (family === 'unix') {
    const names = [...given, ...named(`protocol = ${protocol}`, protocol === 'MPTCP')]
    return names.map((name) => `'${name}': ${UNIX}`)
  }
  if (protocol === 'TCP') return []
  const refused = protocol === 'MPTCP' ? NOT_OF_MPTCP : OF_TCP
  const reasons = given
    .filter((name) => refused.has(name))
    .map((name) => `'${name}' does not go with 'protocol = ${protocol}': the kernel has it for TCP only`)
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
