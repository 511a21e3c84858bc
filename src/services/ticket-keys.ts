/** The key that encrypts and authenticates TLS session tickets; `tls/ticket-keys.ts` defines the parts. */
export interface TicketKey {
  readonly name: Uint8Array
  readonly hmac: Uint8Array
  readonly aes: Uint8Array
}

/** How long a key encrypts new tickets. */
export const TICKET_KEY_PERIOD_MS = 12 * 60 * 60 * 1000

/** The current key and the previous one: a ticket is accepted for 12 to 24 hours. */
const KEYS_MAX = 2

/**
 * Ticket keys, shared by all processes that resume each other's sessions. When old sessions must not be resumed (the
 * rules for client certificates have changed), create another ring.
 */
export class TicketKeyRing {
  #keys: readonly TicketKey[] = [newKey()]

  /** The current key first. */
  get keys(): readonly TicketKey[] {
    return this.#keys
  }

  /** Replaces the current key; the owner passes the keys to the reactors. */
  rotate(): void {
    this.#keys = [newKey(), ...this.#keys].slice(0, KEYS_MAX)
  }
}

function newKey(): TicketKey {
  return { name: randomBytes(16), hmac: randomBytes(32), aes: randomBytes(32) }
}

/** Uses the global `crypto`, which is loaded on demand; importing `node:crypto` would load it in every process. */
function randomBytes(byteLength: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(byteLength))
}
