/** Conditions of routes that an access log cannot answer. */
import { isReachableFrom, matchesAllClients } from '../admission/route-needs.js'
import type { RouteConditions, RoutePlan } from '../admission/route-plan.js'

/** What the routes of a listener ask for that its log does not have, in words; empty if nothing. */
export function routeGaps(
  routes: readonly RoutePlan[],
  listenerSlot: number,
  isTlsTerminated: boolean,
): ReadonlySet<string> {
  const gaps = new Set<string>()
  for (const { conditions } of routes) {
    if (!isReachableFrom(conditions, listenerSlot)) continue
    for (const gap of gapsOfConditions(conditions, isTlsTerminated)) gaps.add(gap)
    if (matchesAllClients(conditions)) break
  }
  return gaps
}

export function gapsOfConditions(conditions: RouteConditions, isTlsTerminated: boolean): readonly string[] {
  const { certificate, protocols, tlsVersions, users } = conditions
  return [
    ...(protocols === undefined ? [] : ['the protocol']),
    ...(certificate === undefined ? [] : ['the certificate']),
    ...(users === undefined ? [] : ['the user']),
    ...(tlsVersions === undefined || isTlsTerminated ? [] : ['the TLS version']),
  ]
}
