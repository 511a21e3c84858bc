/** The limits of one direction: how fast it moves bytes, and how slowly its sink may take them. */
import { Timer, type TimerOwner } from '../../reactor/timers.js'
import { ByteBucket } from './byte-bucket.js'
import { BLOCKED, type Direction, type Pumped, SPENT } from './direction.js'

/**
 * A direction that has to wait sleeps at least this long: meanwhile more bytes arrive, so it runs less often. The time
 * is not lost, because buckets save up more.
 */
const SLEEP_MS_MIN = 20

/** Allocated for the first session of a record with limits, and reused. */
export class Pacing implements TimerOwner {
  /** When the direction may go on; unset: it does not sleep. */
  readonly timer: Timer = new Timer(this)
  /** Since when bytes have been waiting for the sink without interruption; Infinity: none are. */
  behindSinceMs = Number.POSITIVE_INFINITY
  /** Bytes that the sink had acknowledged at that time. */
  takenBefore = 0
  readonly #way: Direction
  readonly #own = new ByteBucket()
  /** All of them must have been paid. Empty: the rate is not limited. */
  readonly #buckets: ByteBucket[] = []
  /** For buckets that others use too; reused. */
  readonly #shared: ByteBucket[] = []
  /** How many bytes the direction had moved when it was last allowed to go on. */
  #allowedAt = 0.5
  /** Bytes from there on that are paid for. */
  #reserved = 0

  constructor(way: Direction) {
    this.#way = way
  }

  /** Limits this direction alone. */
  limit(bytesPerS: number, nowMs: number): void {
    this.#own.restart(bytesPerS, nowMs)
    this.#buckets.push(this.#own)
  }

  /** Limits it together with others. */
  share(bytesPerS: number, paidUntilMs: Float64Array, index: number): void {
    const { length } = this.#buckets
    this.#shared[length] ??= new ByteBucket()
    const bucket = this.#shared[length]
    bucket.share(bytesPerS, paidUntilMs, index)
    this.#buckets.push(bucket)
  }

  get isLimited(): boolean {
    return this.#buckets.length > 0
  }

  /** Its limits are known. `unpaidBytes` are charged that have been sent before. */
  begin(unpaidBytes: number, nowMs: number): void {
    this.behindSinceMs = Number.POSITIVE_INFINITY
    this.#allowedAt = this.#way.bytes - unpaidBytes
    this.#reserved = 0
    if (this.#buckets.length > 0) this.#settle(nowMs)
  }

  /** Gives back what was reserved. */
  end(nowMs: number): void {
    const { timers } = this.#way.source.session.relay.loop
    timers.unset(this.timer)
    if (this.#buckets.length > 0) this.#settle(nowMs)
    this.#buckets.length = 0
  }

  /** The direction has moved all bytes that it was allowed. False: it sleeps until it may go on. */
  mayMove(): boolean {
    if (this.timer.isSet) return false
    const { session } = this.#way.source
    const { nowMs } = session.relay.loop
    const quantum = this.#quantum(nowMs)
    this.#allowedAt = this.#way.bytes
    if (this.#arePaid(nowMs)) {
      this.#way.bytesAllowed = this.#allowedAt + quantum
      return true
    }
    this.#reserved = quantum
    session.sleep(this.#way, this.timer, Math.max(this.#reserve(nowMs, quantum), nowMs + SLEEP_MS_MIN))
    return false
  }

  onTimer(): void {
    this.#way.bytesAllowed = this.#allowedAt + this.#reserved
    this.#way.onTurn()
  }

  /** The direction has had a turn. */
  ran(pumped: Pumped, nowMs: number): void {
    const { bytes, bytesAllowed } = this.#way
    // Within the quantum only its turn is over.
    const goesOn = pumped === SPENT && bytes < bytesAllowed
    if (pumped !== BLOCKED && !goesOn) this.behindSinceMs = Number.POSITIVE_INFINITY
    else if (pumped === BLOCKED && this.behindSinceMs === Number.POSITIVE_INFINITY)
      this.#way.source.session.guard?.fellBehind(this.#way, this)
    if (this.#buckets.length > 0 && !goesOn) this.#settle(nowMs)
  }

  #quantum(nowMs: number): number {
    let quantum = Number.POSITIVE_INFINITY
    for (const bucket of this.#buckets) quantum = Math.min(quantum, bucket.quantum(nowMs))
    return quantum
  }

  #arePaid(nowMs: number): boolean {
    for (const bucket of this.#buckets) if (!bucket.isPaid(nowMs)) return false
    return true
  }

  /** The latest of the times of all buckets. */
  #reserve(nowMs: number, byteCount: number): number {
    let atMs = 0
    for (const bucket of this.#buckets) atMs = Math.max(atMs, bucket.reserve(nowMs, byteCount))
    return atMs
  }

  /** Charges what was moved beyond the reservation, or gives back the rest of it. */
  #settle(nowMs: number): void {
    const way = this.#way
    const unpaid = way.bytes - this.#allowedAt - this.#reserved
    for (const bucket of this.#buckets) bucket.charge(nowMs, unpaid)
    this.#allowedAt = way.bytes
    this.#reserved = 0
    way.bytesAllowed = way.bytes
  }
}
