import { closeSync } from 'node:fs'
import type { SocketAddress } from '../base/address.js'
import { type CreatedCells, createCells, giveBack } from '../cells/cells.js'
import type { Calls } from '../kernel/calls.js'
import { Resolver } from '../master/resolver.js'
import type { Say, TraceChannel } from '../observe/trace.js'
import { ListenerKeeper } from './listener-keeper.js'
import type { BoundListener } from './listeners.js'
import type { Loaded } from './load.js'
import { masterShape, namedRemotes } from './settings.js'

export interface GenerationParts {
  readonly calls: Calls
  readonly say: Say
  readonly trace: TraceChannel
  /** A listener is there; its descriptor is the receiver's. */
  onListen(slot: number, listener: BoundListener): void
  onAddresses(remoteSlot: number, addresses: readonly SocketAddress[]): void
}

/** What belongs to one configuration of a master. Its children go on with it when there is another one. */
export class Generation {
  readonly loaded: Loaded
  readonly memory: CreatedCells
  readonly listeners: ListenerKeeper
  /** Known addresses of named remotes, by slot. */
  readonly addresses = new Map<number, readonly SocketAddress[]>()
  readonly #resolver: Resolver
  #isInForce = true

  constructor(loaded: Loaded, bound: readonly (BoundListener | undefined)[], parts: GenerationParts) {
    const { calls, say, trace } = parts
    this.loaded = loaded
    this.memory = createCells(masterShape(loaded))
    this.listeners = new ListenerKeeper({
      listeners: loaded.spawnd.listeners,
      bound,
      calls,
      say,
      onListen: (slot, listener) => parts.onListen(slot, listener),
    })
    const onFound = (remoteSlot: number, found: readonly SocketAddress[]) => {
      this.addresses.set(remoteSlot, found)
      parts.onAddresses(remoteSlot, found)
    }
    this.#resolver = new Resolver(onFound, say, trace)
    for (const remote of namedRemotes(loaded.tcprelay)) void this.#resolver.add(remote)
  }

  /** Another configuration is in force, or this one never was: only its children still need its memory. */
  retire(): void {
    if (!this.#isInForce) return
    this.#isInForce = false
    this.#resolver.close()
    closeSync(this.memory.fd)
  }

  /** A child has ended; the memory goes with the last one, `hasMore` says whether there is another. */
  giveBack(slot: number, hasMore: boolean): void {
    giveBack(this.memory.cells, slot)
    if (!this.#isInForce && !hasMore) this.memory.unmap()
  }

  /** The process ends: no name is looked up any more. */
  stopLookups(): void {
    this.#resolver.close()
  }
}
