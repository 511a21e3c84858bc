import { formatAddress } from '../base/address.js'
import { AF_INET } from '../kernel/constants.js'
import { credentialsIn } from '../kernel/peer-credentials.js'
import { decodeAddress } from '../kernel/sockaddr.js'

/** How IPv4 clients of a dual-stack listener look: ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** Where the address begins in struct sockaddr_in6, and where its last four bytes do. */
const ADDRESS_AT = 8
const MAPPED_IPV4_AT = 20

/** Where it is in struct sockaddr_in. */
const IPV4_IN_SOCKADDR_IN_AT = 4

/** A client's socket address for people: an IPv4 client is shown as one, whatever it connected to. */
export function describePeer(peer: Uint8Array): string {
  // Most clients, and written once for each line of an access log: without the detour over an address.
  if (peer[0] === AF_INET && peer[1] === 0) return ipv4Text(peer, IPV4_IN_SOCKADDR_IN_AT)
  const address = decodeAddress(peer)
  // A session keeps no path: clients have none, as a rule, and the zeros behind the family are no name.
  if (address.family === 'unix') return 'unix:'
  if (address.family === 'ipv6' && MAPPED.every((byte, i) => peer[ADDRESS_AT + i] === byte)) {
    return ipv4Text(peer, MAPPED_IPV4_AT)
  }
  return formatAddress(address)
}

/** A listener by the address of a socket that it has accepted; of a Unix socket with its path. */
export function describeListener(local: Uint8Array, byteLength: number): string {
  const address = decodeAddress(local, byteLength)
  return address.family === 'unix' ? formatAddress(address) : describePeer(local)
}

/** Only the host: `10.0.0.1`, `2001:db8::1`, `fe80::1%2`; `unix:` of a client of a Unix socket. */
export function hostOf(peer: Uint8Array): string {
  const shown = describePeer(peer)
  if (shown === 'unix:') return shown
  const host = shown.slice(0, shown.lastIndexOf(':'))
  return host.startsWith('[') ? host.slice(1, -1) : host
}

/** The same for a sentence: of a client of a Unix socket it says who that is, as far as it is known. */
export function describeClient(peer: Uint8Array): string {
  const who = credentialsIn(peer)
  return who === undefined ? describePeer(peer) : `${describePeer(peer)} (uid ${who.user}, gid ${who.group})`
}

/** The port is in the same place in both kinds of address, in network byte order. */
function ipv4Text(peer: Uint8Array, at: number): string {
  const port = ((peer[2] as number) << 8) | (peer[3] as number)
  return `${peer[at]}.${peer[at + 1]}.${peer[at + 2]}.${peer[at + 3]}:${port}`
}
