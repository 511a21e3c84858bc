/** Chooses the pool that serves a client: that of its listener, or the one that the routes say. */
import type { RouteFacts } from '../../admission/route-facts.js'
import type { RoutePlan } from '../../admission/route-plan.js'
import { NO_ROUTE, REJECT_CLOSE, type Router } from '../../admission/router.js'
import { ruleName } from '../../admission/rule-name.js'
import type { RelayPool, RelayPools } from '../relay-pools.js'
import type { Session } from '../session.js'
import { reject, ruledClient } from './admitting.js'
import { closeInOrder } from './close-in-order.js'
import { BY_LISTENER } from './decided-by.js'

/** The routes decided that the client gets no service. */
export type Unserved = 'no-route' | 'reject-close' | 'reject-reset'

/** Serves the clients of listeners that name no pool. */
export interface Routing<Client> {
  choose(client: Client): RelayPool | Unserved
}

/** The same on a reactor. */
export interface SessionRouting extends Routing<Session> {
  /** The place of a route in the configuration: `relay.cfg:12`. */
  ruleOf(route: number): string
}

/** The routes of a configuration. */
export class Routes implements SessionRouting {
  readonly #router: Router
  readonly #pools: RelayPools
  readonly #plans: readonly RoutePlan[]

  constructor(plans: readonly RoutePlan[], router: Router, pools: RelayPools) {
    this.#plans = plans
    this.#router = router
    this.#pools = pools
  }

  choose(session: Session): RelayPool | Unserved {
    const { facts, system } = session.relay
    const found = this.decide(facts.of(session), system.clock.wallMs())
    session.decidedBy = this.matched
    if (found === 'reject-close' || found === 'reject-reset') session.rule = this.ruleOf(this.matched)
    return found
  }

  /** What they say about a client with these facts. */
  decide(facts: RouteFacts, nowEpochMs: number): RelayPool | Unserved {
    const decision = this.#router.route(facts, nowEpochMs)
    if (decision === NO_ROUTE) return 'no-route'
    if (decision >= 0) return this.#pools.all[decision] ?? 'no-route'
    return decision === REJECT_CLOSE ? 'reject-close' : 'reject-reset'
  }

  ruleOf(route: number): string {
    return ruleName(this.#plans[route]?.position)
  }

  /** Index of the route that decided last, or NO_MATCH. */
  get matched(): number {
    return this.#router.matched
  }
}

/** The pool of a client: that of its listener, or what the routes say, or without routes the default pool. */
export function choosePool<Client extends { readonly listenerSlot: number }>(
  pools: RelayPools,
  routing: Routing<Client> | undefined,
  client: Client,
): RelayPool | Unserved {
  return pools.ofListener(client.listenerSlot) ?? routing?.choose(client) ?? pools.fallback ?? 'no-route'
}

/** The pool that serves a client; undefined: the session has been ended. */
export function serviceFor(session: Session): RelayPool | undefined {
  const { pools, routing } = session.relay
  if (pools.ofListener(session.listenerSlot) !== undefined) session.decidedBy = BY_LISTENER
  const found = choosePool(pools, routing, session)
  if (typeof found !== 'string') return isAdmitted(session) ? found : undefined
  if (found === 'reject-close') closeInOrder(session, 'rejected-by-route')
  else session.cut(found === 'no-route' ? found : 'rejected-by-route')
  return undefined
}

/** Whether the rules of the route that chose its pool admit the client; otherwise the session has been ended. */
function isAdmitted(session: Session): boolean {
  const { decidedBy, relay } = session
  const { clientRules, facts } = relay
  if (clientRules === undefined || decidedBy < 0 || !clientRules.hasRulesOf(decidedBy)) return true
  const refusal = clientRules.againstRouted(ruledClient(session), facts, decidedBy)
  if (refusal !== undefined) reject(session, refusal)
  return refusal === undefined
}
