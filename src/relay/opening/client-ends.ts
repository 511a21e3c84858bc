/** Both ends of a client's connection, as a header of the PROXY protocol names them to a remote. */
import { AF_INET, AF_INET6, AF_UNIX } from '../../kernel/constants.js'
import { IPV4_AT, IPV6_AT, isMapped, MAPPED_IPV4_AT, portIn } from '../../kernel/sockaddr.js'
import type { ProxyEnd, ProxyFacts } from '../../wire/proxy/proxy-facts.js'
import type { Session } from '../session.js'

/** Where the path of struct sockaddr_un begins. */
const PATH_AT = 2

/** 0.0.0.0 */
const NOWHERE = new Uint8Array(4)

/** Reads them into `facts`. Uses the scratch block. */
export function readClientEnds(session: Session, { destination, source }: ProxyFacts): void {
  const { client, clientDestination, peer, relay } = session
  const { blocks, system } = relay
  // No path is stored of clients of Unix sockets, which usually have none.
  setEnd(source, peer, peer[0] === AF_UNIX ? PATH_AT : peer.length)
  // Another relay has named it.
  if (clientDestination !== undefined) {
    setEnd(destination, clientDestination, clientDestination.length)
    return
  }
  // The address that the client has connected to, also at a transparent listener and where one listens on all addresses.
  const byteLength = system.calls.localAddress(client.fd, blocks.scratch)
  if (byteLength < 0) destination.clear()
  else setEnd(destination, blocks.scratch.bytes, byteLength)
  // A client that another relay has named may have come through a Unix socket, which is not what it connected to.
  if (isIp(source) && !isIp(destination)) destination.setIpv4(NOWHERE, 0, 0)
}

function isIp({ family }: ProxyEnd): boolean {
  return family === 'ipv4' || family === 'ipv6'
}

/** A mapped IPv4 address, as sockets for both families have it, is an IPv4 address. */
function setEnd(end: ProxyEnd, address: Uint8Array, byteLength: number): void {
  const family = address[0]
  if (family === AF_INET) end.setIpv4(address, IPV4_AT, portIn(address))
  else if (family === AF_INET6 && isMapped(address)) end.setIpv4(address, MAPPED_IPV4_AT, portIn(address))
  else if (family === AF_INET6) end.setIpv6(address, IPV6_AT, portIn(address))
  else if (family === AF_UNIX) end.setUnix(address, PATH_AT, byteLength - PATH_AT)
  else end.clear()
}
