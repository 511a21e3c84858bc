/**
 * Ends sessions because of the state of their remote. `on recovery = close`: the better tiers of its pool can serve again.
 * `on down = close`: it is excluded.
 */
import type { Pool } from '../balance/pool.js'
import { EXCLUDED } from '../base/verdict.js'
import type { Loop } from '../reactor/loop.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import type { EndReason } from '../relay/phases.js'
import type { Relay } from '../relay/relay.js'

/** Nothing reports a verdict or a recovery to all workers. A second is short compared with an outage. */
const CHECK_EVERY_MS = 1_000

/**
 * Sessions on remotes that are down end at 1,000 a second in each worker: their clients connect again, to the remotes that
 * are left, and with TLS a new connection costs a worker up to a third of a millisecond. In small steps, so that the clients do not
 * come in bursts.
 */
const CLOSE_EVERY_MS = 100
const CLOSED_AT_ONCE = 100

/** A pool with these directives. */
export interface WatchedPool {
  readonly pool: Pool
  /** Of all remotes that it may have. */
  readonly slots: readonly number[]
  readonly closesOnRecovery: boolean
  readonly closesOnDown: boolean
}

export class SessionWatch implements TimerOwner {
  readonly #loop: Loop
  readonly #relay: Relay
  readonly #timer = new Timer(this)
  readonly #watched: readonly WatchedPool[]
  /** By slot of their remotes. */
  readonly #pools: (WatchedPool | undefined)[] = []

  /** Its timer is set until `close`. */
  constructor(watched: readonly WatchedPool[], relay: Relay, loop: Loop) {
    this.#loop = loop
    this.#relay = relay
    this.#watched = watched
    for (const one of watched) for (const slot of one.slots) this.#pools[slot] = one
    this.#wait(CHECK_EVERY_MS)
  }

  onTimer(): void {
    const isLate = this.#mayEndSessions() && this.#endSessions() === CLOSED_AT_ONCE
    this.#wait(isLate ? CLOSE_EVERY_MS : CHECK_EVERY_MS)
  }

  close(): void {
    this.#loop.timers.unset(this.#timer)
  }

  /** Without it no session needs to be looked at. */
  #mayEndSessions(): boolean {
    for (const { closesOnDown, closesOnRecovery, pool } of this.#watched) {
      if (closesOnRecovery) return true
      if (!closesOnDown) continue
      for (const slot of pool.members) if (pool.health.verdict[slot] === EXCLUDED) return true
    }
    return false
  }

  /** Returns how many have ended because their remote is down. */
  #endSessions(): number {
    const { openSessions } = this.#relay
    let ended = 0
    // From the end: a session that ends is replaced by the last one.
    for (let i = openSessions.length - 1; i >= 0; i--) {
      const session = openSessions[i]
      const reason = session?.wasConnected ? this.#reasonToEnd(session.remoteSlot) : undefined
      if (reason === 'remote-down' && ended++ === CLOSED_AT_ONCE) return CLOSED_AT_ONCE
      if (reason !== undefined) session?.cut(reason)
    }
    return ended
  }

  #reasonToEnd(slot: number): EndReason | undefined {
    const watched = this.#pools[slot]
    if (watched === undefined) return undefined
    const { closesOnDown, closesOnRecovery, pool } = watched
    if (closesOnDown && pool.health.verdict[slot] === EXCLUDED) return 'remote-down'
    return closesOnRecovery && pool.isOutranked(slot, this.#loop.nowMs) ? 'recovery' : undefined
  }

  #wait(ms: number): void {
    this.#loop.timers.set(this.#timer, this.#loop.nowMs + ms)
  }
}
