/** The pools of one configuration, and which one serves a client. */

import type { Pool } from '../balance/pool.js'
import { invariant } from '../base/invariant.js'
import type { SessionOptions } from './session-options.js'

/** A pool with the options of its sessions. */
export interface RelayPool {
  readonly pool: Pool
  readonly options: SessionOptions
  /** As in its plan. */
  readonly label: string
}

/** A remote belongs to one pool. */
export class RelayPools {
  readonly all: readonly RelayPool[]
  /** By slot of the listener. */
  readonly #ofListeners: readonly (RelayPool | undefined)[]
  readonly #default: RelayPool | undefined
  /** By slot of the remote. */
  readonly #ofRemotes: RelayPool[] = []

  /**
   * `defaultPool` and `listenerPools`: indices of `all`; undefined: clients without a pool of their own get no service.
   * `listenerPools`: by slot, undefined for listeners that name no pool.
   */
  constructor(
    all: readonly RelayPool[],
    defaultPool: number | undefined,
    listenerPools: readonly (number | undefined)[],
  ) {
    this.all = all
    this.#default = defaultPool === undefined ? undefined : all[defaultPool]
    this.#ofListeners = listenerPools.map((index) => (index === undefined ? undefined : all[index]))
    for (const relayPool of all) for (const slot of relayPool.pool.members) this.#ofRemotes[slot] = relayPool
  }

  /** The pool that serves the clients of a listener; undefined: none. */
  ofListener(listenerSlot: number): RelayPool | undefined {
    return this.#ofListeners[listenerSlot] ?? this.#default
  }

  ofRemote(remoteSlot: number): RelayPool {
    const found = this.#ofRemotes[remoteSlot]
    invariant(found !== undefined, 'a remote without a pool', remoteSlot)
    return found
  }
}
