import { TICKET_KEY_BYTES, TicketKeyMemory } from '../kernel/openssl-ticket.js'

/** Keys that a session ticket is closed with; all that open tickets of each other have the same. */
export interface TicketKey {
  /** 16 bytes that travel with the ticket and say which key it is. */
  readonly name: Uint8Array
  /** 32 bytes for HMAC-SHA256. */
  readonly hmac: Uint8Array
  /** 32 bytes for AES-256-CBC. */
  readonly aes: Uint8Array
}

/** The present key and the old ones: with a key every 12 hours, tickets of three days still open. */
const KEYS_MAX = 8

/** What a ticket callback answers (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)). */
const FAILED = -1
const UNKNOWN = 0
const OPENED = 1
const OPENED_AND_RENEWED = 2

/**
 * The ticket keys of one reactor, shared by its contexts. Who gives every process the same keys lets sessions be
 * resumed in any of them. When keys are made and dropped is decided elsewhere.
 */
export class TicketKeys {
  readonly #memory = new TicketKeyMemory(KEYS_MAX)
  #count = 0

  /** From now on tickets are closed with the first key and opened with all of them. At most eight count. */
  set(keys: readonly TicketKey[]): void {
    const kept = keys.slice(0, KEYS_MAX)
    const joined = new Uint8Array(TICKET_KEY_BYTES)
    kept.forEach(({ name, hmac, aes }, slot) => {
      if (name.length !== 16 || hmac.length !== 32 || aes.length !== 32)
        throw new RangeError('bad ticket key')
      joined.set(name)
      joined.set(hmac, 16)
      joined.set(aes, 48)
      this.#memory.set(slot, joined)
    })
    joined.fill(0)
    this.#count = kept.length
  }

  /**
   * The callback: addresses of the name and IV of a ticket and of the two contexts that OpenSSL goes on with;
   * `isRenewed`: who comes with a ticket gets another one.
   */
  use(name: number, iv: number, cipher: number, mac: number, isNew: boolean, isRenewed: boolean): number {
    if (isNew) {
      if (this.#count === 0) return UNKNOWN
      return this.#memory.seal(0, name, iv, cipher, mac) ? OPENED : FAILED
    }
    const slot = this.#memory.find(name, this.#count)
    if (slot < 0) return UNKNOWN
    if (!this.#memory.open(slot, iv, cipher, mac)) return FAILED
    return slot === 0 && !isRenewed ? OPENED : OPENED_AND_RENEWED
  }

  /** No context may use them any more. */
  free(): void {
    this.#count = 0
    this.#memory.free()
  }
}
