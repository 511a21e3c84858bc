import { isAbstract, type SocketAddress, withPort } from '../base/address.js'
import type { UserChoice } from './account-types.js'
import type { AddressText, Family } from './address-types.js'
import { type PortRange, type Ports, portCount, portList } from './port-types.js'
import type { Completion } from './row.js'

/** Where a listener or remote is: known, or to be looked up. */
export type Endpoint =
  | { readonly kind: 'address'; readonly address: SocketAddress }
  | { readonly kind: 'name'; readonly host: string; readonly family: Family; readonly port: number }

/** Where a listener binds. */
export type BindTarget =
  | Endpoint
  /** Every address of the machine: `::`, or `0.0.0.0` where there is no IPv6. */
  | { readonly kind: 'any'; readonly port: number }
  /** A listening socket that was handed over: by systemd under a name, by inetd without one. */
  | { readonly kind: 'inherited'; readonly name: string | undefined }

interface Given {
  readonly address: AddressText | undefined
  readonly path: string | undefined
  readonly port: Ports | undefined
  readonly inherited: string | undefined
  readonly mode: number | undefined
  readonly user: UserChoice | undefined
  readonly group: number | undefined
}

/** Combines address, path and ports of a `listen` block: a target for each port. A port within the address counts for more. */
export function bindTargets(given: Given, completion: Completion): readonly BindTarget[] | undefined {
  const { address, inherited, path, port } = given
  const { claimListeners, isInetd, refuse } = completion
  if (inherited !== undefined) return [{ kind: 'inherited', name: inherited }]
  if (path !== undefined) return unixTarget(path, given, completion)
  if (address?.kind === 'path') return unixTarget(address.path, given, completion)
  const ports = address?.port ?? port
  if (ports !== undefined) {
    return claimListeners(portCount(ports)) ? portList(ports).map((one) => targetAt(address, one)) : undefined
  }
  const isHandedOver = isInetd && address === undefined
  return isHandedOver ? [{ kind: 'inherited', name: undefined }] : refuse('this listener needs a port')
}

/**
 * Where a remote has its port from: its address; the one that the client has come to; or of several the one in the same
 * place as that among those of its listener.
 */
export type PortChoice = 'own' | 'same' | readonly PortRange[]

/** Combines address and port of a `remote` block. A port that is not its own is 0 in the target. */
export function remoteTarget(
  address: AddressText,
  port: Ports | 'same' | undefined,
  { refuse }: Completion,
): { readonly target: Endpoint; readonly ports: PortChoice } | undefined {
  if (address.kind === 'path') return { target: unixEndpoint(address.path), ports: 'own' }
  const chosen = address.port ?? port
  if (chosen === undefined) return refuse('this remote needs a port')
  if (chosen === 0) return refuse('port 0 cannot be connected to')
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

/** What is in no file system has neither mode nor owner: to ask for them would only seem to keep others out. */
function unixTarget(
  path: string,
  { group, mode, user }: Given,
  { refuse }: Completion,
): readonly BindTarget[] | undefined {
  const directive =
    mode !== undefined ? 'mode' : user !== undefined ? 'userid' : group !== undefined ? 'groupid' : undefined
  if (directive === undefined || !isAbstract(path)) return [unixEndpoint(path)]
  return refuse(
    `'${directive}' is for the file of a socket, and an abstract name has none: say by 'permit user' who may connect`,
  )
}

function unixEndpoint(path: string): Endpoint {
  return { kind: 'address', address: { family: 'unix', path } }
}
