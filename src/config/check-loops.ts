/** Finds remotes that are listeners of the same relay, which would relay each client to itself in an endless loop. */
import type { HostAddress, SocketAddress } from '../base/address.js'
import type { Problems } from './problems.js'
import type { ListenerSettings, SpawndSettings } from './table-spawnd.js'
import type { RemoteSettings, TcprelaySettings } from './table-tcprelay.js'

/** Compares addresses only: names are not resolved, and further addresses of this machine are not considered. */
export function checkLoops(
  { listeners }: Pick<SpawndSettings, 'listeners'>,
  { remotes }: TcprelaySettings,
  problems: Problems,
): void {
  for (const remote of remotes) {
    // Only a warning: packet filters of this machine may redirect the connection.
    const listener = listeners.find((candidate) => isSameEndpoint(remote, candidate))
    if (listener === undefined) continue
    const { file, line } = listener.position
    const text = `this remote is the listener at ${file}:${line}: connections would loop back to this relay endlessly`
    problems.warn(remote.position, text)
  }
}

function isSameEndpoint({ ports, protocol, target }: RemoteSettings, listener: ListenerSettings): boolean {
  if (target.kind !== 'address' || (protocol === 'SCTP') !== (listener.protocol === 'SCTP')) return false
  const bound = boundAddress(listener)
  if (bound === undefined) return false
  const { address } = target
  if (address.family === 'unix' || bound.family === 'unix') {
    return address.family === 'unix' && bound.family === 'unix' && address.path === bound.path
  }
  // With `port = same`, every listener relays to its own port.
  const isSamePort = ports === 'same' || (ports === 'own' && address.port === bound.port)
  return isSamePort && bound.port !== 0 && receives(bound, address, listener.ipv6Only)
}

/** A connection to a wildcard address goes to this machine (ip(7)). */
function receives(bound: HostAddress, address: HostAddress, ipv6Only: boolean): boolean {
  if (bound.host === address.host) return true
  const isHere = isLoopback(address) || isWildcard(address)
  if (bound.host === '::') return isHere && (address.family === 'ipv6' || !ipv6Only)
  if (bound.host === '0.0.0.0') return isHere && address.family === 'ipv4'
  // A connection to 0.0.0.0 or :: goes to the loopback address.
  return isWildcard(address) && isLoopback(bound) && bound.family === address.family
}

function isLoopback({ host }: HostAddress): boolean {
  return host === '::1' || host.startsWith('127.')
}

function isWildcard({ host }: HostAddress): boolean {
  return host === '::' || host === '0.0.0.0'
}

function boundAddress({ bind }: ListenerSettings): SocketAddress | undefined {
  if (bind.kind === 'address') return bind.address
  return bind.kind === 'any' ? { family: 'ipv6', host: '::', port: bind.port, scope: '' } : undefined
}
