/** Puts the members that discovery has found into the pools of a generation. */
import type { RemoteHealth } from '../balance/remote-health.js'
import { remoteSeeds } from '../balance/remote-seeds.js'
import { formatAddress } from '../base/address.js'
import type { Loop } from '../reactor/loop.js'
import type { RelayPool, RelayPools } from '../relay/relay-pools.js'
import type { Remotes } from '../relay/remotes.js'
import type { RemoteArrays } from './build-pools.js'
import type { LiveMember, StateChange } from './live-state.js'
import type { PoolPlan } from './plan.js'

export interface DiscoveredMembersParts {
  readonly pools: RelayPools
  /** In the order of `pools`: the remotes that the configuration names. */
  readonly plans: readonly Pick<PoolPlan, 'drainDeadlineMs' | 'members'>[]
  readonly loop: Pick<Loop, 'nowMs'>
  readonly remotes: Remotes
  readonly health: RemoteHealth
  /** Those that the pools were made with. */
  readonly arrays: RemoteArrays
}

export class DiscoveredMembers {
  readonly #parts: DiscoveredMembersParts
  readonly #members = new Map<number, LiveMember>()

  constructor(parts: DiscoveredMembersParts) {
    this.#parts = parts
  }

  /** A remote that has left keeps name and addresses for its sessions: its slot is not used again before they have ended. */
  apply({ joined, left }: Extract<StateChange, { what: 'members' }>): void {
    const { pools } = this.#parts
    const touched = new Set<RelayPool>()
    for (const slot of left) {
      if (!this.#members.delete(slot)) continue
      this.#leave(slot)
      touch(touched, pools.ofRemote(slot))
    }
    for (const member of joined) {
      if (this.#join(member)) touch(touched, pools.ofRemote(member.slot))
    }
    for (const relayPool of touched) this.#refresh(relayPool)
  }

  /** It drains from now on: workers that start later have no sessions with it. */
  #leave(slot: number): void {
    const { health, loop, plans, pools } = this.#parts
    const { drainDeadlineMs = Number.POSITIVE_INFINITY } = plans[pools.ofRemote(slot)?.index ?? -1] ?? {}
    health.setReachable(slot, false)
    health.setAdminState(slot, 'maint', loop.nowMs + drainDeadlineMs)
  }

  /** Returns whether the pool has other remotes or tiers now. */
  #join(member: LiveMember): boolean {
    const { healthName, name, slot, tier, weight } = member
    const { arrays, health, pools, remotes } = this.#parts
    const before = this.#members.get(slot)
    this.#members.set(slot, member)
    if (before === undefined) health.setAdminState(slot, 'ready')
    arrays.tiers[slot] = tier
    pools.ofRemote(slot)?.pool.setWeight(slot, weight)
    if (before?.name !== name) remotes.rename(slot, name, healthName)
    if (before === undefined || textOf(before) !== textOf(member)) this.#setAddresses(member, before)
    return before?.name !== name || before.tier !== tier
  }

  #setAddresses({ addresses, slot }: LiveMember, before: LiveMember | undefined): void {
    const { health, remotes } = this.#parts
    remotes.at(slot).replaceAddresses(addresses)
    const isReachable = addresses.length > 0
    // Only a change is passed on, because `setReachable` ends the back-off of the remote.
    if (isReachable !== (before !== undefined && before.addresses.length > 0))
      health.setReachable(slot, isReachable)
  }

  /** Those of the configuration first, then by name, so that all relays with the same members have the same order. */
  #refresh({ index, pool, spares = [], sticky }: RelayPool): void {
    const { arrays, plans, remotes } = this.#parts
    const present = spares.filter((slot) => this.#members.has(slot))
    const nameOf = (slot: number) => remotes.at(slot).name
    present.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    const slots = [...(plans[index]?.members ?? []), ...present]
    const names = slots.map(nameOf)
    for (const [i, seed] of remoteSeeds(names).entries()) arrays.seeds[slots[i] as number] = seed
    pool.replaceMembers(slots)
    sticky?.replaceMembers(slots.map((slot, i) => ({ slot, name: names[i] as string })))
  }
}

/** The addresses in their order. */
function textOf({ addresses }: LiveMember): string {
  return addresses.map(formatAddress).join()
}

function touch(touched: Set<RelayPool>, relayPool: RelayPool | undefined): void {
  if (relayPool !== undefined) touched.add(relayPool)
}
