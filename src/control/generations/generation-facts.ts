/** What the head knows of the pools, remotes and listeners of a generation, for administrators: plain data. */

import type { AdminState } from '../../balance/remote-health.js'
import { formatAddress } from '../../base/address.js'
import { EXCLUDED } from '../../base/verdict.js'
import { listenerPlace, NO_LIMIT, queuePlace } from '../../cells/layout.js'
import type { PoolPlan } from '../../engine/plan.js'
import { keyInPool } from '../../plan/compile/socket-names.js'
import type { Generation } from './generation.js'

export interface RemoteFacts {
  readonly pool: string
  readonly name: string
  /** It stands for all hosts of a dynamic route. */
  readonly isDynamic: boolean
  /** Of its counters, and of what an administrator wants of it. */
  readonly key: string
  readonly healthName: string
  /** Empty: its name is not resolved, or it stands for the hosts of a dynamic route. */
  readonly addresses: readonly string[]
  readonly weight: number
  readonly configuredWeight: number
  readonly tier: number
  readonly adminState: AdminState
  /** Gets no clients of any worker. */
  readonly isExcluded: boolean
  /** Sessions of all workers. */
  readonly sessions: number
  /** Undefined: no limit. */
  readonly sessionsMax: number | undefined
}

/** In the order of the pools. */
export function remoteFacts(generation: Generation): readonly RemoteFacts[] {
  return generation.plan.pools.flatMap((pool) => [
    ...pool.members.map((slot) => factsOf(generation, pool, slot)),
    ...(pool.spares ?? []).flatMap((slot) =>
      generation.live.members.has(slot) ? [factsOf(generation, pool, slot)] : [],
    ),
  ])
}

function factsOf({ live, memory, plan }: Generation, pool: PoolPlan, slot: number): RemoteFacts {
  const planned = plan.remotes[slot]
  const member = live.members.get(slot)
  const name = member?.name ?? planned?.name ?? ''
  const addresses = member?.addresses ?? live.addresses.get(slot) ?? planned?.addresses ?? []
  const configuredWeight = member?.weight ?? planned?.weight ?? 0
  return {
    pool: pool.name,
    name,
    isDynamic: planned?.isDynamic === true,
    key: planned?.isDynamic === true ? name : keyInPool(pool.name, name),
    healthName: member?.healthName ?? planned?.healthName ?? name,
    addresses: addresses.map(formatAddress),
    weight: live.weights.get(slot) ?? configuredWeight,
    configuredWeight,
    tier: member?.tier ?? planned?.tier ?? 0,
    adminState: live.adminStates.get(slot)?.state ?? 'ready',
    isExcluded: memory.cells.verdict[slot] === EXCLUDED,
    // Any child can write any number there.
    sessions: Math.max(0, memory.useOf(slot)),
    sessionsMax: limitAt(memory.cells.useMax, slot),
  }
}

export interface ListenerFacts {
  /** Of its counters, too. */
  readonly name: string
  /** Where it listens, or is to listen. */
  readonly address: string
  readonly isBound: boolean
  /** Undefined: routes choose the pool, or it is the default one. */
  readonly pool: string | undefined
  readonly sessionsMax: number | undefined
}

export function listenerFacts({ listeners, memory, plan }: Generation): readonly ListenerFacts[] {
  const { cells, shape } = memory
  const [bound, addresses] = [listeners.present, listeners.names]
  return plan.listeners.map(({ countersSlot, name, pool }, slot) => ({
    name,
    address: addresses[slot] ?? name,
    isBound: bound.has(slot),
    pool: pool === undefined ? undefined : plan.pools[pool]?.name,
    sessionsMax: limitAt(cells.useMax, listenerPlace(shape, countersSlot)),
  }))
}

export interface PoolFacts {
  readonly name: string
  readonly policy: string
  /** All remotes are used, because too few are usable. */
  readonly isPanic: boolean
  /** Undefined: no limit. */
  readonly sessionsMax: number | undefined
  /** Clients that wait for a remote, of all workers. */
  readonly queued: number
}

export function poolFacts({ memory, plan, poolVerdicts }: Generation): readonly PoolFacts[] {
  return plan.pools.map(({ maxConnections, name, policy, slot }) => ({
    name,
    policy,
    isPanic: poolVerdicts.get(name)?.isPanic ?? false,
    sessionsMax: maxConnections === Number.POSITIVE_INFINITY ? undefined : maxConnections,
    queued: Math.max(0, memory.cells.use[queuePlace(memory.shape, slot)] ?? 0),
  }))
}

function limitAt(useMax: Int32Array, place: number): number | undefined {
  const max = useMax[place] ?? NO_LIMIT
  return max === NO_LIMIT ? undefined : max
}
