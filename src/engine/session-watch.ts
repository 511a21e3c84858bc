/**
 * Ends sessions because of the state of their remote. `on recovery = close`: the better tiers of its pool can serve again.
 * `on down = close`: it is excluded. `drain deadline`: it has drained for that long.
 */
import type { Pool } from '../balance/pool.js'
import { EXCLUDED } from '../base/verdict.js'
import type { Loop } from '../reactor/loop.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import type { Relay } from '../relay/relay.js'
import type { Session } from '../relay/session.js'
import type { Plan, PoolPlan } from './plan.js'

/** Nothing reports a verdict, a recovery or a deadline to all workers. A second is short compared with an outage. */
const CHECK_EVERY_MS = 1_000

/**
 * Sessions on remotes that are down or drained end at 1,000 a second in each worker: their clients connect again, to the remotes that
 * are left, and with TLS a new connection costs a worker up to a third of a millisecond. In small steps, so that the clients do not
 * come in bursts.
 */
const CLOSE_EVERY_MS = 100
const CLOSED_AT_ONCE = 100

/** A session without data for this long is between two requests: in most protocols its peers take an end well. */
const QUIET_MS = 500

/**
 * At the deadline a session may be in the middle of a transfer, which a FIN would make look complete. It has this time to become
 * quiet, and is then reset.
 */
const BUSY_MAX_MS = 5_000

/** A pool with these directives. */
export interface WatchedPool {
  readonly pool: Pool
  /** Of all remotes that it may have. */
  readonly slots: readonly number[]
  readonly closesOnRecovery: boolean
  readonly closesOnDown: boolean
  readonly endsDrained: boolean
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
    const areSomeLeft = this.#mayEndSessions() && this.#endSessions()
    this.#wait(areSomeLeft ? CLOSE_EVERY_MS : CHECK_EVERY_MS)
  }

  close(): void {
    this.#loop.timers.unset(this.#timer)
  }

  /** Without it no session needs to be looked at. */
  #mayEndSessions(): boolean {
    for (const { closesOnDown, closesOnRecovery, endsDrained, pool, slots } of this.#watched) {
      if (closesOnRecovery) return true
      for (const slot of slots) {
        // One of a member that has left is drained until another one has it.
        if (pool.use[slot] === 0) continue
        if (closesOnDown && pool.health.verdict[slot] === EXCLUDED) return true
        if (endsDrained && pool.health.isDrained(slot, this.#loop.nowMs)) return true
      }
    }
    return false
  }

  /** Returns whether sessions are left that have to end: those above the rate, and busy ones. */
  #endSessions(): boolean {
    const { openSessions } = this.#relay
    let ended = 0
    let areSomeBusy = false
    // From the end: a session that ends is replaced by the last one.
    for (let i = openSessions.length - 1; i >= 0; i--) {
      const session = openSessions[i]
      const reason = session?.wasConnected ? this.#reasonToEnd(session.remoteSlot) : undefined
      if (session === undefined || reason === undefined) continue
      if (reason === 'recovery') session.cut(reason)
      else if (ended === CLOSED_AT_ONCE) return true
      else if (reason === 'remote-down') session.cut(reason)
      else if (!this.#endDrained(session)) {
        areSomeBusy = true
        continue
      }
      if (reason !== 'recovery') ended++
    }
    return areSomeBusy
  }

  /** False: it is busy, and has time left. */
  #endDrained(session: Session): boolean {
    const { nowMs } = this.#loop
    const health = this.#pools[session.remoteSlot]?.pool.health
    if (session.isIdleSince(nowMs - QUIET_MS)) session.endIdle('drained')
    else if (health?.isDrained(session.remoteSlot, nowMs - BUSY_MAX_MS)) session.cut('drained')
    else return false
    return true
  }

  #reasonToEnd(slot: number): 'drained' | 'recovery' | 'remote-down' | undefined {
    const watched = this.#pools[slot]
    if (watched === undefined) return undefined
    const { closesOnDown, closesOnRecovery, endsDrained, pool } = watched
    if (closesOnDown && pool.health.verdict[slot] === EXCLUDED) return 'remote-down'
    if (endsDrained && pool.health.isDrained(slot, this.#loop.nowMs)) return 'drained'
    return closesOnRecovery && pool.isOutranked(slot, this.#loop.nowMs) ? 'recovery' : undefined
  }

  #wait(ms: number): void {
    this.#loop.timers.set(this.#timer, this.#loop.nowMs + ms)
  }
}

/** Undefined: sessions end by themselves in all pools. */
export function openSessionWatch(
  plans: Plan['pools'],
  pools: readonly { readonly pool: Pool }[],
  relay: Relay,
  loop: Loop,
): SessionWatch | undefined {
  const watched = pools.flatMap(({ pool }, index) => {
    const { closesOnDown, closesOnRecovery, drainDeadlineMs, members, spares = [] } = plans[index] as PoolPlan
    const slots = [...members, ...spares]
    const endsDrained = drainDeadlineMs < Number.POSITIVE_INFINITY
    return closesOnDown || closesOnRecovery || endsDrained
      ? [{ pool, slots, closesOnDown, closesOnRecovery, endsDrained }]
      : []
  })
  return watched.length === 0 ? undefined : new SessionWatch(watched, relay, loop)
}
