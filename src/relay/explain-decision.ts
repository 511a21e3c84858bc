/**
 * Explains which pool and remote a client would get now, for people: made by the code that decides, on the reactor with the
 * live state of its pools, or anywhere with pools of its own. Changes nothing.
 */
import { REJECTS } from '../admission/access-table.js'
import type { RouteFacts } from '../admission/route-facts.js'
import { NO_MATCH } from '../admission/router.js'
import type { RuleClient } from '../admission/rule-list.js'
import type { RuleLists } from '../admission/rule-lists.js'
import type { Explanation } from '../balance/explanation.js'
import { SlotSet } from '../balance/slot-set.js'
import { hashOfFacts } from './opening/client-hash.js'
import { choosePool, type Routes, type Unserved } from './opening/routing.js'
import type { RelayPool, RelayPools } from './relay-pools.js'

/** A client that need not exist. */
export interface ExplainedClient {
  /** NO_LISTENER: from a classic master. */
  readonly listenerSlot: number
  readonly facts: RouteFacts
  /** The key in its first bytes; '' if there is none. */
  readonly clientKey: string
}

/** Which pool a client gets, and what says so. */
export interface ExplainedDecision {
  /** What chose the pool, or rejected the client. */
  readonly by: 'listener' | 'route' | 'default'
  /** The route that matched: its index, and its place in the configuration. */
  readonly route: { readonly index: number; readonly rule: string } | undefined
  readonly found: RelayPool | Unserved
  /** The access rule of that route that rejects the client; undefined: it is admitted, or there are none. */
  readonly rule: string | undefined
}

interface Chooser {
  readonly pools: RelayPools
  /** Undefined: there are no routes. */
  readonly routing: Routes | undefined
  /** Access rules of routes; undefined: there are none. */
  readonly rules?: RuleLists
}

/** `epochMs`: for routes by time. */
export function explainDecision(
  { pools, routing: routes, rules }: Chooser,
  client: ExplainedClient,
  epochMs: number,
): ExplainedDecision {
  let index = NO_MATCH
  const choose = ({ facts }: ExplainedClient) => {
    const decided = (routes as Routes).decide(facts, epochMs)
    index = (routes as Routes).matched
    return decided
  }
  const found = choosePool(pools, routes && { choose }, client)
  const route = index === NO_MATCH ? undefined : { index, rule: (routes as Routes).ruleOf(index) }
  const isOfListener = pools.ofListener(client.listenerSlot) !== undefined
  const by = isOfListener ? 'listener' : route === undefined ? 'default' : 'route'
  const isRejected =
    route !== undefined && rules?.decideRoute(ruleClient(client), index, client.facts) === REJECTS
  return { by, route, found, rule: isRejected ? rules.refusal.rule : undefined }
}

/** Nobody knows which user it would be on a Unix socket. */
function ruleClient({ facts }: ExplainedClient): RuleClient {
  const { address, addressAt, addressByteCount } = facts
  return { address, addressAt, addressByteCount, identity: () => undefined }
}

/** Which remote of its pool a client would get that has tried none. `nowMs`: CLOCK_MONOTONIC, for back-offs. */
export function explainChoice(
  { key, pool }: RelayPool,
  { clientKey, facts }: ExplainedClient,
  nowMs: number,
): Explanation {
  const hash = key === undefined ? 0 : hashOfFacts(facts, key, clientKey)
  return pool.explain(new SlotSet(), nowMs, hash)
}
