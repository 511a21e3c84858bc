/** Opens the limits of a plan in a worker. */
import { LimitRejections } from '../accept/limit-rejections.js'
import { heldDescriptorsMax } from '../admission/held-descriptors.js'
import type { LimitPlan } from '../admission/limit-plan.js'
import { Limiter } from '../admission/limiter.js'
import { Limits } from '../admission/limits.js'
import { type LimitMemory, openLimitTables } from '../cells/limit-memory.js'
import { descriptorLimit } from '../kernel/limits.js'
import type { System } from '../kernel/system.js'
import { add, COUNT } from '../observe/counters.js'
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Loop } from '../reactor/loop.js'
import { describeClient } from '../relay/peer-name.js'
import type { Plan } from './plan.js'

export interface LimitsParts {
  readonly plan: Pick<Plan, 'limits' | 'listeners'>
  readonly memory: LimitMemory
  readonly childSlot: number
  /** As in `ClientLimits`. */
  readonly areJudged: boolean
  readonly loop: Loop
  readonly system: System
  readonly counters: Float64Array
  readonly log: Say
}

/** Undefined: the configuration has none. Throws when the system has no memory. */
export function openLimits(parts: LimitsParts): LimitRejections | undefined {
  const { areJudged, childSlot, counters, log, loop, memory, plan, system } = parts
  if (memory.shares.length === 0) return undefined
  const untracked = new RateLimitedLog(WARNING, log)
  const onUntracked = ({ entries, name }: LimitPlan) => {
    add(counters, COUNT.limitsUntracked, 1)
    untracked.log(
      loop.nowMs,
      () => `limit ${name}: ${entries} are not enough (size), new ones are not limited`,
    )
  }
  const tables = openLimitTables(memory, childSlot)
  const listeners = plan.listeners.map(({ name }) => name)
  const limiters = tables.all.flatMap((table, index) => {
    const [limit, share] = [plan.limits[index], memory.shares[index]]
    if (limit === undefined || share === undefined) return []
    return new Limiter({ index, plan: limit, table, seed: share.seed, listeners, onUntracked })
  })
  return new LimitRejections({
    limits: new Limits(limiters, plan.listeners),
    areJudged,
    loop,
    system,
    counters,
    log,
    heldMax: heldDescriptorsMax(plan.limits, descriptorLimit()),
    describeClient,
    close: () => tables.close(),
  })
}
