export interface StickyOptions {
  /** How long a client stays with its child after its last connection. */
  readonly periodMs: number
  /** Clients remembered; the one not seen for longest is forgotten first. */
  readonly size: number
}

interface Entry {
  readonly childSlot: number
  readonly untilMs: number
}

/** Which child a client had last. A Map keeps its keys in the order of their last use. */
export class StickyCache {
  readonly #options: StickyOptions
  readonly #entries = new Map<string, Entry>()

  constructor(options: StickyOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** The child's slot, undefined when the client is not known or was away for too long. */
  find(client: string, nowMs: number): number | undefined {
    const entry = this.#entries.get(client)
    return entry === undefined || entry.untilMs < nowMs ? undefined : entry.childSlot
  }

  /** The client is with this child from now on. */
  note(client: string, childSlot: number, nowMs: number): void {
    this.#entries.delete(client)
    this.#entries.set(client, { childSlot, untilMs: nowMs + this.#options.periodMs })
    if (this.#entries.size <= this.#options.size) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  /** A child is gone; its slot may soon be another's. */
  forgetChild(childSlot: number): void {
    for (const [client, entry] of this.#entries) {
      if (entry.childSlot === childSlot) this.#entries.delete(client)
    }
  }
}
