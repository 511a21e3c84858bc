/** Counts what happens to the connections of a trace, per remote and pool. */
import { DECISIONS, type Decision, NO_REMOTE, QUEUE_FULL, QUEUE_TIMEOUT } from './decision.js'
import type { Rows } from './rows.js'

/** The figures of one pool. */
export class PoolTally {
  connections = 0
  /** Clients with at least one connection. */
  clients = 0
  /** Clients that were sent to another remote than the time before, and how often that happened. */
  movedClients = 0
  moves = 0
  noRemote = 0
  queueFull = 0
  queueTimeout = 0
  /** Clients in the queue: now, since when, and the highest number that there were for longer than an instant. */
  waiting = 0
  waitingSinceMs = 0
  peakWaiting = 0
  /** Sessions that ended because their remote went down. */
  cut = 0
  /** The highest number of sessions of a regular remote per unit of weight: now, and its sum over time. */
  highest = 0
  highestArea = 0
  changedMs = 0
  /** By client: the row of its last remote + 1, negative if it has moved; 0: none. */
  readonly lastRows: Int32Array

  constructor(clients: number) {
    this.lastRows = new Int32Array(clients)
  }
}

export class Tally {
  /** Sessions now, by row, and then by pool (`placeOfPool`). The policies of a simulation read it. */
  readonly use: Int32Array
  readonly connections: Float64Array
  readonly peak: Int32Array
  /** Sessions × milliseconds. */
  readonly area: Float64Array
  /** By index. Made for the first client: most of a large configuration may be idle. */
  readonly pools: (PoolTally | undefined)[] = []
  /** Connections by decision, negated: those that no pool got. */
  readonly refused = new Float64Array(DECISIONS)
  readonly #changedMs: Float64Array
  readonly #rows: Rows
  /** By row; 0: it does not count for the imbalance. */
  readonly #weights: Float64Array
  readonly #clients: number

  /** `isCounted`: whether a regular remote counts for the imbalance. */
  constructor(rows: Rows, clients: number, use: Int32Array, isCounted: (row: number) => boolean) {
    const count = rows.remotes.length
    this.use = use
    this.connections = new Float64Array(count)
    this.peak = new Int32Array(count)
    this.area = new Float64Array(count)
    this.#changedMs = new Float64Array(count)
    this.#rows = rows
    this.#weights = Float64Array.from(rows.remotes, ({ isRegular, weight = 0 }, row) =>
      isRegular && isCounted(row) ? weight : 0,
    )
    this.#clients = clients
  }

  /** The weight of a remote that counts for the imbalance; 0 for others. */
  weightOf(row: number): number {
    return this.#weights[row] as number
  }

  begin(row: number, client: number, nowMs: number): void {
    const pool = this.#poolOf(row)
    this.#pass(row, pool, nowMs)
    const use = (this.use[row] as number) + 1
    this.use[row] = use
    this.#addToPool(row, 1)
    this.connections[row] = (this.connections[row] as number) + 1
    if (use > (this.peak[row] as number)) this.peak[row] = use
    const weight = this.#weights[row] as number
    if (weight > 0 && use / weight > pool.highest) pool.highest = use / weight
    pool.connections++
    noteClient(pool, row, client)
  }

  end(row: number, nowMs: number): void {
    this.#lower(row, 1, nowMs)
  }

  /** The remote has gone down: its sessions end. */
  cut(row: number, nowMs: number): void {
    this.#poolOf(row).cut += this.use[row] as number
    this.#lower(row, this.use[row] as number, nowMs)
  }

  /** A client enters the queue of a pool. */
  wait(pool: number, nowMs: number): void {
    this.#addWaiting(this.#poolAt(pool), 1, nowMs)
  }

  stopWaiting(pool: number, nowMs: number): void {
    this.#addWaiting(this.#poolAt(pool), -1, nowMs)
  }

  refuse(decision: Decision, pool: number): void {
    if (decision === NO_REMOTE && pool >= 0) this.#poolAt(pool).noRemote++
    else if (decision === QUEUE_FULL) this.#poolAt(pool).queueFull++
    else if (decision === QUEUE_TIMEOUT) this.#poolAt(pool).queueTimeout++
    else this.refused[-decision] = (this.refused[-decision] as number) + 1
  }

  /** Completes the sums over time. */
  finish(nowMs: number): void {
    for (const [row, { pool }] of this.#rows.remotes.entries()) {
      const used = this.pools[pool]
      if (used !== undefined) this.#pass(row, used, nowMs)
    }
  }

  #lower(row: number, by: number, nowMs: number): void {
    const pool = this.#poolOf(row)
    this.#pass(row, pool, nowMs)
    const weight = this.#weights[row] as number
    const wasHighest = weight > 0 && (this.use[row] as number) / weight === pool.highest
    this.use[row] = (this.use[row] as number) - by
    this.#addToPool(row, -by)
    if (wasHighest) pool.highest = this.#highestOf(row)
  }

  /** Adds the time since the last change. */
  #pass(row: number, pool: PoolTally, nowMs: number): void {
    const sinceMs = nowMs - (this.#changedMs[row] as number)
    this.area[row] = (this.area[row] as number) + (this.use[row] as number) * sinceMs
    this.#changedMs[row] = nowMs
    pool.highestArea += pool.highest * (nowMs - pool.changedMs)
    pool.changedMs = nowMs
  }

  #addWaiting(pool: PoolTally, clients: number, nowMs: number): void {
    if (nowMs > pool.waitingSinceMs) pool.peakWaiting = Math.max(pool.peakWaiting, pool.waiting)
    pool.waitingSinceMs = nowMs
    pool.waiting += clients
  }

  #addToPool(row: number, sessions: number): void {
    const place = placeOfPool(this.#rows, this.#rows.remotes[row]?.pool ?? 0)
    this.use[place] = (this.use[place] as number) + sessions
  }

  #highestOf(row: number): number {
    const { rows = [] } = this.#rows.pools[this.#rows.remotes[row]?.pool ?? -1] ?? {}
    let highest = 0
    for (let i = 0; i < rows.length; i++) {
      const other = rows[i] as number
      const weight = this.#weights[other] as number
      if (weight > 0) highest = Math.max(highest, (this.use[other] as number) / weight)
    }
    return highest
  }

  #poolOf(row: number): PoolTally {
    return this.#poolAt(this.#rows.remotes[row]?.pool ?? 0)
  }

  #poolAt(index: number): PoolTally {
    const known = this.pools[index]
    if (known !== undefined) return known
    const made = new PoolTally(this.#clients)
    this.pools[index] = made
    return made
  }
}

/** Where the sessions of a pool are counted, behind those of the remotes. */
export function placeOfPool({ remotes }: Rows, pool: number): number {
  return remotes.length + pool
}

/** For the sessions of all remotes and pools. */
export function usePlaces({ pools, remotes }: Rows): Int32Array {
  return new Int32Array(remotes.length + pools.length)
}

function noteClient(pool: PoolTally, row: number, client: number): void {
  const last = pool.lastRows[client] as number
  if (last === 0) {
    pool.clients++
    pool.lastRows[client] = row + 1
    return
  }
  if (Math.abs(last) === row + 1) return
  pool.moves++
  if (last > 0) pool.movedClients++
  pool.lastRows[client] = -(row + 1)
}
