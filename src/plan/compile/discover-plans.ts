/** The plans of discovery, which only the head has: from directives to what sources are opened with. */
import type { SourceName } from '../../base/source-names.js'
import type { DiscoverSettings } from '../../config/table-discover.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import type { DiscoverPlan, SourcePlan, SourcePlanOf } from '../../discovery/discover-plan.js'
import { dnsPlan, filePlan, srvPlan } from './dns-source-plans.js'
import { consulPlan, etcdPlan, httpPlan, kubernetesPlan } from './http-source-plans.js'

/** What sources get; what they need has been checked. */
const SOURCES: { readonly [N in SourceName]: (settings: DiscoverSettings) => SourcePlanOf<N> } = {
  dns: dnsPlan,
  srv: srvPlan,
  file: filePlan,
  http: httpPlan,
  etcd: etcdPlan,
  consul: consulPlan,
  kubernetes: kubernetesPlan,
}

export function discoverPlans({ pools }: Pick<TcprelaySettings, 'pools'>): readonly DiscoverPlan[] {
  return pools.flatMap(({ discover, name }) => {
    if (discover === undefined) return []
    const { maxRemovedPercent, slots, type } = discover
    const source: SourcePlan = SOURCES[type](discover)
    return [{ pool: name, slots, maxRemoved: maxRemovedPercent / 100, source }]
  })
}
