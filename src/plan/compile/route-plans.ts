/** The routes of a plan. */
import { compileAccess } from '../../admission/compile-access.js'
import type {
  CertificateConditions,
  RouteConditions,
  RoutePlan,
  RouteTarget,
} from '../../admission/route-plan.js'
import { invariant } from '../../base/invariant.js'
import type { RouteSettings } from '../../config/table-route.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import { definedOf } from './defined-of.js'

type Numbers = ReadonlyMap<string, number>

/** Indexes of pools and slots of listeners, by name. */
interface Known {
  readonly pools: Numbers
  readonly listeners: ReadonlyMap<string, readonly number[]>
}

type Routed = Pick<TcprelaySettings, 'pools' | 'routes'>
type Named = Pick<ListenerSettings, 'name'>

/** The last result by settings: tests of routes and the plan need the same, and thousands of routes take a while. */
const compiled = new WeakMap<
  Routed,
  { readonly listeners: readonly Named[]; readonly plans: readonly RoutePlan[] }
>()

/**
 * Requires a checked configuration. The pools of dynamic routes follow the configured ones. Without listeners, under a classic master, conditions on them
 * never match.
 */
export function routePlans(settings: Routed, listeners: readonly Named[]): readonly RoutePlan[] {
  const before = compiled.get(settings)
  if (before?.listeners === listeners) return before.plans
  const plans = compileRoutes(settings, listeners)
  compiled.set(settings, { listeners, plans })
  return plans
}

function compileRoutes({ pools, routes }: Routed, listeners: readonly Named[]): readonly RoutePlan[] {
  const known = {
    pools: new Map(pools.map(({ name }, index) => [name, index])),
    listeners: slotsByName(listeners),
  }
  let dynamicPool = pools.length
  const dynamicTarget = () => ({ kind: 'pool', pool: dynamicPool++ }) as const
  return routes.map(({ conditions, position: { file, line }, target }) => ({
    position: { file, line },
    conditions: conditionsOf(conditions, known),
    target: target.dynamic === undefined ? targetOf(target, known) : dynamicTarget(),
  }))
}

/** A listener with several ports has several slots. */
function slotsByName(listeners: readonly Named[]): Known['listeners'] {
  const slots = new Map<string, number[]>()
  for (const [slot, { name }] of listeners.entries()) {
    if (name !== undefined) slots.set(name, [...(slots.get(name) ?? []), slot])
  }
  return slots
}

/** Only given conditions, which keeps the plan of a large configuration small. */
export function conditionsOf(
  given: Partial<RouteSettings['conditions']>,
  { listeners }: Pick<Known, 'listeners'>,
): RouteConditions {
  const { alternativeNames, fingerprints, issuers, ports, sources, subjects, ...others } = given
  const certificate: CertificateConditions = definedOf({ alternativeNames, fingerprints, issuers, subjects })
  return definedOf({
    ...others,
    listeners: given.listeners?.flatMap(({ value }) => listeners.get(value) ?? []),
    ports: ports?.map(({ first, last }) => ({ from: first, to: last })),
    sources: sources && compileAccess([{ isPermit: true, isNegated: false, networks: sources }]),
    certificate: Object.keys(certificate).length === 0 ? undefined : certificate,
  })
}

function targetOf({ pool, reject, split }: RouteSettings['target'], { pools }: Known): RouteTarget {
  if (reject !== undefined) return { kind: 'reject', how: reject }
  if (pool !== undefined) return { kind: 'pool', pool: poolOf(pool.value, pools) }
  const shares = (split ?? []).map((one) => ({ pool: poolOf(one.pool.value, pools), share: one.share }))
  return { kind: 'split', shares }
}

function poolOf(name: string, pools: Numbers): number {
  const pool = pools.get(name)
  invariant(pool !== undefined, 'a route to an unknown pool', name)
  return pool
}
