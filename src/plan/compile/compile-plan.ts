/** Compiles the plan of a configuration, once per generation, in the head. Read this folder from here. */
import { mavisSettings } from '../../config/mavis-settings.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import type { Plan, ProcessPlan } from '../../engine/plan.js'
import { ephemeralPorts } from '../../kernel/port-range.js'
import type { Asking, RelayOptions } from '../../relay/options.js'
import type { Loaded } from '../load/load.js'
import { accessPlan, needsFacts } from './admission-plan.js'
import { limitPlans } from './limit-plans.js'
import { keysOf, withNeeds } from './listener-needs.js'
import { type BoundAs, listenerPlans } from './listener-plans.js'
import { poolIndex, poolPlans } from './pool-plans.js'
import { remotePlans } from './remote-plans.js'
import { routePlans } from './route-plans.js'
import { usesClientAddress } from './socket-settings.js'
import { childProcess, workersPlan } from './worker-plans.js'

/** Values of a plan that are known at run time only. */
export interface PlanSurroundings extends BoundAs, Pick<ProcessPlan, 'mechanism'> {
  /** The slot of each remote in the cells, in the order of the configuration. */
  readonly remoteSlots: readonly number[]
  /** The same of each pool. */
  readonly poolSlots: readonly number[]
}

export function compilePlan(loaded: Loaded, surroundings: PlanSurroundings): Plan {
  const { spawnd, tcprelay } = loaded
  const { listeners: listenersTls, remotes: clients, ...tls } = loaded.tls.settings
  const { mechanism, poolSlots, remoteSlots } = surroundings
  const pools = poolPlans(tcprelay, poolSlots, remoteSlots)
  const defaultPool = poolIndex(tcprelay)
  const routes = routePlans(tcprelay, spawnd.listeners)
  const access = accessPlan({ spawnd, tcprelay, geo: loaded.geo.networks })
  const bare = listenerPlans(spawnd.listeners, surroundings, listenersTls, tcprelay)
  const limits = limitPlans(tcprelay, spawnd.listeners, bare)
  const listeners = withNeeds(bare, { access, defaultPool, limits, pools, routes }, loaded)
  const remotes = remotePlans(tcprelay, remoteSlots, { clients, probes: loaded.tls.probes }, listeners)
  const tellsAddress = remotes.some(({ options }) => options?.sendProxy !== undefined)
  const limitsByAddress = limits.some(({ key }) => key.by === 'source')
  const choosesByAddress = routes.length > 0 || pools.some((pool) => keysOf(pool).length > 0)
  return {
    listeners,
    pools,
    defaultPool,
    routes: routes,
    remotes,
    access,
    limits,
    relay: relayPlan(
      loaded,
      tls.servers.length > 0 ||
        choosesByAddress ||
        limitsByAddress ||
        tellsAddress ||
        needsFacts(access) ||
        listeners.some(({ proxy }) => proxy),
    ),
    tls,
    mavis: mavisSettings(tcprelay),
    workers: workersPlan(loaded),
    process: childProcess(loaded, mechanism),
  }
}

/** `notesPeers`: client addresses are stored for reasons other than these directives. */
function relayPlan({ spawnd, tcprelay }: Loaded, notesPeers: boolean): RelayOptions {
  const hasAccessLog = tcprelay.accessLog !== undefined
  const asks = askingOf(tcprelay)
  return {
    ephemeralPorts: ephemeralPorts(),
    retireLimit: tcprelay.retire,
    hasAccessLog,
    logsReasons: hasAccessLog && tcprelay.accessLogDetail === 'full',
    asks,
    notesPeers: hasAccessLog || asks !== undefined || usesClientAddress({ spawnd, tcprelay }) || notesPeers,
  }
}

/** Undefined: clients need no authorization by MAVIS. */
function askingOf(tcprelay: TcprelaySettings): Asking | undefined {
  const { authorization, timeoutMs } = mavisSettings(tcprelay)
  return authorization === 'none' ? undefined : { about: authorization, timeoutMs }
}
