import { formatAddress } from '../base/address.js'
import { decodeAddress } from '../kernel/sockaddr.js'

/** How IPv4 clients of a dual-stack listener look: ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** Where the address begins in struct sockaddr_in6, and where its last four bytes do. */
const ADDRESS_AT = 8
const IPV4_AT = 20

/** A client's socket address for people: an IPv4 client is shown as one, whatever it connected to. */
export function describePeer(peer: Uint8Array): string {
  const address = decodeAddress(peer)
  // A session keeps no path: clients have none, as a rule, and the zeros behind the family are no name.
  if (address.family === 'unix') return 'unix:'
  if (address.family === 'ipv6' && MAPPED.every((byte, i) => peer[ADDRESS_AT + i] === byte)) {
    const host = peer.subarray(IPV4_AT, IPV4_AT + 4).join('.')
    return formatAddress({ family: 'ipv4', host, port: address.port })
  }
  return formatAddress(address)
}
