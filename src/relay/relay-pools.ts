/** The pools of one configuration, and which one serves a client. */

import type { Pool } from '../balance/pool.js'
import type { ClientKeyPlan } from './client-key.js'
import type { PoolQueue } from './opening/pool-queue.js'
import type { SessionOptions } from './session-options.js'

/** A pool with the options of its sessions. */
export interface RelayPool {
  readonly pool: Pool
  /** Its clients that wait for a remote with room. */
  readonly queue: PoolQueue
  readonly options: SessionOptions
  /** As in its plan. */
  readonly label: string
  readonly key: ClientKeyPlan | undefined
}

/** A remote belongs to one pool. */
export class RelayPools {
  readonly all: readonly RelayPool[]
  /** Serves clients whose listener names no pool, where there are no routes; undefined: nobody does. */
  readonly fallback: RelayPool | undefined
  /** By slot of the listener. */
  readonly #ofListeners: readonly (RelayPool | undefined)[]
  /** By slot of the remote. */
  readonly #ofRemotes: RelayPool[] = []

  /**
   * `defaultPool` and `listenerPools`, which is by slot: indices of `all`; undefined: none.
   */
  constructor(
    all: readonly RelayPool[],
    defaultPool: number | undefined,
    listenerPools: readonly (number | undefined)[],
  ) {
    this.all = all
    this.fallback = defaultPool === undefined ? undefined : all[defaultPool]
    this.#ofListeners = listenerPools.map((index) => (index === undefined ? undefined : all[index]))
    for (const relayPool of all) for (const slot of relayPool.pool.members) this.#ofRemotes[slot] = relayPool
  }

  /** The pool that a listener names; undefined: none. */
  ofListener(listenerSlot: number): RelayPool | undefined {
    return this.#ofListeners[listenerSlot]
  }

  /** Undefined: only other generations have the remote. */
  ofRemote(remoteSlot: number): RelayPool | undefined {
    return this.#ofRemotes[remoteSlot]
  }
}
