/** `shed`: idle sessions on the fullest remote of a pool end, so that their clients are distributed again. */

import type { Pool } from '../balance/pool.js'
import type { Loop } from '../reactor/loop.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import type { Relay } from '../relay/relay.js'
import type { Session } from '../relay/session.js'
import type { ShedPlan } from './plan.js'

/** Short, so that a rate of several a second is even; a look costs one pass over the open sessions. */
const LOOK_EVERY_MS = 250

export interface SheddingPool {
  readonly pool: Pool
  readonly plan: ShedPlan
}

export class Shedder implements TimerOwner {
  readonly #pools: readonly SheddingPool[]
  readonly #relay: Relay
  readonly #loop: Loop
  readonly #timer = new Timer(this)
  /** By index of the pool: sessions that may end now, with fractions. */
  readonly #allowed: number[]

  /** Its timer is set until `close`. */
  constructor(pools: readonly SheddingPool[], relay: Relay, loop: Loop) {
    this.#pools = pools
    this.#relay = relay
    this.#loop = loop
    this.#allowed = pools.map(() => 0)
    this.#wait()
  }

  onTimer(): void {
    for (let i = 0; i < this.#pools.length; i++) this.#shed(i)
    this.#wait()
  }

  close(): void {
    this.#loop.timers.unset(this.#timer)
  }

  #shed(index: number): void {
    const { plan, pool } = this.#pools[index] as SheddingPool
    const surplus = pool.surplus(plan.over, this.#loop.nowMs)
    if (surplus === undefined) {
      this.#allowed[index] = 0
      return
    }
    const own = this.#relay.openSessions.filter(({ remoteSlot, wasConnected }) => {
      return wasConnected && remoteSlot === surplus.slot
    })
    // Rate and surplus are those of all workers: each has the part that its sessions are of those on the remote.
    const part = own.length / Math.max(own.length, pool.use[surplus.slot] as number)
    const allowed = (this.#allowed[index] as number) + (plan.perSecond * part * LOOK_EVERY_MS) / 1_000
    const ended = this.#endIdle(own, Math.floor(Math.min(allowed, surplus.count)), plan)
    // What could not end, because nothing was idle, is not caught up on.
    this.#allowed[index] = Math.min(allowed - ended, 1)
  }

  /** Ends up to `most` idle sessions, the oldest first. Returns how many. */
  #endIdle(sessions: readonly Session[], most: number, { quietMs }: ShedPlan): number {
    if (most === 0) return 0
    const quietSinceMs = this.#loop.nowMs - quietMs
    const idle = sessions.filter((session) => session.isIdleSince(quietSinceMs))
    idle.sort((a, b) => a.acceptedAtMs - b.acceptedAtMs)
    const ending = idle.slice(0, most)
    for (const session of ending) session.endIdle('shed')
    return ending.length
  }

  #wait(): void {
    this.#loop.timers.set(this.#timer, this.#loop.nowMs + LOOK_EVERY_MS)
  }
}
