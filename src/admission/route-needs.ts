/** What must be read from a client before it can be routed. */
import type { RouteConditions } from './route-plan.js'

/** Bits of a mask. */
export const NEEDS_NOTHING = 0
/** The ClientHello, or the result of the handshake: server name, ALPN, TLS version. */
export const NEEDS_HELLO = 1
/** The first bytes, to detect the protocol. */
export const NEEDS_FIRST_BYTES = 2
/** The client's certificate. */
export const NEEDS_CERTIFICATE = 4
/** The user in the client's certificate or pre-shared key. */
export const NEEDS_USER = 8

/**
 * A mask of the bits above. Conditions about listener, port, realm, network and time need nothing from the
 * client.
 */
export function needsOfConditions(conditions: RouteConditions): number {
  const { alpn, certificate, protocols, serverNames, tlsVersions, users } = conditions
  const isHelloUsed = serverNames !== undefined || alpn !== undefined || tlsVersions !== undefined
  return (
    (isHelloUsed ? NEEDS_HELLO : NEEDS_NOTHING) |
    (protocols === undefined ? NEEDS_NOTHING : NEEDS_FIRST_BYTES) |
    (certificate === undefined ? NEEDS_NOTHING : NEEDS_CERTIFICATE) |
    (users === undefined ? NEEDS_NOTHING : NEEDS_USER)
  )
}

/** Whether a listener can have clients that the route matches. */
export function isReachableFrom({ listeners }: RouteConditions, listenerSlot: number): boolean {
  return listeners?.includes(listenerSlot) ?? true
}

/** Whether the route matches every client of the listeners that can reach it, so that no later route is tried. */
export function matchesAllClients({ listeners: _, ...others }: RouteConditions): boolean {
  return Object.values(others).every((condition) => condition === undefined)
}
