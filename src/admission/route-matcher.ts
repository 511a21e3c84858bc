/** The conditions of one route, ready to be evaluated. */
import { AccessList } from './access-list.js'
import { matchesAlternativeName, matchesNamePattern } from './certificate-pattern.js'
import { NamePatterns } from './name-patterns.js'
import { ALPN_COUNT_MAX, type RouteCertificate, type RouteFacts } from './route-facts.js'
import type { CertificateConditions, PortSpan, RouteConditions } from './route-plan.js'
import { isInOneOf, type ZoneClock, type ZonedWindow } from './zone-clock.js'

/** One of these words must match; undefined for a route without such a condition. */
type Words = ReadonlySet<string> | undefined

/** Evaluates conditions from the cheapest to the dearest, and stops at the first that does not match. */
export class RouteMatcher {
  readonly #listeners: ReadonlySet<number> | undefined
  readonly #ports: readonly PortSpan[] | undefined
  readonly #realms: Words
  readonly #protocols: Words
  readonly #tlsVersions: Words
  readonly #users: Words
  readonly #serverNames: NamePatterns<true> | undefined
  readonly #sources: AccessList | undefined
  readonly #alpn: Words
  readonly #times: readonly ZonedWindow[] | undefined
  readonly #certificate: CertificateMatcher | undefined

  constructor(conditions: RouteConditions, zones: ZoneClock) {
    const { certificate, listeners, ports, serverNames, sources, times } = conditions
    this.#listeners = listeners && new Set(listeners)
    this.#ports = ports
    this.#realms = wordsOf(conditions.realms)
    this.#protocols = wordsOf(conditions.protocols)
    this.#tlsVersions = wordsOf(conditions.tlsVersions)
    this.#users = wordsOf(conditions.users)
    this.#serverNames = serverNames && namesOf(serverNames)
    this.#sources = sources && new AccessList(sources)
    this.#alpn = wordsOf(conditions.alpn)
    this.#times = times && zones.withOffsets(times)
    this.#certificate = certificate && new CertificateMatcher(certificate)
  }

  /** Whether all conditions match. `nowEpochMs`: milliseconds since 1970, for time windows. */
  matches(facts: RouteFacts, nowEpochMs: number): boolean {
    return (
      (this.#listeners === undefined || this.#listeners.has(facts.listenerSlot)) &&
      (this.#ports === undefined || hasPort(this.#ports, facts.localPort)) &&
      (this.#realms === undefined || this.#realms.has(facts.realm)) &&
      (this.#protocols === undefined || hasProtocol(this.#protocols, facts.protocol())) &&
      (this.#tlsVersions === undefined || this.#tlsVersions.has(facts.tlsVersion())) &&
      (this.#users === undefined || this.#users.has(facts.user())) &&
      (this.#serverNames === undefined || this.#serverNames.collect(facts.serverName())) &&
      (this.#sources === undefined || hasSource(this.#sources, facts)) &&
      (this.#alpn === undefined || hasAlpn(this.#alpn, facts.alpn())) &&
      (this.#times === undefined || isInOneOf(this.#times, nowEpochMs)) &&
      (this.#certificate === undefined || this.#certificate.matches(facts.certificate()))
    )
  }
}

/**
 * Each kind of condition must match by one of its values. A client without a verified certificate matches
 * none.
 */
class CertificateMatcher {
  readonly #conditions: CertificateConditions
  readonly #fingerprints: Words

  constructor(conditions: CertificateConditions) {
    this.#conditions = conditions
    this.#fingerprints = wordsOf(conditions.fingerprints)
  }

  matches(certificate: RouteCertificate | undefined): boolean {
    if (certificate === undefined) return false
    const { alternativeNames, issuers, subjects } = this.#conditions
    return (
      (this.#fingerprints === undefined || this.#fingerprints.has(certificate.fingerprint())) &&
      (subjects === undefined || subjects.some((one) => matchesNamePattern(certificate.subject, one))) &&
      (issuers === undefined || issuers.some((one) => matchesNamePattern(certificate.issuer, one))) &&
      (alternativeNames === undefined || hasAlternativeName(certificate, alternativeNames))
    )
  }
}

function wordsOf(words: readonly string[] | undefined): Words {
  return words && new Set(words)
}

function namesOf(patterns: readonly string[]): NamePatterns<true> {
  const names = new NamePatterns<true>()
  for (const pattern of patterns) names.set(pattern, true)
  return names
}

function hasPort(spans: readonly PortSpan[], port: number): boolean {
  for (const { from, to } of spans) if (port >= from && port <= to) return true
  return false
}

/** A client without a detected protocol does not even match `any`. */
function hasProtocol(protocols: ReadonlySet<string>, protocol: string): boolean {
  return protocol !== '' && (protocols.has(protocol) || protocols.has('any'))
}

/** Clients of Unix sockets have no address, so they are in no network. */
function hasSource(sources: AccessList, { address, addressAt, addressByteCount }: RouteFacts): boolean {
  return addressByteCount > 0 && sources.admits(address, addressAt, addressByteCount)
}

/** As many names as `alpnAt` in route-index.ts considers: an index must contain every route that matches. */
function hasAlpn(wanted: ReadonlySet<string>, offered: readonly string[]): boolean {
  const count = Math.min(offered.length, ALPN_COUNT_MAX)
  for (let i = 0; i < count; i++) if (wanted.has(offered[i] as string)) return true
  return false
}

function hasAlternativeName({ alternativeNames }: RouteCertificate, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => alternativeNames.some((name) => matchesAlternativeName(name, pattern)))
}
