import type { Options } from '../options.js'
import type { Plan, PresentRelay } from '../plan.js'
import type { Results } from '../rounds.js'
import type { Failure } from '../sample.js'
import { type Row, summarise } from '../summary.js'
import type { Machine } from '../system/machine.js'
import type { WorkUnit } from '../workloads/workload.js'
import { type Addition, additionsOf } from './additions.js'
import { type Program, programsOf } from './programs.js'

export interface Section {
  readonly workload: string
  readonly title: string
  readonly unit: WorkUnit
  readonly rows: readonly Row[]
}

/** A finished run with all that a reader needs to judge and repeat it; saved as JSON without changes. */
export interface Report {
  readonly date: string
  readonly judged: string
  readonly machine: Machine
  readonly options: Options
  /** Measured rounds, the last one possibly incomplete; fewer than requested if the run was stopped. */
  readonly rounds: number
  /** The words after `npm run bench --`. */
  readonly arguments: readonly string[]
  readonly relays: readonly Pick<PresentRelay, 'name' | 'version' | 'setting' | 'bare' | 'isOurs'>[]
  /** Versions of the load generators. */
  readonly tools: Readonly<Record<string, string>>
  readonly omissions: readonly string[]
  readonly sections: readonly Section[]
  readonly additions: readonly Addition[]
  readonly failures: readonly Failure[]
  /** Command lines and configurations of all programs, in full. */
  readonly programs: readonly Program[]
  readonly samples: Results['samples']
}

export type Circumstances = Pick<Report, 'date' | 'machine' | 'options' | 'arguments' | 'tools'>

export function makeReport(plan: Plan, results: Results, circumstances: Circumstances): Report {
  const names = plan.relays.map(({ name }) => name)
  return {
    ...circumstances,
    rounds: Math.max(0, ...results.samples.map(({ round }) => round)),
    judged: names[0] ?? '',
    relays: plan.relays.map(({ name, version, setting, ...relay }) => ({
      name,
      version,
      setting,
      ...(relay.bare === undefined ? {} : { bare: relay.bare }),
      ...(relay.isOurs === undefined ? {} : { isOurs: relay.isOurs }),
    })),
    omissions: plan.omissions,
    sections: plan.workloads.map(({ name, title, unit }) => ({
      workload: name,
      title,
      unit,
      rows: summarise(results.samples, name, names),
    })),
    additions: additionsOf(plan, results.samples),
    failures: results.failures,
    programs: programsOf(plan, circumstances.options.seconds),
    samples: results.samples,
  }
}
