/** Slow start: a remote that was down gets a growing share of its weight. Pure: time is an argument. */

/** Of the weight, at the begin of a slow start: as in Envoy, enough for the remote to get its first clients soon. */
const MIN_SHARE = 0.1

export interface SlowStartOptions {
  /** By slot; 0: none. */
  readonly durationsMs: ArrayLike<number>
  /** 1: linear. More: steeper at the begin; less: flatter. */
  readonly aggression: number
  /** By slot, written by the head: 1 while the remote is down. */
  readonly verdict: ArrayLike<number>
  /** By slot, written by the head: when the last outage ended, CLOCK_MONOTONIC; 0: there was none. */
  readonly upAtMs: ArrayLike<number>
}

/** All workers read the begin from the same cell, so they agree on the share without talking to each other. */
export class SlowStart {
  readonly #options: SlowStartOptions
  readonly #exponent: number

  constructor(options: SlowStartOptions) {
    this.#options = options
    this.#exponent = 1 / options.aggression
  }

  /** The share of its weight that a remote has now: above 0, at most 1. */
  share(slot: number, nowMs: number): number {
    const { durationsMs, upAtMs, verdict } = this.#options
    const durationMs = durationsMs[slot] as number
    if (durationMs === 0) return 1
    // Its back-off may be over before the head knows that it is up.
    if (verdict[slot] !== 0) return MIN_SHARE
    const beganMs = upAtMs[slot] as number
    const elapsedMs = nowMs - beganMs
    if (beganMs === 0 || elapsedMs >= durationMs) return 1
    // The clock of a reactor stands still during a turn, so the begin may be later.
    return Math.max(MIN_SHARE, (Math.max(0, elapsedMs) / durationMs) ** this.#exponent)
  }
}
