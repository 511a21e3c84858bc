/** The sticky cache of a listener: sends a client to the child that it had before. */
export interface StickyOptions {
  /** How long after its last connection a client is sent to the same child. */
  readonly periodMs: number
  /** Maximum number of clients; the least recently used one is evicted. */
  readonly size: number
}

interface Entry {
  readonly childSlot: number
  readonly untilMs: number
}

/**
 * An LRU cache of the child that each client had last. A Map keeps its keys in insertion order, here of the last use.
 */
export class StickyCache {
  readonly #options: StickyOptions
  readonly #entries = new Map<string, Entry>()

  constructor(options: StickyOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** The child's slot; undefined when the client is unknown or its entry has expired. */
  find(client: string, nowMs: number): number | undefined {
    const entry = this.#entries.get(client)
    return entry === undefined || entry.untilMs < nowMs ? undefined : entry.childSlot
  }

  /** Records the child of a client, and restarts its period. */
  note(client: string, childSlot: number, nowMs: number): void {
    this.#entries.delete(client)
    this.#entries.set(client, { childSlot, untilMs: nowMs + this.#options.periodMs })
    if (this.#entries.size <= this.#options.size) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  /** Removes the entries of a child that has ended; its slot may be reused. */
  forgetChild(childSlot: number): void {
    for (const [client, entry] of this.#entries) {
      if (entry.childSlot === childSlot) this.#entries.delete(client)
    }
  }
}
