import { copyNative, duplicate, scrubAndFree } from '../kernel/openssl-memory.js'
import type { TlsProblems } from './options.js'

/** PSK_MAX_PSK_LEN and PSK_MAX_IDENTITY_LEN of ssl.h. */
const KEY_BYTES_MAX = 256
const IDENTITY_BYTES_MAX = 128

interface Key {
  readonly address: number
  readonly byteLength: number
}

/** Pre-shared keys by identity, in native memory. */
export class PskKeys {
  readonly #keys = new Map<string, Key>()

  constructor(keys: ReadonlyMap<string, Uint8Array>) {
    for (const [identity, bytes] of keys) {
      this.#keys.set(identity, { address: duplicate(bytes), byteLength: bytes.length })
    }
  }

  /** The callback (SSL_CTX_set_psk_server_callback(3)): writes the key, answers its length; 0: nobody. */
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

export function checkPsk(keys: ReadonlyMap<string, Uint8Array>, problems: TlsProblems): void {
  for (const [identity, { length }] of keys) {
    const identityBytes = new TextEncoder().encode(identity).length
    if (identityBytes === 0 || identityBytes > IDENTITY_BYTES_MAX || identity.includes('\0')) {
      problems.error('psk', `the identity '${identity}' does not have 1 to ${IDENTITY_BYTES_MAX} bytes`)
    }
    if (length === 0 || length > KEY_BYTES_MAX) {
      problems.error('psk', `the key of '${identity}' does not have 1 to ${KEY_BYTES_MAX} bytes`)
    }
  }
}
