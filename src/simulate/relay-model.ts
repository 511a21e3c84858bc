/** The parts of the program that decide in a simulation; `cli/simulated-plan.ts` makes them of a configuration. */
import type { RouteFacts } from '../admission/route-facts.js'
import type { Router } from '../admission/router.js'
import type { ClientMemory } from '../balance/pick-sticky.js'
import type { Pool } from '../balance/pool.js'
import type { RemoteHealth } from '../balance/remote-health.js'
import type { RetryBudget } from '../balance/retry-budget.js'
import type { TraceListener } from './trace-listeners.js'

/** A client of a sticky pool. */
export interface StickyMemory extends ClientMemory {
  /** Its session with a remote has ended. */
  left(slot: number, nowMs: number): void
}

export interface SimulatedPool {
  readonly pool: Pool
  /** Undefined: the pool, or this client, is not sticky. */
  memoryOf(facts: RouteFacts): StickyMemory | undefined
  /** Undefined: it serves every client that is routed to it. */
  readonly allows: ((facts: RouteFacts) => boolean) | undefined
  /** The hash that its policy chooses by; undefined: it does not hash. */
  readonly hashOf: ((facts: RouteFacts) => number) | undefined
  readonly dialRetries: number
  /** Infinity: no limit. */
  readonly attemptsMax: number
  /** Undefined: retries are not limited. */
  readonly retryBudget: RetryBudget | undefined
  readonly dialTimeoutMs: number
  /** Infinity: no limit. */
  readonly queueSize: number
  readonly queueTimeoutMs: number
}

export interface RelayModel {
  readonly listeners: readonly TraceListener[]
  /** Rules of section and listener, for clients with an address. */
  admits(facts: RouteFacts, nowMs: number): boolean
  /** Rules of the route that matched. */
  admitsRouted(facts: RouteFacts, route: number, nowMs: number): boolean
  readonly router: Router
  /** By index. */
  readonly pools: readonly SimulatedPool[]
  readonly health: RemoteHealth
  /** Sessions by slot; the policies read it. */
  readonly use: Int32Array
  /** By slot, 1: it is known to be down. */
  readonly verdict: ArrayLike<number>
  /** Reports an attempt that contradicts the verdict. */
  reportEvidence(slot: number, isUp: boolean, nowMs: number): void
  /** Pause between two rounds over all remotes. */
  readonly roundPauseMs: number
}
