/**
 * Routes as plain data, which crosses threads and the link. Read the routing files of this folder from here:
 * `route-facts.ts` is what is known of a client, `router.ts` decides.
 */

import type { TimeWindow } from '../base/time-window.js'
import type { ProtocolName } from '../wire/sniff/protocol-names.js'
import type { AccessTable } from './access-table.js'
import type { RulePlace } from './rule-name.js'

/** Maps clients to a pool. The first route whose conditions all match decides. */
export interface RoutePlan {
  /** Its place in the configuration, for messages. */
  readonly position?: RulePlace
  readonly conditions: RouteConditions
  readonly target: RouteTarget
}

/**
 * All conditions that are present must match. A condition matches if one of its values does, so an empty list never
 * matches. Without conditions a route matches every client.
 */
export interface RouteConditions {
  /** Slots of listeners. */
  readonly listeners?: readonly number[]
  /** Local ports. */
  readonly ports?: readonly PortSpan[]
  /** Networks of clients, compiled by `compileAccess` from rules with `isPermit`. Never matches clients without IP. */
  readonly sources?: AccessTable
  readonly realms?: readonly string[]
  /** As `parseServerNamePattern` returns them: `www.example.com`, `*.example.com`, `*`. */
  readonly serverNames?: readonly string[]
  /** Matches if the client offers one of these, or if one was negotiated. */
  readonly alpn?: readonly string[]
  readonly protocols?: readonly RouteProtocol[]
  /** `TLSv1.3` */
  readonly tlsVersions?: readonly string[]
  readonly certificate?: CertificateConditions
  /** Names of users, case-sensitive. */
  readonly users?: readonly string[]
  readonly times?: readonly TimeWindow[]
}

/** Inclusive. */
export interface PortSpan {
  readonly from: number
  readonly to: number
}

/** `any` matches whatever was detected. */
export type RouteProtocol = ProtocolName

/** Never matches clients without a verified certificate. The patterns are those of `certificate-pattern.ts`. */
export interface CertificateConditions {
  /** Patterns of RFC 2253 names: `CN=joe,O=Example`, `*,O=Example`. */
  readonly subjects?: readonly string[]
  readonly issuers?: readonly string[]
  /** Patterns of subject alternative names: `DNS:*.example.com`, or `*.example.com` for a name of any type. */
  readonly alternativeNames?: readonly string[]
  /** SHA-256 of the DER encoding, as 64 lower-case hexadecimal digits. Not patterns. */
  readonly fingerprints?: readonly string[]
}

export type RouteTarget =
  | { readonly kind: 'pool'; readonly pool: number }
  /** Divides clients by a hash of their address, so a client always gets the same pool. */
  | { readonly kind: 'split'; readonly shares: readonly PoolShare[] }
  /** `close`: FIN. `reset`: RST. */
  | { readonly kind: 'reject'; readonly how: 'close' | 'reset' }

export interface PoolShare {
  readonly pool: number
  /** Relative to the sum of the shares, which must be above 0. */
  readonly share: number
}
