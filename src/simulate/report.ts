/** The result of a simulation as plain data: `--json` prints it, `report-text.ts` makes tables of it. */
import { LEFT_OUT, REFUSALS, type Refusal, UNKNOWN_LISTENER } from './decision.js'
import type { Rows } from './rows.js'
import type { Tally } from './tally.js'
import type { Trace } from './trace.js'

export interface Report {
  readonly trace: TraceSummary
  readonly pools: readonly PoolReport[]
  /** Clients that no pool got. */
  readonly refused: { readonly simulated: Refused; readonly logged?: Refused }
}

export interface TraceSummary {
  readonly connections: number
  readonly clients: number
  /** First start and last end; absent without connections. */
  readonly from?: string
  readonly to?: string
  /** Connections that are not simulated, by `end=`, or by `listener=` if the configuration has no such listener. */
  readonly leftOut: Readonly<Record<string, number>>
}

export interface PoolReport {
  readonly name: string
  /** Absent: only the log has this pool. */
  readonly policy?: string
  readonly simulated: PoolFigures
  /** The same figures, of what happened; absent for a generated trace. */
  readonly logged?: PoolFigures
  /** Connections that got another remote than in the log, or none of the two. */
  readonly different?: number
  readonly remotes: readonly RemoteReport[]
}

export interface PoolFigures {
  readonly connections: number
  readonly clients: number
  /** Clients that were sent to another remote than the time before, and how often that happened. */
  readonly movedClients: number
  readonly moves: number
  readonly noRemote: number
  readonly queue: QueueFigures
  readonly cut: number
  /** Highest divided by mean, per unit of weight, among the remotes in regular service; absent without connections. */
  readonly connectionImbalance?: number
  readonly sessionImbalance?: number
}

/** Clients that waited because all remotes were full. */
export interface QueueFigures {
  /** Those that waited for a measurable time, served or not. */
  readonly waited: number
  /** Absent if no client waited. 95 % of those that waited did not wait longer than `p95WaitMs`. */
  readonly meanWaitMs?: number
  readonly p95WaitMs?: number
  readonly maxWaitMs?: number
  /** Highest number of clients that waited at the same time. */
  readonly peakWaiting: number
  /** Clients that were refused: by `timeout` and by `size` of the queue. */
  readonly timeouts: number
  readonly full: number
}

export interface RemoteReport {
  readonly name: string
  /** Absent: only the log has this remote. */
  readonly weight?: number
  /** By weight, if all remotes in regular service are up. */
  readonly expectedShare?: number
  readonly simulated: RemoteFigures
  readonly logged?: RemoteFigures
}

export interface RemoteFigures {
  readonly connections: number
  /** Of the connections of its pool. */
  readonly share: number
  readonly meanSessions: number
  readonly peakSessions: number
}

export type Refused = Readonly<Record<Refusal, number>>

/** What was counted, from the first connection to the end of the last one. */
export interface Counted {
  readonly tally: Tally
  /** By pool, in ascending order. */
  readonly waits: readonly Float64Array[]
  readonly fromMs: number
  readonly toMs: number
}

export function reportOf(
  trace: Trace,
  rows: Rows,
  decisions: Int32Array,
  simulated: Counted,
  logged: Counted | undefined,
): Report {
  const different = logged && differences(rows, decisions)
  return {
    trace: summaryOf(trace, decisions, simulated, logged),
    pools: rows.pools.flatMap((_, index) => poolReport(index, rows, simulated, logged, different) ?? []),
    refused: {
      simulated: refusedOf(simulated.tally),
      ...(logged && { logged: refusedOf(logged.tally) }),
    },
  }
}

function summaryOf(
  trace: Trace,
  decisions: Int32Array,
  { fromMs, toMs }: Counted,
  logged: Counted | undefined,
): TraceSummary {
  const { clients, count } = trace
  const leftOut: Record<string, number> = {}
  for (let i = 0; i < count; i++) {
    const isUnknown = decisions[i] === UNKNOWN_LISTENER
    if (!isUnknown && decisions[i] !== LEFT_OUT) continue
    const [name, word] = isUnknown ? ['listener', trace.listener[i]] : ['end', trace.end[i]]
    const key = `${name}=${trace.words.text(word as number)}`
    leftOut[key] = (leftOut[key] ?? 0) + 1
  }
  const span = count > 0 && {
    from: new Date(fromMs).toISOString(),
    to: new Date(logged?.toMs ?? toMs).toISOString(),
  }
  return { connections: count, clients: clients.count, ...span, leftOut }
}

/** By pool of the log: the number of its connections that got another remote. */
function differences({ logged, loggedPool, pools }: Rows, decisions: Int32Array): Float64Array {
  const counts = new Float64Array(pools.length)
  for (let i = 0; i < decisions.length; i++) {
    const pool = loggedPool[i] as number
    const isSimulated = decisions[i] !== LEFT_OUT && decisions[i] !== UNKNOWN_LISTENER
    if (pool < 0 || !isSimulated || decisions[i] === logged[i]) continue
    // Neither got one.
    if ((logged[i] as number) < 0 && (decisions[i] as number) < 0) continue
    counts[pool] = (counts[pool] as number) + 1
  }
  return counts
}

/** Undefined: a pool without clients, and without a place in the configuration. */
function poolReport(
  index: number,
  rows: Rows,
  simulated: Counted,
  logged: Counted | undefined,
  different: Float64Array | undefined,
): PoolReport | undefined {
  const pool = rows.pools[index]
  const isUsed = [simulated, logged].some((view) => view?.tally.pools[index] !== undefined)
  if (pool === undefined || (pool.policy === undefined && !isUsed)) return undefined
  const expected = pool.rows.reduce((sum, row) => sum + regularWeight(rows, row), 0)
  return {
    name: pool.name,
    ...(pool.policy !== undefined && { policy: pool.policy }),
    simulated: poolFigures(index, rows, simulated),
    ...(logged && { logged: poolFigures(index, rows, logged), different: different?.[index] ?? 0 }),
    remotes: pool.rows.map((row) => remoteReport(row, expected, rows, simulated, logged)),
  }
}

function poolFigures(index: number, rows: Rows, counted: Counted): PoolFigures {
  const { fromMs, tally, toMs } = counted
  const {
    clients = 0,
    connections = 0,
    cut = 0,
    movedClients = 0,
    moves = 0,
    noRemote = 0,
  } = tally.pools[index] ?? {}
  const weighed = (rows.pools[index]?.rows ?? []).filter((row) => tally.weightOf(row) > 0)
  const weights = sumOf(weighed, (row) => tally.weightOf(row))
  const loads = weighed.map((row) => (tally.connections[row] as number) / tally.weightOf(row))
  const meanLoad = sumOf(weighed, (row) => tally.connections[row] as number) / weights
  const meanArea = sumOf(weighed, (row) => tally.area[row] as number) / weights
  const highestArea = tally.pools[index]?.highestArea ?? 0
  return {
    connections,
    clients,
    movedClients,
    moves,
    noRemote,
    queue: queueFigures(index, counted),
    cut,
    ...(meanLoad > 0 && { connectionImbalance: Math.max(...loads) / meanLoad }),
    ...(meanArea > 0 && toMs > fromMs && { sessionImbalance: highestArea / meanArea }),
  }
}

function queueFigures(index: number, { tally, waits }: Counted): QueueFigures {
  const { peakWaiting = 0, queueFull = 0, queueTimeout = 0 } = tally.pools[index] ?? {}
  const ofPool = waits[index] ?? new Float64Array(0)
  const waited = ofPool.length
  return {
    waited,
    ...(waited > 0 && {
      meanWaitMs: ofPool.reduce((sum, waitMs) => sum + waitMs, 0) / waited,
      p95WaitMs: ofPool[Math.ceil(waited * 0.95) - 1] as number,
      maxWaitMs: ofPool[waited - 1] as number,
    }),
    peakWaiting,
    timeouts: queueTimeout,
    full: queueFull,
  }
}

function remoteReport(
  row: number,
  expected: number,
  rows: Rows,
  simulated: Counted,
  logged: Counted | undefined,
): RemoteReport {
  const { name = '', weight } = rows.remotes[row] ?? {}
  const share = expected > 0 ? regularWeight(rows, row) / expected : 0
  return {
    name,
    ...(weight !== undefined && { weight, expectedShare: share }),
    simulated: remoteFigures(row, rows, simulated),
    ...(logged && { logged: remoteFigures(row, rows, logged) }),
  }
}

function remoteFigures(row: number, rows: Rows, { fromMs, tally, toMs }: Counted): RemoteFigures {
  const connections = tally.connections[row] as number
  const ofPool = tally.pools[rows.remotes[row]?.pool ?? -1]?.connections ?? 0
  return {
    connections,
    share: ofPool > 0 ? connections / ofPool : 0,
    meanSessions: toMs > fromMs ? (tally.area[row] as number) / (toMs - fromMs) : 0,
    peakSessions: tally.peak[row] as number,
  }
}

function regularWeight({ remotes }: Rows, row: number): number {
  const { isRegular = false, weight = 0 } = remotes[row] ?? {}
  return isRegular ? weight : 0
}

function refusedOf({ refused }: Tally): Refused {
  const count = (refusal: Refusal) => sumOf(REFUSALS[refusal], (decision) => refused[-decision] as number)
  return { rejected: count('rejected'), noRoute: count('noRoute'), rejectedByRoute: count('rejectedByRoute') }
}

function sumOf<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0)
}
