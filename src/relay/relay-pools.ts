/** The pools of one configuration, which one serves a client, and the options of its session. */

import type { Hedging } from '../balance/hedging.js'
import type { Pool } from '../balance/pool.js'
import type { RetryBudget } from '../balance/retry-budget.js'
import { merged } from '../base/merged.js'
import type { PolicyName } from '../base/policy-names.js'
import type { ClientKeyPlan } from './client-key.js'
import type { DynamicHosts } from './dynamic-hosts.js'
import type { PoolQueue } from './opening/pool-queue.js'
import { bothLimits } from './session-limits.js'
import { closeOptions, type OptionOverrides, type SessionOptions } from './session-options.js'
import type { Stickiness } from './stickiness.js'

/** A pool with the options of its sessions. */
export interface RelayPool {
  readonly pool: Pool
  /** Its clients that wait for a remote with room; undefined: they do not wait. */
  readonly queue?: PoolQueue | undefined
  readonly options: SessionOptions
  /** Of its clients in this worker; undefined: there is no limit. */
  readonly retryBudget?: RetryBudget | undefined
  /** Undefined: slow attempts are not hedged. */
  readonly hedging?: Hedging | undefined
  /** In the plan. */
  readonly index: number
  /** Slots for remotes that discovery finds. */
  readonly spares?: readonly number[] | undefined
  /** As in its plan. */
  readonly label: string
  readonly key: ClientKeyPlan | undefined
  /** The policy of `pool`. */
  readonly policy: PolicyName
  /** Of a dynamic route: its one remote stands for all of them. */
  readonly hosts?: DynamicHosts | undefined
  /** Undefined: its clients are not sticky. */
  readonly sticky?: Stickiness | undefined
}

/** A remote belongs to one pool. */
export class RelayPools {
  readonly all: readonly RelayPool[]
  /** Serves clients whose listener names no pool, where there are no routes; undefined: nobody does. */
  readonly fallback: RelayPool | undefined
  /** Whether there are dynamic routes. */
  readonly hasDynamic: boolean
  /** By slot of the listener. */
  readonly #ofListeners: readonly (RelayPool | undefined)[]
  /** By slot of the remote. */
  readonly #ofRemotes: RelayPool[] = []
  /** By slot of the listener; empty if no listener overrides options. */
  readonly #overrides: readonly (OptionOverrides | undefined)[]
  /** Options of a pool with overrides, made for the first session that has both. */
  readonly #combined = new Map<OptionOverrides, Map<RelayPool, SessionOptions>>()

  /**
   * `defaultPool` and `listenerPools`, which is by slot: indices of `all`; undefined: none. `overrides` is by slot of
   * the listener.
   */
  constructor(
    all: readonly RelayPool[],
    defaultPool: number | undefined,
    listenerPools: readonly (number | undefined)[],
    overrides: readonly (OptionOverrides | undefined)[] = [],
  ) {
    this.#overrides = overrides
    this.all = all
    this.hasDynamic = all.some(({ hosts }) => hosts !== undefined)
    this.fallback = defaultPool === undefined ? undefined : all[defaultPool]
    this.#ofListeners = listenerPools.map((index) => (index === undefined ? undefined : all[index]))
    for (const relayPool of all)
      for (const slot of [...relayPool.pool.members, ...(relayPool.spares ?? [])])
        this.#ofRemotes[slot] = relayPool
  }

  /** The pool that a listener names; undefined: none. */
  ofListener(listenerSlot: number): RelayPool | undefined {
    return this.#ofListeners[listenerSlot]
  }

  /** Undefined: only other generations have the remote. */
  ofRemote(remoteSlot: number): RelayPool | undefined {
    return this.#ofRemotes[remoteSlot]
  }

  /** The options of a session of this pool whose client came by this listener. */
  optionsOf(relayPool: RelayPool, listenerSlot: number): SessionOptions {
    const overrides = this.#overrides[listenerSlot]
    return overrides === undefined ? relayPool.options : this.#combine(relayPool, overrides)
  }

  /** Frees native memory when no session is left. */
  close(): void {
    for (const { hosts, options, sticky } of this.all) {
      closeOptions(options)
      hosts?.close()
      sticky?.close()
    }
    for (const overrides of new Set(this.#overrides)) if (overrides !== undefined) closeOptions(overrides)
  }

  #combine(relayPool: RelayPool, overrides: OptionOverrides): SessionOptions {
    const ofPools = this.#combined.get(overrides) ?? new Map<RelayPool, SessionOptions>()
    this.#combined.set(overrides, ofPools)
    const known = ofPools.get(relayPool)
    if (known !== undefined) return known
    const made = merged(relayPool.options, {
      ...overrides,
      limits: bothLimits(relayPool.options.limits, overrides.limits),
    })
    ofPools.set(relayPool, made)
    return made
  }
}
