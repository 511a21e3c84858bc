/**
 * Runs the connections of a trace through a configuration, on a virtual clock. Read this folder from here:
 * `trace-parser.ts` and `generate-trace.ts` make traces, `simulated-relay.ts` asks the program's own router and pools,
 * `pool-queues.ts` has its waiting clients, `logged-remotes.ts` says what happened instead, `sweep.ts` is the clock, `tally.ts` counts, `report.ts` is the result.
 */
import { LoggedRemotes } from './logged-remotes.js'
import { orderByTime } from './order-by-time.js'
import type { RelayModel } from './relay-model.js'
import { type Report, reportOf } from './report.js'
import type { Rows } from './rows.js'
import { SimulatedRelay } from './simulated-relay.js'
import { type Outage, Sweep } from './sweep.js'
import { Tally, usePlaces } from './tally.js'
import type { Trace } from './trace.js'
import { waitsByPool } from './waits.js'

export interface Simulation {
  readonly report: Report
  /** By connection: the row of its remote, or why it has none; and its pool or NO_ROW. */
  readonly decisions: Int32Array
  readonly pools: Int32Array
  /** By connection: its time in queues. */
  readonly waitedMs: Float64Array
}

/** `model.use` has the places of `usePlaces`. */
export function simulate(
  trace: Trace,
  rows: Rows,
  model: RelayModel,
  outages: readonly Outage[],
): Simulation {
  const order = orderByTime(trace.startMs, trace.count)
  const fromMs = order.length === 0 ? 0 : (trace.startMs[order[0] as number] as number)
  const tally = new Tally(rows, trace.clients.count, model.use, () => true)
  const sweep = new Sweep(trace, new SimulatedRelay(model, trace, rows), tally, outages)
  const toMs = sweep.run(order)
  const simulated = { tally, fromMs, toMs, waits: waitsByPool(sweep) }
  const logged = trace.isLog ? runLogged(trace, rows, order, fromMs) : undefined
  const { decisions, pools, waitedMs } = sweep
  return { report: reportOf(trace, rows, decisions, simulated, logged), decisions, pools, waitedMs }
}

/** A remote that the log does not name was not there: it does not count for the imbalance. */
function runLogged(trace: Trace, rows: Rows, order: Int32Array, fromMs: number) {
  const named = new Set(rows.logged)
  const tally = new Tally(rows, trace.clients.count, usePlaces(rows), (row) => named.has(row))
  const sweep = new Sweep(trace, new LoggedRemotes(trace, rows), tally)
  const toMs = sweep.run(order)
  return { tally, fromMs, toMs, waits: waitsByPool(sweep) }
}
