/** Runs `simulate` on a configuration and a log in a test. */
import assert from 'node:assert/strict'
import type { PolicyName } from '../../src/base/policy-names.js'
import { outagesOf, UnknownRemote } from '../../src/cli/simulated-outages.js'
import type { PoolReport, Report } from '../../src/simulate/report.js'
import { type Simulation, simulate } from '../../src/simulate/simulate.js'
import type { Trace } from '../../src/simulate/trace.js'
import { type Line, planOfText, traceOf } from './simulation-plan.js'

export interface Wish {
  readonly policy?: PolicyName
  readonly pool?: string
  /** `down`: remote, and seconds from the first connection. */
  readonly down?: readonly [remote: string, from: number, to?: number][]
  readonly seed?: number
}

export function simulated(
  text: string,
  trace: Trace,
  { down = [], seed = 1, ...change }: Wish = {},
): Simulation {
  const { model, rows } = planOfText(text, change).prepare(trace, seed)
  const given = down.map(([remote, from, to]) => ({
    text: '',
    remote,
    from: { ms: from * 1_000, isRelative: true },
    to: to === undefined ? undefined : { ms: to * 1_000, isRelative: true },
  }))
  const outages = outagesOf(given, rows, trace)
  assert.ok(!(outages instanceof UnknownRemote))
  return simulate(trace, rows, model, outages)
}

export function run(text: string, lines: readonly Line[], wish?: Wish): Report {
  return simulated(text, traceOf(lines).trace, wish).report
}

export function onlyPool({ pools }: Report): PoolReport {
  const [pool] = pools
  assert.ok(pool !== undefined && pools.length === 1)
  return pool
}
