/** What a session ticket is closed and opened with; the layer of TLS says what each part is for. */
export interface TicketKey {
  readonly name: Uint8Array
  readonly hmac: Uint8Array
  readonly aes: Uint8Array
}

/** How long tickets are closed with a key. */
export const TICKET_KEY_PERIOD_MS = 12 * 60 * 60 * 1000

/** The present key, and the one before it: a ticket can be used for 12 hours at least, for 24 at most. */
const KEYS_MAX = 2

/**
 * The ticket keys of processes that resume each other's sessions. Who must not resume a session of before (because it
 * is known no more who is welcome) needs another ring: with these keys old tickets open.
 */
export class TicketKeyRing {
  #keys: readonly TicketKey[] = [newKey()]

  /** The present key first. */
  get keys(): readonly TicketKey[] {
    return this.#keys
  }

  rotate(): void {
    this.#keys = [newKey(), ...this.#keys].slice(0, KEYS_MAX)
  }
}

function newKey(): TicketKey {
  return { name: randomBytes(16), hmac: randomBytes(32), aes: randomBytes(32) }
}

/** By the global that loads what it needs when it is used, which `node:crypto` does for everybody. */
function randomBytes(byteLength: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(byteLength))
}
