/** Which addresses are public, by the registries of special-purpose addresses (RFC 6890 and its successors). */
import { type HostLiteral, hostBytes, hostFromBytes } from './address.js'
import { isInNetwork, type Network, parseNetwork } from './cidr.js'

const SPECIAL_IPV4 = networksOf(
  // This network, loopback, link-local, private (RFC 1918), shared by carriers (CGNAT, RFC 6598).
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  '100.64.0.0/10',
  // Protocol assignments, 6to4 relays, documentation, benchmarks.
  ...['192.0.0.0/24', '192.88.99.0/24', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '198.18.0.0/15'],
  // Multicast, reserved, broadcast.
  ...['224.0.0.0/4', '240.0.0.0/4'],
)

/** Of IPv6 only this is allocated for unicast; unique local, link-local and multicast addresses are outside. */
const GLOBAL_UNICAST = networksOf('2000::/3')

const SPECIAL_IPV6 = networksOf(
  // Protocol assignments with Teredo, 6to4, which contains an IPv4 address, documentation.
  ...['2001::/23', '2002::/16', '2001:db8::/32', '3fff::/20'],
)

/** The last four bytes of these are an IPv4 address: IPv4-mapped, and translated by NAT64 (RFC 6052). */
const EMBEDS_IPV4 = networksOf('::ffff:0:0/96', '64:ff9b::/96')

const MAPPED = networksOf('::ffff:0:0/96')

/** Whether the address belongs to a host of the Internet, and so to no network of this machine. */
export function isPublicAddress({ host }: Pick<HostLiteral, 'host'>): boolean {
  const bytes = hostBytes(host)
  const ipv4 = bytes.length === 4 ? bytes : isIn(bytes, EMBEDS_IPV4) ? bytes.subarray(12) : undefined
  if (ipv4 !== undefined) return !isIn(ipv4, SPECIAL_IPV4)
  return isIn(bytes, GLOBAL_UNICAST) && !isIn(bytes, SPECIAL_IPV6)
}

/** The IPv4 address of an IPv4-mapped one, to which the kernel would connect; others as they are. */
export function unmappedAddress(literal: HostLiteral): HostLiteral {
  const bytes = hostBytes(literal.host)
  if (bytes.length === 4 || !isIn(bytes, MAPPED)) return literal
  return { family: 'ipv4', host: hostFromBytes(bytes.subarray(12)) }
}

function isIn(address: Uint8Array, networks: readonly Network[]): boolean {
  return networks.some((network) => isInNetwork(address, network))
}

function networksOf(...texts: readonly string[]): readonly Network[] {
  return texts.flatMap((text) => parseNetwork(text) ?? [])
}
