/** Routes evaluated one after the other, as plainly as possible: the reference for the router. */
import type { RouteConditions } from '../../src/admission/route-plan.js'
import type { GivenCertificate, GivenFacts } from './route-facts.js'

/** Conditions with networks as text, from which the plan's table is compiled. */
export interface PlainConditions extends Omit<RouteConditions, 'sources'> {
  readonly sources?: readonly string[]
}

/** The index of the first route that matches; -1 if none does. */
export function firstMatch(
  routes: readonly PlainConditions[],
  facts: GivenFacts,
  nowEpochMs: number,
): number {
  return routes.findIndex((conditions) => matches(conditions, facts, nowEpochMs))
}

function matches(conditions: PlainConditions, facts: GivenFacts, nowEpochMs: number): boolean {
  const { alpn = [], certificate, client, listenerSlot = -1, localPort = 0, protocol = '' } = facts
  const { realm = '', serverName = '', tlsVersion = '', user = '' } = facts
  const given = conditions.certificate
  return (
    holds(conditions.listeners, (slot) => slot === listenerSlot) &&
    holds(conditions.ports, ({ from, to }) => from <= localPort && localPort <= to) &&
    holds(conditions.sources, (network) => client !== undefined && isInNetwork(client, network)) &&
    holds(conditions.realms, (one) => one === realm) &&
    holds(conditions.serverNames, (pattern) => isNamed(serverName, pattern)) &&
    holds(conditions.alpn, (one) => alpn.includes(one)) &&
    holds(conditions.protocols, (one) => protocol !== '' && (one === 'any' || one === protocol)) &&
    holds(conditions.tlsVersions, (one) => one === tlsVersion) &&
    holds(conditions.users, (one) => one === user) &&
    holds(conditions.times, ({ days, fromMinute, toMinute, zone }) => {
      const [day, minute] = wallClock(nowEpochMs, zone)
      const isOn = (weekday: number) => [...days.toString(2)].reverse()[weekday] === '1'
      if (fromMinute < toMinute) return isOn(day) && fromMinute <= minute && minute < toMinute
      return minute >= fromMinute ? isOn(day) : minute < toMinute && isOn((day + 6) % 7)
    }) &&
    (given === undefined || (certificate !== undefined && isCertified(given, certificate)))
  )
}

function isCertified(
  { alternativeNames, fingerprints, issuers, subjects }: NonNullable<RouteConditions['certificate']>,
  given: GivenCertificate,
): boolean {
  const names = given.alternativeNames ?? []
  return (
    holds(subjects, (pattern) => isLike(given.subject ?? '', pattern)) &&
    holds(issuers, (pattern) => isLike(given.issuer ?? '', pattern)) &&
    holds(alternativeNames, (pattern) => names.some((name) => isLike(name, pattern))) &&
    holds(fingerprints, (one) => one === given.fingerprint)
  )
}

function holds<T>(values: readonly T[] | undefined, isMatch: (value: T) => boolean): boolean {
  return values === undefined || values.some(isMatch)
}

function isNamed(name: string, pattern: string): boolean {
  if (name === '') return false
  return pattern === '*' || (pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern)
}

function isLike(text: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text)
}

/** `a.b.c.d/n` only. */
function isInNetwork(client: string, network: string): boolean {
  const [base = '', bits = '32'] = network.split('/')
  const prefix = (host: string) =>
    host
      .split('.')
      .map((byte) => Number(byte).toString(2).padStart(8, '0'))
      .join('')
      .slice(0, Number(bits))
  return !client.includes(':') && prefix(client) === prefix(base)
}

const WALL_CLOCK = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
const FORMATS = new Map<string, Intl.DateTimeFormat>()

/** The day of the week and the minute of the day. */
function wallClock(epochMs: number, zone: string): readonly [day: number, minute: number] {
  const format = FORMATS.get(zone) ?? new Intl.DateTimeFormat('en-US', { ...WALL_CLOCK, timeZone: zone })
  FORMATS.set(zone, format)
  const parts = new Map(format.formatToParts(epochMs).map(({ type, value }) => [type, value]))
  const day = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(parts.get('weekday') ?? '')
  return [day, Number(parts.get('hour')) * 60 + Number(parts.get('minute'))]
}
