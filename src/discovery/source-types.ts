/** The code of each type of source. */
import type { SourceName } from '../base/source-names.js'
import type { SourcePlanOf } from './discover-plan.js'
import type { Source, SourceEvents } from './source.js'

type Open<N extends SourceName> = (plan: SourcePlanOf<N>, events: SourceEvents) => Source

/** Loaded when the first source of the type is opened. */
const SOURCES: { readonly [N in SourceName]?: () => Promise<Open<N>> } = {}

/** Rejects only for an error of the program. */
export async function openSource<N extends SourceName>(
  plan: SourcePlanOf<N> & { readonly type: N },
  events: SourceEvents,
): Promise<Source> {
  const open = await SOURCES[plan.type]?.()
  if (open === undefined) throw new Error(`there is no source of the type ${plan.type}`)
  return open(plan, events)
}
