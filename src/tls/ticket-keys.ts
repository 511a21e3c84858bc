/** Keys of session tickets (RFC 5077), shared by the contexts of a reactor. */
import { TICKET_KEY_BYTES, TicketKeyMemory } from '../kernel/openssl-ticket.js'

/** One set of keys. Processes that resume each other's sessions must have the same. */
export interface TicketKey {
  /** 16 bytes that identify the key within a ticket. */
  readonly name: Uint8Array
  /** 32 bytes for HMAC-SHA256. */
  readonly hmac: Uint8Array
  /** 32 bytes for AES-256-CBC. */
  readonly aes: Uint8Array
}

/** Room for keys. The head keeps fewer, the current one and the previous one (`services/ticket-keys.ts`). */
const KEYS_MAX = 8

/** Return values of the ticket callback (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)). */
const FAILED = -1
const UNKNOWN = 0
const OPENED = 1
const OPENED_AND_RENEWED = 2

/**
 * The ticket keys of one reactor. With the same keys in every process, each can resume the sessions of all. The
 * control thread creates and rotates the keys.
 */
export class TicketKeys {
  readonly #memory = new TicketKeyMemory(KEYS_MAX)
  #count = 0

  /** Replaces the keys: the first one encrypts tickets, all of them decrypt. Keys beyond the eighth are ignored. */
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
    // A copy of the last key would remain in V8's heap.
    joined.fill(0)
    this.#count = kept.length
  }

  /**
   * The callback. `name` and `iv` are addresses in the ticket, `cipher` and `mac` the contexts to initialise.
   * `isRenewed`: a client that presents a valid ticket gets a new one.
   */
  use(name: number, iv: number, cipher: number, mac: number, isNew: boolean, isRenewed: boolean): number {
    if (isNew) {
      if (this.#count === 0) return UNKNOWN
      return this.#memory.seal(0, name, iv, cipher, mac) ? OPENED : FAILED
    }
    // An unknown name is no error: the client gets a full handshake (RFC 5077, 3.1).
    const slot = this.#memory.find(name, this.#count)
    if (slot < 0) return UNKNOWN
    if (!this.#memory.open(slot, iv, cipher, mac)) return FAILED
    return slot === 0 && !isRenewed ? OPENED : OPENED_AND_RENEWED
  }

  /** Must not be called while a context uses the keys. */
  free(): void {
    this.#count = 0
    this.#memory.free()
  }
}
