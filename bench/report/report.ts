import type { Options } from '../options.js'
import type { Plan } from '../plan.js'
import type { Results } from '../rounds.js'
import type { Failure } from '../sample.js'
import { type Row, summarise } from '../summary.js'
import type { Machine } from '../system/machine.js'
import type { WorkUnit } from '../workloads/workload.js'

export interface Section {
  readonly workload: string
  readonly title: string
  readonly unit: WorkUnit
  readonly rows: readonly Row[]
}

/** A finished run with all that a reader needs to judge and repeat it; saved as JSON as it is. */
export interface Report {
  readonly date: string
  readonly judged: string
  readonly machine: Machine
  readonly options: Options
  readonly relays: readonly { readonly name: string; readonly version: string; readonly setting: string }[]
  /** Versions of what drives the relays. */
  readonly tools: Readonly<Record<string, string>>
  readonly omissions: readonly string[]
  readonly sections: readonly Section[]
  readonly failures: readonly Failure[]
  readonly samples: Results['samples']
}

export type Circumstances = Pick<Report, 'date' | 'machine' | 'options' | 'tools'>

export function makeReport(plan: Plan, results: Results, circumstances: Circumstances): Report {
  const names = plan.relays.map(({ name }) => name)
  return {
    ...circumstances,
    judged: names[0] ?? '',
    relays: plan.relays.map(({ name, version, setting }) => ({ name, version, setting })),
    omissions: plan.omissions,
    sections: plan.workloads.map(({ name, title, unit }) => ({
      workload: name,
      title,
      unit,
      rows: summarise(results.samples, name, names),
    })),
    failures: results.failures,
    samples: results.samples,
  }
}
