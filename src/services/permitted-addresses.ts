/** Which addresses of a DNS answer may be connected to. */
import { networkInterfaces } from 'node:os'
import { type HostLiteral, hostBytes, parseHostLiteral } from '../base/address.js'
import { isInNetwork, type Network } from '../base/cidr.js'
import { isPublicAddress, unmappedAddress } from '../base/public-address.js'

/** A name with more addresses is dialled at the first ones only. */
const ADDRESSES_MAX = 8

/**
 * Removes addresses that are not public and those of this machine (`own`), unless they are in `allowed`. The families
 * alternate, so that one without a route delays the other by a single attempt.
 */
export function permittedAddresses(
  found: readonly HostLiteral[],
  allowed: readonly Network[],
  own: ReadonlySet<string>,
): readonly HostLiteral[] {
  const permitted = found.map(unmappedAddress).filter((literal) => {
    if (allowed.some((network) => isInNetwork(hostBytes(literal.host), network))) return true
    return isPublicAddress(literal) && !own.has(literal.host)
  })
  const [ipv6, ipv4] = (['ipv6', 'ipv4'] as const).map((one) =>
    permitted.filter(({ family }) => family === one),
  )
  return permitted.flatMap((_, i) => [ipv6?.[i] ?? [], ipv4?.[i] ?? []].flat()).slice(0, ADDRESSES_MAX)
}

/** The addresses of this machine now: a connection to one of them may come back to this relay. */
export function machineAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ address }) => parseHostLiteral(address)?.host ?? []),
  )
}
