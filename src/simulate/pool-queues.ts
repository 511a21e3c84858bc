/**
 * The connections that wait for a remote with room: lists through columns, so that waiting allocates nothing, and when
 * each queue is looked at. `simulated-relay.ts` says who is served.
 */
import { EventHeap } from './event-heap.js'
import { NO_ROW } from './rows.js'

/** Connections and pools are numbers; NO_ROW stands for none. */
export class PoolQueues {
  /** By connection. */
  readonly #next: Int32Array
  readonly #queuedAtMs: Float64Array
  /** By pool. */
  readonly #first: Int32Array
  readonly #last: Int32Array
  readonly #count: Int32Array
  /** Pools to look at. Valid is only the event at `#wakeAtMs`: Infinity for an empty queue. */
  readonly #wakes = new EventHeap()
  readonly #wakeAtMs: Float64Array

  constructor(connections: number, pools: number) {
    this.#next = new Int32Array(connections)
    this.#queuedAtMs = new Float64Array(connections)
    this.#first = new Int32Array(pools).fill(NO_ROW)
    this.#last = new Int32Array(pools).fill(NO_ROW)
    this.#count = new Int32Array(pools)
    this.#wakeAtMs = new Float64Array(pools).fill(Infinity)
  }

  countOf(pool: number): number {
    return this.#count[pool] as number
  }

  firstOf(pool: number): number {
    return this.#first[pool] as number
  }

  after(connection: number): number {
    return this.#next[connection] as number
  }

  queuedAtMs(connection: number): number {
    return this.#queuedAtMs[connection] as number
  }

  append(pool: number, connection: number, nowMs: number): void {
    const last = this.#last[pool] as number
    this.#next[connection] = NO_ROW
    this.#queuedAtMs[connection] = nowMs
    this.#last[pool] = connection
    if (last === NO_ROW) this.#first[pool] = connection
    else this.#next[last] = connection
    this.#count[pool] = (this.#count[pool] as number) + 1
  }

  /** `before`: the connection in front of it, NO_ROW for the first one. */
  remove(pool: number, connection: number, before: number): void {
    const next = this.#next[connection] as number
    if (before === NO_ROW) this.#first[pool] = next
    else this.#next[before] = next
    if (next === NO_ROW) this.#last[pool] = before
    this.#count[pool] = (this.#count[pool] as number) - 1
    if (this.#first[pool] === NO_ROW) this.#wakeAtMs[pool] = Infinity
  }

  /** Looks at the queue of a pool at this time at the latest, if somebody waits. */
  wakeBy(pool: number, atMs: number): void {
    if (this.#first[pool] === NO_ROW || atMs >= (this.#wakeAtMs[pool] as number)) return
    this.#wakeAtMs[pool] = atMs
    this.#wakes.push(atMs, pool)
  }

  /** When a queue is to be looked at; Infinity: never. */
  get nextMs(): number {
    const wakes = this.#wakes
    while (wakes.nextMs < Infinity && this.#wakeAtMs[wakes.nextPayload] !== wakes.nextMs) wakes.pop()
    return wakes.nextMs
  }

  /** The pool whose queue is to be looked at now. */
  takeDue(nowMs: number): number {
    if (this.nextMs > nowMs) return NO_ROW
    const pool = this.#wakes.pop()
    this.#wakeAtMs[pool] = Infinity
    return pool
  }
}
