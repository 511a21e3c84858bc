/** Keys of TLS session tickets, and their use in OpenSSL's ticket callback (RFC 5077, 4). */
import { nativeFunction, type Pointer } from './ffi.js'
import * as c from './openssl-constants.js'
import { allocate, copyIn, copyNative, isSameNative, scrubAndFree } from './openssl-memory.js'

/** The functions that encrypt and decrypt session tickets (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)). */
interface TicketCalls {
  random(into: Pointer, byteLength: number): number
  fetchCipher(library: Pointer, name: string, properties: null): number
  encrypt(context: Pointer, cipher: Pointer, engine: number, key: Pointer, iv: Pointer): number
  decrypt(context: Pointer, cipher: Pointer, engine: number, key: Pointer, iv: Pointer): number
  setMac(context: Pointer, parameters: Pointer): number
}

// Name and IV have the sizes of RFC 5077, 4; the keys are those of HMAC-SHA256 and AES-256.
const NAME_BYTES = 16
const HMAC_BYTES = 32
const AES_BYTES = 32
const IV_BYTES = 16
export const TICKET_KEY_BYTES = NAME_BYTES + HMAC_BYTES + AES_BYTES

/** struct ossl_param_st (core.h): name, type, data, size, return size. */
const PARAM_BYTES = 40
const PARAMS = 3
const SLOT_BYTES = TICKET_KEY_BYTES + PARAM_BYTES * PARAMS
/** The strings that parameters point to, before the slots. */
const TEXTS = 'key\0digest\0SHA256\0'
const TEXTS_BYTES = 32

/**
 * Per thread. `aes` is fetched once and never freed: EVP_CIPHER_fetch(3) searches the providers each time.
 */
let made: (TicketCalls & { readonly aes: number }) | undefined

function calls(): TicketCalls & { readonly aes: number } {
  made ??= open()
  return made
}

function open(): TicketCalls & { readonly aes: number } {
  const prototype = (name: string) =>
    `int ${name}(uintptr_t context, uintptr_t cipher, uintptr_t engine, uintptr_t key, uintptr_t iv)`
  const fetchCipher = nativeFunction<TicketCalls['fetchCipher']>(
    'uintptr_t EVP_CIPHER_fetch(uintptr_t library, const char *name, const char *properties)',
  )
  return {
    random: nativeFunction('int RAND_bytes(uintptr_t into, int count)'),
    fetchCipher,
    encrypt: nativeFunction(prototype('EVP_EncryptInit_ex')),
    decrypt: nativeFunction(prototype('EVP_DecryptInit_ex')),
    setMac: nativeFunction('int EVP_MAC_CTX_set_params(uintptr_t context, uintptr_t parameters)'),
    aes: fetchCipher(0, 'AES-256-CBC', null),
  }
}

/** Up to `slots` ticket keys in native memory, each with its OSSL_PARAM array for the MAC. */
export class TicketKeyMemory {
  readonly #address: number
  readonly #byteLength: number
  readonly #slots: number

  constructor(slots: number) {
    this.#slots = slots
    this.#byteLength = TEXTS_BYTES + slots * SLOT_BYTES
    this.#address = allocate(this.#byteLength)
    copyIn(this.#address, new Uint8Array(this.#byteLength))
    copyIn(this.#address, new TextEncoder().encode(TEXTS))
  }

  /** `key` is the concatenation of its name (16 bytes), HMAC-SHA256 key (32) and AES-256 key (32). */
  set(slot: number, key: Uint8Array): void {
    // A slot beyond the memory would overwrite another heap object.
    if (slot >= this.#slots || key.length !== TICKET_KEY_BYTES) throw new RangeError('no such ticket key')
    const address = this.#slot(slot)
    copyIn(address, key)
    copyIn(address + TICKET_KEY_BYTES, this.#parameters(address + NAME_BYTES))
  }

  /**
   * Prepares the encryption of a ticket with the key of a slot: writes the key's name and a new IV into the ticket.
   */
  seal(slot: number, name: number, iv: number, cipher: number, mac: number): boolean {
    const { aes, encrypt, random, setMac } = calls()
    const key = this.#slot(slot)
    copyNative(name, key, NAME_BYTES)
    return (
      random(iv, IV_BYTES) === 1 &&
      encrypt(cipher, aes, 0, key + NAME_BYTES + HMAC_BYTES, iv) === 1 &&
      setMac(mac, key + TICKET_KEY_BYTES) === 1
    )
  }

  /** The slot below `count` whose key has this name, or -1. */
  find(name: number, count: number): number {
    for (let slot = 0; slot < count; slot++) {
      if (isSameNative(name, this.#slot(slot), NAME_BYTES)) return slot
    }
    return -1
  }

  /** Prepares the decryption of a ticket that was encrypted with the key of a slot. */
  open(slot: number, iv: number, cipher: number, mac: number): boolean {
    const { aes, decrypt, setMac } = calls()
    const key = this.#slot(slot)
    return (
      decrypt(cipher, aes, 0, key + NAME_BYTES + HMAC_BYTES, iv) === 1 &&
      setMac(mac, key + TICKET_KEY_BYTES) === 1
    )
  }

  /** Overwrites the keys. No context may use the callback afterwards. */
  free(): void {
    scrubAndFree(this.#address, this.#byteLength)
  }

  #slot(slot: number): number {
    return this.#address + TEXTS_BYTES + slot * SLOT_BYTES
  }

  /** OSSL_PARAM[3]: the HMAC key, its digest, the terminator. */
  #parameters(hmacKey: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(PARAM_BYTES * PARAMS))
    const write = (at: number, name: number, type: number, data: number, byteLength: number) => {
      view.setBigUint64(at, BigInt(name), true)
      view.setUint32(at + 8, type, true)
      view.setBigUint64(at + 16, BigInt(data), true)
      view.setBigUint64(at + 24, BigInt(byteLength), true)
    }
    const text = (of: string) => this.#address + TEXTS.indexOf(of)
    write(0, text('key'), c.OSSL_PARAM_OCTET_STRING, hmacKey, HMAC_BYTES)
    write(PARAM_BYTES, text('digest'), c.OSSL_PARAM_UTF8_STRING, text('SHA256'), 'SHA256'.length)
    return new Uint8Array(view.buffer)
  }
}
