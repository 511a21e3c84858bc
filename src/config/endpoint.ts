import { type SocketAddress, withPort } from '../base/address.js'
import type { AddressText, Family } from './address-types.js'
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
  readonly port: number | undefined
  readonly inherited: string | undefined
}

/** Combines address, path and port of a `listen` block. */
export function bindTarget(given: Given, { refuse, isInetd }: Completion): BindTarget | undefined {
  const { address, inherited, path, port } = given
  if (inherited !== undefined) return { kind: 'inherited', name: inherited }
  if (path !== undefined) return unixEndpoint(path)
  if (address !== undefined) return endpoint(address, port) ?? refuse('this listener needs a port')
  if (port !== undefined) return { kind: 'any', port }
  return isInetd ? { kind: 'inherited', name: undefined } : refuse('this listener needs a port')
}

/** Undefined when there is no port. A port within the address counts for more than one beside it. */
export function endpoint(address: AddressText, port: number | undefined): Endpoint | undefined {
  if (address.kind === 'path') return unixEndpoint(address.path)
  const chosen = address.port ?? port
  if (chosen === undefined) return undefined
  if (address.kind === 'literal') return { kind: 'address', address: withPort(address.literal, chosen) }
  return { kind: 'name', host: address.host, family: address.family, port: chosen }
}

/** Undefined for the path of a socket. */
export function portOf(target: Endpoint): number | undefined {
  if (target.kind === 'name') return target.port
  return target.address.family === 'unix' ? undefined : target.address.port
}

function unixEndpoint(path: string): Endpoint {
  return { kind: 'address', address: { family: 'unix', path } }
}
