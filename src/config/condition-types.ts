/** The value types of conditions on facts of clients, which routes and access rules have in common. */
import type { RouteProtocol } from '../admission/route-plan.js'
import { certificateFingerprint, certificateName } from './certificate-types.js'
import { serverNamePattern } from './server-name-type.js'
import { choice, shortText, text } from './text-types.js'
import { timeWindows } from './time-window-type.js'
import { TLS_VERSIONS } from './tls-mode.js'
import { commaList, type ValueType } from './value-type.js'

/** All of them: the compiler checks it. */
const PROTOCOLS: Readonly<Record<RouteProtocol, true>> = {
  tls: true,
  http: true,
  http2: true,
  ssh: true,
  postgres: true,
  redis: true,
  mqtt: true,
  rdp: true,
  socks: true,
  dns: true,
  openvpn: true,
  any: true,
}

export const PROTOCOL_WORDS = Object.keys(PROTOCOLS) as RouteProtocol[]

/** The limit of a name in the extension (RFC 7301, 3.1). */
export const ALPN_BYTES_MAX = 255

export const CONDITION_TYPES = {
  serverNames: commaList(serverNamePattern),
  alpn: commaList(shortText(ALPN_BYTES_MAX)),
  protocols: commaList(choice(PROTOCOL_WORDS)),
  tlsVersions: commaList(choice(TLS_VERSIONS)),
  subjects: commaList(certificateName),
  issuers: commaList(certificateName),
  alternativeNames: commaList(text('PATTERN')),
  fingerprints: commaList(certificateFingerprint),
  times: timeWindows,
} as const

type ConditionKey = keyof typeof CONDITION_TYPES

/** Their words: in a route a directive, in an access rule what follows `permit` or `deny`. */
export const CONDITION_WORDS: Readonly<Record<ConditionKey, string>> = {
  serverNames: 'server name',
  alpn: 'alpn',
  protocols: 'protocol',
  tlsVersions: 'tls version',
  subjects: 'client certificate subject',
  issuers: 'client certificate issuer',
  alternativeNames: 'client certificate san',
  fingerprints: 'client certificate fingerprint',
  times: 'time',
}

type ValueOf<V> = V extends ValueType<infer T> ? T : never

/** One condition of an access rule. */
export type RuleConditions = {
  readonly [K in ConditionKey]?: ValueOf<(typeof CONDITION_TYPES)[K]>
}
