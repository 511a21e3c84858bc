/** Forges TLS 1.3 records, for tests of hostile peers. */
import { Buffer } from 'node:buffer'
import { createCipheriv, createHmac } from 'node:crypto'
import type { CommonTlsOptions } from '../../src/tls/options.js'

/** Content types (RFC 8446, 5.1). */
export const ALERT = 21
export const HANDSHAKE = 22
export const APPLICATION_DATA = 23

const HASH_BYTES = 32
const KEY_BYTES = 16
const IV_BYTES = 12
const TAG_BYTES = 16

/** Encrypts arbitrary records with the keys of one side of a completed handshake. */
export class Forger {
  #secret: Buffer
  #sequence: number

  /** `recordsWritten`: by that side since the handshake. */
  constructor(secret: Buffer, recordsWritten = 0) {
    this.#secret = secret
    this.#sequence = recordsWritten
  }

  /** Encrypts one record with `paddingBytes` zeros after its content. */
  record(type: number, content: Uint8Array, paddingBytes = 0): Buffer {
    const inner = Buffer.concat([content, Buffer.of(type), Buffer.alloc(paddingBytes)])
    const header = Buffer.from([APPLICATION_DATA, 3, 3, 0, 0])
    header.writeUInt16BE(inner.length + TAG_BYTES, 3)
    const nonce = expanded(this.#secret, 'iv', IV_BYTES)
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence++) >>> 0, 8)
    const cipher = createCipheriv('aes-128-gcm', expanded(this.#secret, 'key', KEY_BYTES), nonce)
    cipher.setAAD(header)
    return Buffer.concat([header, cipher.update(inner), cipher.final(), cipher.getAuthTag()])
  }

  /** Derives the next keys, for records after a KeyUpdate. */
  changeKeys(): void {
    this.#secret = expanded(this.#secret, 'traffic upd', HASH_BYTES)
    this.#sequence = 0
  }
}

/** Options for the side whose records will be forged, and its forger after the handshake. */
export function forging(side: 'CLIENT' | 'SERVER'): { options: CommonTlsOptions; forger(): Forger } {
  let secret: Buffer | undefined
  const options: CommonTlsOptions = {
    versions: ['TLSv1.3'],
    ciphersuites: 'TLS_AES_128_GCM_SHA256',
    onKeyLog(line) {
      const [label, , hex = ''] = line.split(' ')
      if (label === `${side}_TRAFFIC_SECRET_0`) secret = Buffer.from(hex, 'hex')
    },
  }
  return {
    options,
    forger() {
      if (secret === undefined) throw new Error('the handshake is not complete')
      return new Forger(secret)
    },
  }
}

/** HKDF-Expand-Label with SHA-256 and empty context (RFC 8446, 7.1), at most one block. */
function expanded(secret: Buffer, label: string, byteCount: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.of(0, byteCount, name.length), name, Buffer.of(0, 1)])
  return createHmac('sha256', secret).update(info).digest().subarray(0, byteCount)
}
