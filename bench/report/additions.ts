import type { Plan } from '../plan.js'
import type { Sample } from '../sample.js'
import { compare, type Ratio } from '../summary.js'

/** The cost of a relay with more switched on, relative to its bare variant. */
export interface Addition {
  readonly workload: string
  readonly relay: string
  readonly bare: string
  /** Cost per unit of `relay` divided by that of `bare`, above 1 where it adds. */
  readonly ratio: Ratio
}

export function additionsOf({ relays, workloads }: Plan, samples: readonly Sample[]): readonly Addition[] {
  return workloads.flatMap(({ name: workload }) =>
    relays.flatMap(({ name: relay, bare }) => {
      const ratio = bare === undefined ? undefined : compare(samples, workload, relay, bare)
      return bare === undefined || ratio === undefined ? [] : [{ workload, relay, bare, ratio }]
    }),
  )
}
