/** `on recovery = close`: sessions on a remote in reserve end when the better tiers of its pool can serve again. */
import type { Pool } from '../balance/pool.js'
import type { Loop } from '../reactor/loop.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import type { Relay } from '../relay/relay.js'

/** Nothing reports a recovery to all workers. A second is short compared with the outage. */
const CHECK_EVERY_MS = 1_000

export class RecoveryWatch implements TimerOwner {
  readonly #loop: Loop
  readonly #relay: Relay
  readonly #timer = new Timer(this)
  /** The pools with this directive, by slot of their remotes. */
  readonly #pools: (Pool | undefined)[] = []

  /** Its timer is set until `close`. */
  constructor(pools: readonly Pool[], relay: Relay, loop: Loop) {
    this.#loop = loop
    this.#relay = relay
    for (const pool of pools) for (const slot of pool.members) this.#pools[slot] = pool
    this.#wait()
  }

  onTimer(): void {
    const { openSessions } = this.#relay
    // From the end: a session that ends is replaced by the last one.
    for (let i = openSessions.length - 1; i >= 0; i--) {
      const session = openSessions[i]
      if (session?.wasConnected && this.#isOutranked(session.remoteSlot)) session.cut('recovery')
    }
    this.#wait()
  }

  close(): void {
    this.#loop.timers.unset(this.#timer)
  }

  #isOutranked(slot: number): boolean {
    return this.#pools[slot]?.isOutranked(slot, this.#loop.nowMs) === true
  }

  #wait(): void {
    this.#loop.timers.set(this.#timer, this.#loop.nowMs + CHECK_EVERY_MS)
  }
}
