/** Chooses the pool of a client: the first route that matches decides. */
import { AscendingMerge } from './ascending-merge.js'
import type { NumberedRoute } from './fact-index.js'
import type { RouteFacts } from './route-facts.js'
import { RouteIndex } from './route-index.js'
import { RouteMatcher } from './route-matcher.js'
import { isReachableFrom, matchesAllClients, NEEDS_NOTHING, needsOfConditions } from './route-needs.js'
import type { RoutePlan, RouteProtocol, RouteTarget } from './route-plan.js'
import { Split } from './split.js'
import { ZoneClock } from './zone-clock.js'

/** The index of a pool, or one of the negative numbers below. */
export type RouteDecision = number

/** No route matches, and there is no default pool. */
export const NO_ROUTE = -1
export const REJECT_CLOSE = -2
export const REJECT_RESET = -3

/** No route matched the client. */
export const NO_MATCH = -1

/** Routes for more listeners are in the common index, so that memory stays proportional to the configuration. */
const LISTENERS_INDEXED_MAX = 16

/** A decision or a division of clients. */
type Outcome = RouteDecision | Split

/** Allocates nothing per client, except for a route's first candidate. */
export class Router {
  readonly #routes: readonly RoutePlan[]
  /** Made when a client is the first candidate of the route: most of the work of a large configuration. */
  readonly #matchers: (RouteMatcher | undefined)[]
  readonly #zones = new ZoneClock()
  /** By number of the route. */
  readonly #outcomes: readonly Outcome[]
  readonly #otherwise: RouteDecision
  /** Routes for clients of any listener. */
  readonly #common: RouteIndex
  /** By slot, the routes for clients of that listener only. */
  readonly #byListener: ReadonlyMap<number, RouteIndex>
  readonly #candidates = new AscendingMerge()
  /** The index of the route that decided about the last client, or NO_MATCH. */
  matched = NO_MATCH

  /** `defaultPool`: the pool of clients that no route matches. */
  constructor(routes: readonly RoutePlan[], defaultPool: number | undefined) {
    this.#routes = routes
    this.#otherwise = defaultPool ?? NO_ROUTE
    this.#matchers = routes.map(() => undefined)
    // Made here: a zone takes 0.2 ms (`ZoneClock`), which would delay its first client. Bad zones throw here
    // as well.
    for (const { conditions } of routes) this.#zones.withOffsets(conditions.times ?? [])
    this.#outcomes = routes.map(({ target }) => outcomeOf(target))
    const numbered = routes.map(({ conditions }, number) => ({ number, conditions }))
    this.#common = new RouteIndex(numbered.filter((route) => listenersOf(route) === undefined))
    this.#byListener = indexByListener(numbered)
  }

  /**
   * The pool of a client, or a negative number. Candidates are evaluated in the order of routes.
   * `nowEpochMs`: milliseconds since 1970.
   */
  route(facts: RouteFacts, nowEpochMs: number): RouteDecision {
    const candidates = this.#candidates
    candidates.clear()
    this.#common.collect(facts, candidates)
    this.#byListener.get(facts.listenerSlot)?.collect(facts, candidates)
    for (let number = candidates.next(); number >= 0; number = candidates.next()) {
      if (!this.#matcher(number).matches(facts, nowEpochMs)) continue
      this.matched = number
      const outcome = this.#outcomes[number] as Outcome
      return typeof outcome === 'number' ? outcome : outcome.poolFor(facts.addressHash())
    }
    this.matched = NO_MATCH
    return this.#otherwise
  }

  #matcher(number: number): RouteMatcher {
    const known = this.#matchers[number]
    if (known !== undefined) return known
    const made = new RouteMatcher((this.#routes[number] as RoutePlan).conditions, this.#zones)
    this.#matchers[number] = made
    return made
  }

  /** What routes need to be known of the clients of a listener: a mask of the bits of `route-needs.ts`. */
  needsOf(listenerSlot: number): number {
    return this.#reachableFrom(listenerSlot).reduce(
      (needs, { conditions }) => needs | needsOfConditions(conditions),
      NEEDS_NOTHING,
    )
  }

  /** The protocols that routes ask for, among the clients of a listener. */
  protocolsOf(listenerSlot: number): ReadonlySet<RouteProtocol> {
    return new Set(
      this.#reachableFrom(listenerSlot).flatMap(({ conditions: { protocols = [] } }) => protocols),
    )
  }

  /** Whether a route, by its index, may match clients of a listener. */
  mayMatch(route: number, listenerSlot: number): boolean {
    const { conditions } = this.#routes[route] as RoutePlan
    return isReachableFrom(conditions, listenerSlot)
  }

  /** The pools that may serve clients of a listener. */
  poolsOf(listenerSlot: number): ReadonlySet<number> {
    const reached = this.#reachableFrom(listenerSlot)
    const pools = new Set(reached.flatMap(({ target }) => poolsIn(target)))
    const last = reached.at(-1)
    const isRestTaken = last !== undefined && matchesAllClients(last.conditions)
    if (!isRestTaken && this.#otherwise !== NO_ROUTE) pools.add(this.#otherwise)
    return pools
  }

  /** The routes that may have to be evaluated for a client of a listener. */
  #reachableFrom(listenerSlot: number): readonly RoutePlan[] {
    const reached: RoutePlan[] = []
    for (const route of this.#routes) {
      if (!isReachableFrom(route.conditions, listenerSlot)) continue
      reached.push(route)
      if (matchesAllClients(route.conditions)) break
    }
    return reached
  }
}

function outcomeOf(target: RouteTarget): Outcome {
  if (target.kind === 'pool') return target.pool
  if (target.kind === 'split') return new Split(target.shares)
  return target.how === 'reset' ? REJECT_RESET : REJECT_CLOSE
}

function poolsIn(target: RouteTarget): readonly number[] {
  if (target.kind === 'pool') return [target.pool]
  return target.kind === 'split' ? target.shares.map(({ pool }) => pool) : []
}

/** Undefined: the route is in the common index. */
function listenersOf({ conditions: { listeners } }: NumberedRoute): readonly number[] | undefined {
  return listeners !== undefined && listeners.length <= LISTENERS_INDEXED_MAX ? listeners : undefined
}

function indexByListener(routes: readonly NumberedRoute[]): ReadonlyMap<number, RouteIndex> {
  const groups = new Map<number, NumberedRoute[]>()
  for (const route of routes) {
    for (const slot of new Set(listenersOf(route))) {
      const group = groups.get(slot)
      if (group === undefined) groups.set(slot, [route])
      else group.push(route)
    }
  }
  return new Map([...groups].map(([slot, group]) => [slot, new RouteIndex(group)]))
}
