/** The virtual clock: passes through a trace in order of time, with the ends of sessions, retries and outages. */
import { type Chooser, type Decision, LATER, LEFT_OUT, WAITING } from './decision.js'
import { EventHeap } from './event-heap.js'
import { NO_ROW } from './rows.js'
import type { Tally } from './tally.js'
import type { Trace } from './trace.js'

/** A remote is down from one time to another; Infinity: to the end. */
export interface Outage {
  readonly row: number
  readonly fromMs: number
  readonly toMs: number
}

interface Change {
  readonly row: number
  readonly atMs: number
  readonly isDown: boolean
}

export class Sweep {
  /** By connection: what became of it, and its pool or NO_ROW. */
  readonly decisions: Int32Array
  readonly pools: Int32Array
  /** By connection: how long it has waited in queues. */
  readonly waitedMs: Float64Array
  readonly #trace: Trace
  readonly #chooser: Chooser
  readonly #tally: Tally
  /** Connections whose sessions end, or that are decided again. */
  readonly #events = new EventHeap()
  /** Beginnings and ends of outages, the last one first. */
  readonly #changes: Change[]
  /** By row: the number of outages that it is in, and when it last went down. */
  readonly #outages: Int32Array
  readonly #downSinceMs: Float64Array
  #nowMs = 0

  constructor(trace: Trace, chooser: Chooser, tally: Tally, outages: readonly Outage[] = []) {
    this.#trace = trace
    this.#chooser = chooser
    this.#tally = tally
    this.decisions = new Int32Array(trace.count).fill(LEFT_OUT)
    this.pools = new Int32Array(trace.count).fill(NO_ROW)
    this.waitedMs = new Float64Array(trace.count)
    this.#outages = new Int32Array(tally.use.length)
    this.#downSinceMs = new Float64Array(tally.use.length).fill(-Infinity)
    this.#changes = outages
      .flatMap(({ fromMs, row, toMs }) => [
        { row, atMs: fromMs, isDown: true },
        { row, atMs: toMs, isDown: false },
      ])
      .filter(({ atMs }) => atMs < Infinity)
      .sort((a, b) => b.atMs - a.atMs)
  }

  /** `order`: the connections in order of time. Returns the time of the last event. */
  run(order: Int32Array): number {
    const { startMs } = this.#trace
    for (let i = 0; i < order.length; i++) {
      const connection = order[i] as number
      const nowMs = startMs[connection] as number
      this.#advance(nowMs)
      this.#settle(connection, this.#chooser.decide(connection, nowMs), nowMs)
    }
    this.#advance(Infinity)
    this.#tally.finish(this.#nowMs)
    return this.#nowMs
  }

  /**
   * Handles all events up to a time. In the same millisecond outages come first, then ends of sessions and retries, then
   * clients that wait for what has happened.
   */
  #advance(nowMs: number): void {
    for (;;) {
      const changeMs = this.#changes.at(-1)?.atMs ?? Infinity
      const eventMs = this.#events.nextMs
      const servedMs = this.#chooser.nextMs ?? Infinity
      const nextMs = Math.min(changeMs, eventMs, servedMs)
      // Outages after the last connection are of no interest.
      if (nextMs > nowMs || Math.min(eventMs, servedMs, nowMs) === Infinity) break
      this.#nowMs = nextMs
      if (changeMs === nextMs) this.#change()
      else if (eventMs === nextMs) this.#handle(this.#events.pop(), eventMs)
      else this.#serve(servedMs)
    }
    if (nowMs < Infinity) this.#nowMs = nowMs
  }

  #handle(connection: number, nowMs: number): void {
    const decision = this.decisions[connection] as number
    if (decision >= 0) this.#end(connection, decision, nowMs)
    else this.#settle(connection, this.#chooser.decideAgain?.(connection, nowMs) ?? LEFT_OUT, nowMs)
  }

  #serve(nowMs: number): void {
    const connection = this.#chooser.nextServed?.(nowMs) ?? NO_ROW
    if (connection !== NO_ROW) this.#settle(connection, this.#chooser.decision ?? LEFT_OUT, nowMs)
  }

  #settle(connection: number, decision: Decision, nowMs: number): void {
    const { pool } = this.#chooser
    if (this.decisions[connection] === WAITING) this.#leaveQueue(connection, pool, nowMs)
    this.decisions[connection] = decision
    this.pools[connection] = pool
    if (decision >= 0) {
      this.#tally.begin(decision, this.#trace.client[connection] as number, nowMs)
      this.#chooser.began?.(connection, decision, nowMs)
      this.#events.push(nowMs + (this.#trace.lengthMs[connection] as number), connection)
    } else if (decision === LATER) this.#events.push(this.#chooser.againMs ?? nowMs, connection)
    else if (decision === WAITING) this.#enterQueue(connection, pool, nowMs)
    else this.#tally.refuse(decision, pool)
  }

  /** Subtracts the beginning of the wait; its end is added when it is known. */
  #enterQueue(connection: number, pool: number, nowMs: number): void {
    this.waitedMs[connection] = (this.waitedMs[connection] as number) - nowMs
    this.#tally.wait(pool, nowMs)
  }

  #leaveQueue(connection: number, pool: number, nowMs: number): void {
    this.waitedMs[connection] = (this.waitedMs[connection] as number) + nowMs
    this.#tally.stopWaiting(pool, nowMs)
  }

  #end(connection: number, row: number, nowMs: number): void {
    const beganMs = nowMs - (this.#trace.lengthMs[connection] as number)
    // The session ended when its remote went down.
    if (beganMs < (this.#downSinceMs[row] as number)) return
    this.#tally.end(row, nowMs)
    this.#chooser.ended?.(connection, row, nowMs)
  }

  #change(): void {
    const { atMs, isDown, row } = this.#changes.pop() as Change
    const before = this.#outages[row] as number
    this.#outages[row] = before + (isDown ? 1 : -1)
    if (isDown && before === 0) {
      this.#downSinceMs[row] = atMs
      this.#tally.cut(row, atMs)
      this.#chooser.setDown?.(row, true, atMs)
    } else if (!isDown && before === 1) this.#chooser.setDown?.(row, false, atMs)
  }
}
