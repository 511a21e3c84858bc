/** The limits of a plan: those of the section, of its listeners, and of its pools. */
import type { ByteRatesPlan, LimitPlan, LimitScope } from '../../admission/limit-plan.js'
import type { LimitSettings } from '../../config/table-limit.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import type { ListenerPlan } from '../../engine/plan.js'
import { endless } from '../load/endless.js'

type Listeners = readonly Pick<ListenerSettings, 'limits' | 'portIndex'>[]
type Plans = readonly Pick<ListenerPlan, 'block' | 'name'>[]

/** In the order in which they are applied. `plans`: of the same listeners. */
export function limitPlans(
  { limits, pools }: Pick<TcprelaySettings, 'limits' | 'pools'>,
  listeners: Listeners,
  plans: Plans,
): readonly LimitPlan[] {
  return [
    ...plansOf(limits, { of: 'section' }, ''),
    ...listeners.flatMap((listener, slot) => {
      const plan = plans[slot]
      if (listener.portIndex > 0 || plan === undefined) return []
      return plansOf(listener.limits, { of: 'listener', block: plan.block }, `${plan.name}/`)
    }),
    ...pools.flatMap((pool, index) =>
      plansOf(pool.limits, { of: 'pool', pool: index }, `pool ${pool.name}/`),
    ),
  ]
}

/** `prefix`: makes names of several blocks different. */
function plansOf(limits: readonly LimitSettings[], scope: LimitScope, prefix: string): readonly LimitPlan[] {
  return limits.flatMap((limit, index) => {
    const { action, ban, connections, entries, heldMax, holdMs, key, name, position, rate } = limit
    const bytes = byteRates(limit)
    const counts = connections > 0 || [rate, ban, bytes].some((one) => one !== undefined)
    // What is about single sessions are options of their pool or listener.
    if (key.by === 'session' || !counts) return []
    return {
      name: `${prefix}${name ?? index + 1}`,
      position: { file: position.file, line: position.line },
      scope,
      key,
      connections: endless(connections),
      rate,
      bytes,
      action,
      holdMs,
      heldMax,
      entries,
      ban: ban && { causes: ban.causes, after: ban.after, withinMs: ban.withinMs, forMs: ban.forMs },
    }
  })
}

function byteRates({ bytesInPerS, bytesOutPerS }: LimitSettings): ByteRatesPlan | undefined {
  if (bytesInPerS === undefined && bytesOutPerS === undefined) return undefined
  const none = Number.POSITIVE_INFINITY
  return { inPerS: bytesInPerS ?? none, outPerS: bytesOutPerS ?? none }
}
