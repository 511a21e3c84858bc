/** Combines addresses, paths and ports of listeners and remotes to endpoints. */
import { isAbstract, type SocketAddress, withPort } from '../base/address.js'
import type { UserChoice } from './account-types.js'
import type { AddressText, Family } from './address-types.js'
import { type PortRange, type Ports, portCount, portList } from './port-types.js'
import type { Completion } from './row.js'

/** An address, or a host name that has yet to be resolved. */
export type Endpoint =
  | { readonly kind: 'address'; readonly address: SocketAddress }
  | { readonly kind: 'name'; readonly host: string; readonly family: Family; readonly port: number }

/** What a remote connects to. */
export type RemoteTarget =
  | Endpoint
  /** Discovery brings the addresses. `index`: of the slot among those of its pool. */
  | { readonly kind: 'discovered'; readonly index: number }

/** What a listener binds to. */
export type BindTarget =
  | Endpoint
  /** All addresses of this machine: `::`, or `0.0.0.0` without IPv6. */
  | { readonly kind: 'any'; readonly port: number }
  /** An inherited listening socket: from systemd with a name, from inetd without. */
  | { readonly kind: 'inherited'; readonly name: string | undefined }

export function isUnixTarget(bind: BindTarget): boolean {
  return bind.kind === 'address' && bind.address.family === 'unix'
}

/** An inherited socket may be one too, which is known when the program starts. */
export function isUnix(bind: BindTarget): boolean {
  return bind.kind === 'address' && bind.address.family === 'unix'
}

/** Zero: none, or not known before it is bound. */
export function boundPort(bind: BindTarget): number {
  if (bind.kind === 'inherited') return 0
  const place = bind.kind === 'address' ? bind.address : bind
  return 'port' in place ? place.port : 0
}

interface Given {
  readonly address: AddressText | undefined
  readonly path: string | undefined
  readonly port: Ports | undefined
  readonly inherited: string | undefined
  readonly mode: number | undefined
  readonly user: UserChoice | undefined
  readonly group: number | undefined
}

/** The bind targets of a `listen` block, one for each port. A port in the address overrides `port`. */
export function bindTargets(given: Given, completion: Completion): readonly BindTarget[] | undefined {
  const { address, inherited, path, port } = given
  const { claimListeners, isInetd, refuse } = completion
  if (inherited !== undefined) return [{ kind: 'inherited', name: inherited }]
  if (path !== undefined) return unixTarget(path, given, completion)
  if (address?.kind === 'path') return unixTarget(address.path, given, completion)
  const ports = address?.port ?? port
  if (ports !== undefined) {
    // Counted before the list is made: a few ranges of all ports would take much memory.
    return claimListeners(portCount(ports)) ? portList(ports).map((one) => targetAt(address, one)) : undefined
  }
  // Under inetd, a listener without any place takes the inherited socket.
  const isHandedOver = isInetd && address === undefined
  return isHandedOver ? [{ kind: 'inherited', name: undefined }] : refuse('this listener needs a port')
}

/**
 * The source of a remote's port: `own`: its address; `same`: the port that the client connected to; ranges: the port
 * with the same index as the client's among the ports of its listener.
 */
export type PortChoice = 'own' | 'same' | readonly PortRange[]

/** The target of a `remote` block. Its port is 0 unless `ports` is `own`. */
export function remoteTarget(
  address: AddressText,
  port: Ports | 'same' | undefined,
  { refuse }: Completion,
): { readonly target: RemoteTarget; readonly ports: PortChoice } | undefined {
  if (address.kind === 'path') return { target: unixEndpoint(address.path), ports: 'own' }
  const chosen = address.port ?? port
  if (chosen === undefined) return refuse('this remote needs a port')
  if (chosen === 0) return refuse('a remote cannot have port 0')
  return typeof chosen === 'number'
    ? { target: hostEndpoint(address, chosen), ports: 'own' }
    : { target: hostEndpoint(address, 0), ports: chosen }
}

type HostText = Exclude<AddressText, { kind: 'path' }>

function targetAt(address: HostText | undefined, port: number): BindTarget {
  return address === undefined ? { kind: 'any', port } : hostEndpoint(address, port)
}

function hostEndpoint(address: HostText, port: number): Endpoint {
  if (address.kind === 'literal') return { kind: 'address', address: withPort(address.literal, port) }
  return { kind: 'name', host: address.host, family: address.family, port }
}

/** Rejects mode and owner for an abstract name, which has neither: they would pretend to restrict access. */
function unixTarget(
  path: string,
  { group, mode, user }: Given,
  { refuse }: Completion,
): readonly BindTarget[] | undefined {
  const directive =
    mode !== undefined ? 'mode' : user !== undefined ? 'userid' : group !== undefined ? 'groupid' : undefined
  if (directive === undefined || !isAbstract(path)) return [unixEndpoint(path)]
  return refuse(
    `'${directive}' requires a socket file, which an abstract name does not have: restrict access with 'permit user'`,
  )
}

function unixEndpoint(path: string): Endpoint {
  return { kind: 'address', address: { family: 'unix', path } }
}
