/** Pre-shared keys of servers and clients, in native memory. */
import { copyNative, duplicate, scrubAndFree } from '../kernel/openssl-memory.js'
import type { TlsProblems } from './options.js'

/** PSK_MAX_PSK_LEN and PSK_MAX_IDENTITY_LEN of ssl.h. */
const KEY_BYTES_MAX = 256
const IDENTITY_BYTES_MAX = 128

/**
 * For TLS 1.2 without a certificate. Suites with forward secrecy first: recorded traffic cannot be decrypted if the
 * key leaks later.
 */
export const PSK_CIPHERS =
  'kECDHEPSK+CHACHA20:kDHEPSK+AESGCM:kDHEPSK+CHACHA20:kECDHEPSK+AES:kPSK+AESGCM:kPSK+CHACHA20:kPSK+AES:!AESCCM8'

/** For TLS 1.3, those with SHA-256: the hash of an external key by default (RFC 8446, 4.2.11). */
export const PSK_CIPHERSUITES = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256'

interface Key {
  readonly address: number
  readonly byteLength: number
}

/** The keys of a server by identity. */
export class PskKeys {
  readonly #keys = new Map<string, Key>()

  constructor(keys: ReadonlyMap<string, Uint8Array>) {
    for (const [identity, bytes] of keys) {
      this.#keys.set(identity, { address: duplicate(bytes), byteLength: bytes.length })
    }
  }

  /** SSL_CTX_set_psk_server_callback(3): writes the key and returns its length; 0 for an unknown identity. */
  write(identity: string, into: number, bytesMax: number): number {
    const key = this.#keys.get(identity)
    if (key === undefined || key.byteLength > bytesMax) return 0
    copyNative(into, key.address, key.byteLength)
    return key.byteLength
  }

  free(): void {
    for (const { address, byteLength } of this.#keys.values()) scrubAndFree(address, byteLength + 1)
    this.#keys.clear()
  }
}

/** The identity and key of a client. */
export class PskOffer {
  readonly identity: string
  readonly #identity: number
  readonly #identityBytes: number
  readonly #key: number
  readonly #keyBytes: number

  constructor(identity: string, key: Uint8Array) {
    const bytes = new TextEncoder().encode(identity)
    this.identity = identity
    this.#identity = duplicate(bytes)
    this.#identityBytes = bytes.length + 1 // with its NUL
    this.#key = duplicate(key)
    this.#keyBytes = key.length
  }

  /** SSL_CTX_set_psk_client_callback(3): writes both and returns the length of the key. */
  write(identity: number, identityBytesMax: number, key: number, keyBytesMax: number): number {
    if (this.#identityBytes > identityBytesMax || this.#keyBytes > keyBytesMax) return 0
    copyNative(identity, this.#identity, this.#identityBytes)
    copyNative(key, this.#key, this.#keyBytes)
    return this.#keyBytes
  }

  free(): void {
    scrubAndFree(this.#identity, this.#identityBytes)
    scrubAndFree(this.#key, this.#keyBytes + 1)
  }
}

/**
 * Adds an error for each identity or key that OpenSSL could not hold. Identities are NUL-terminated in its
 * callbacks.
 */
export function checkPsk(keys: ReadonlyMap<string, Uint8Array>, problems: TlsProblems): void {
  for (const [identity, { length }] of keys) {
    const identityBytes = new TextEncoder().encode(identity).length
    if (identityBytes === 0 || identityBytes > IDENTITY_BYTES_MAX || identity.includes('\0')) {
      problems.error('psk', `the identity '${identity}' must have 1 to ${IDENTITY_BYTES_MAX} bytes`)
    }
    if (length === 0 || length > KEY_BYTES_MAX) {
      problems.error('psk', `the key of '${identity}' must have 1 to ${KEY_BYTES_MAX} bytes`)
    }
  }
}
