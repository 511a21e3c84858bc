/** What a configuration says of the sources of members, compiled by `plan/compile/discover-plans.ts`: plain data. */
import type { SourceName } from '../base/source-names.js'

/** Of one pool. */
export interface DiscoverPlan {
  /** Its name in logs and in the state file. */
  readonly pool: string
  /** Limit of members, those included that only have old sessions. */
  readonly slots: number
  /** An answer that would remove a larger part of the members has to be confirmed: 0.5 is half of them. */
  readonly maxRemoved: number
  readonly source: SourcePlan
}

export type SourcePlan =
  | { readonly type: 'dns' }
  | { readonly type: 'srv' }
  | { readonly type: 'file' }
  | { readonly type: 'http' }
  | { readonly type: 'etcd' }
  | { readonly type: 'consul' }
  | { readonly type: 'kubernetes' }

export type SourcePlanOf<N extends SourceName> = Extract<SourcePlan, { readonly type: N }>
