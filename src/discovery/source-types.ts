/** The code of each type of source. */
import type { SourceName } from '../base/source-names.js'
import type { SourcePlanOf } from './discover-plan.js'
import type { Source, SourceEvents } from './source.js'

type Open<N extends SourceName> = (plan: SourcePlanOf<N>, events: SourceEvents) => Source

/** Loaded when the first source of the type is opened. */
const SOURCES: { readonly [N in SourceName]?: () => Promise<Open<N>> } = {
  dns: async () => (await import('./types/dns.js')).openDns,
  srv: async () => (await import('./types/srv.js')).openSrv,
  file: async () => (await import('./types/file.js')).openFile,
  http: async () => (await import('./types/http.js')).openHttp,
  etcd: async () => (await import('./types/etcd.js')).openEtcd,
  consul: async () => (await import('./types/consul.js')).openConsul,
  kubernetes: async () => (await import('./types/kubernetes.js')).openKubernetes,
}

/** Rejects only for an error of the program. */
export async function openSource<N extends SourceName>(
  plan: SourcePlanOf<N> & { readonly type: N },
  events: SourceEvents,
): Promise<Source> {
  const open = await SOURCES[plan.type]?.()
  if (open === undefined) throw new Error(`there is no source of the type ${plan.type}`)
  return open(plan, events)
}
