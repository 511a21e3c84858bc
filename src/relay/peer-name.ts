/** Names of peers and listeners in logs. */
import { formatAddress } from '../base/address.js'
import { AF_INET } from '../kernel/constants.js'
import { credentialsIn } from '../kernel/peer-credentials.js'
import { decodeAddress, IPV4_AT, isMapped, MAPPED_IPV4_AT } from '../kernel/sockaddr.js'

/** A socket address as text: `192.0.2.7:5012`. IPv4-mapped addresses are shown as IPv4. */
export function describePeer(peer: Uint8Array): string {
  // Fast path: most clients are IPv4, and each line of the access log needs this text.
  if (peer[0] === AF_INET && peer[1] === 0) return ipv4Text(peer, IPV4_AT)
  const address = decodeAddress(peer)
  // No path is stored: clients of Unix sockets usually have none, and zeros after the family are no name.
  if (address.family === 'unix') return 'unix:'
  if (address.family === 'ipv6' && isMapped(peer)) {
    return ipv4Text(peer, MAPPED_IPV4_AT)
  }
  return formatAddress(address)
}

/** A listener by the local address of an accepted socket; a Unix socket with its path. */
export function describeListener(local: Uint8Array, byteLength: number): string {
  const address = decodeAddress(local, byteLength)
  return address.family === 'unix' ? formatAddress(address) : describePeer(local)
}

/** The host only: `10.0.0.1`, `2001:db8::1`, `fe80::1%2`; `unix:` for clients of Unix sockets. */
export function hostOf(peer: Uint8Array): string {
  const shown = describePeer(peer)
  if (shown === 'unix:') return shown
  const host = shown.slice(0, shown.lastIndexOf(':'))
  return host.startsWith('[') ? host.slice(1, -1) : host
}

/** A client for log lines: for clients of Unix sockets with user and group, if known. */
export function describeClient(peer: Uint8Array): string {
  const who = credentialsIn(peer)
  return who === undefined ? describePeer(peer) : `${describePeer(peer)} (uid ${who.user}, gid ${who.group})`
}

/** The port has the same offset in both structs, in network byte order. */
function ipv4Text(peer: Uint8Array, at: number): string {
  const port = ((peer[2] as number) << 8) | (peer[3] as number)
  return `${peer[at]}.${peer[at + 1]}.${peer[at + 2]}.${peer[at + 3]}:${port}`
}
