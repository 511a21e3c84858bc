/** Stickiness of a pool: its clients keep the remotes that they had before, in all workers. */
import { hashText } from '../balance/hash.js'
import { NONE } from '../balance/policy.js'
import { NOTHING, type StickyTable } from '../cells/sticky-table.js'
import type { ClientKeyPlan } from './client-key.js'

export interface StickyRemote {
  readonly slot: number
  readonly name: string
}

/** Two words of 32 bits, from different seeds. */
export type ClientHash = readonly [first: number, second: number]

/**
 * The table names remotes by a hash of their names: a reload may give the slot of a remote that is gone to another one.
 * What a compromised worker writes is the hash of a member, or means nothing.
 */
export class Stickiness {
  /** By what clients are recognised. */
  readonly key: ClientKeyPlan
  /** Of the hashes of clients. */
  readonly seed: number
  readonly #table: StickyTable
  readonly #slots = new Map<number, number>()
  readonly #ids = new Map<number, number>()

  constructor(key: ClientKeyPlan, seed: number, table: StickyTable, members: readonly StickyRemote[]) {
    this.key = key
    this.seed = seed
    this.#table = table
    this.replaceMembers(members)
  }

  /** The remotes of the pool from now on. */
  replaceMembers(members: readonly StickyRemote[]): void {
    this.#slots.clear()
    this.#ids.clear()
    for (const { name, slot } of members) this.#add(slot, hashText(name))
  }

  /** The slot of the remote that a client had; NONE: none, or it is no member any more. */
  find(first: number, second: number, nowMs: number): number {
    return this.#slots.get(this.#table.find(first, second, nowMs)) ?? NONE
  }

  /** A client with this hash. */
  client([first, second]: ClientHash): StickyClient {
    return new StickyClient(this, first, second)
  }

  set(first: number, second: number, slot: number, nowMs: number): void {
    const id = this.#ids.get(slot)
    if (id !== undefined) this.#table.put(first, second, id, nowMs)
  }

  close(): void {
    this.#table.close()
  }

  /** Remotes of the same name or hash get the next free one, in the order of the configuration. */
  #add(slot: number, hash: number): void {
    let id = hash
    while (id === NOTHING || this.#slots.has(id)) id = (id + 1) | 0
    this.#slots.set(id, slot)
    this.#ids.set(slot, id)
  }
}

/** A client of a sticky pool. */
export class StickyClient {
  readonly #stickiness: Stickiness
  readonly #first: number
  readonly #second: number
  /** It had no remote, so it keeps the one that it gets. */
  #isNew = false

  constructor(stickiness: Stickiness, first: number, second: number) {
    this.#stickiness = stickiness
    this.#first = first
    this.#second = second
  }

  get hash(): ClientHash {
    return [this.#first, this.#second]
  }

  /** The slot of the remote that it had, which counts as used now, or NONE. */
  remote(nowMs: number): number {
    const slot = this.#stickiness.find(this.#first, this.#second, nowMs)
    if (slot === NONE) this.#isNew = true
    return slot
  }

  /** It gets another remote than it had. If it had one, that is for this connection only. */
  chose(slot: number, nowMs: number): void {
    if (this.#isNew) this.#stickiness.set(this.#first, this.#second, slot, nowMs)
  }

  /** Its session with a remote has ended: the TTL begins, even if that is shorter than the session was. */
  left(slot: number, nowMs: number): void {
    if (this.#stickiness.find(this.#first, this.#second, nowMs) === NONE)
      this.#stickiness.set(this.#first, this.#second, slot, nowMs)
  }
}
