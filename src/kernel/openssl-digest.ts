/** SHA-256 of OpenSSL, for threads on which Node's crypto module is not loaded. */
import { nativeFunction } from './ffi.js'

// FIPS 180-4.
const SHA256_BYTES = 32

/** SHA-256 of several parts, each preceded by its length, so that different splits give different digests. */
export function sha256Of(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + 4 + length, 0))
  const view = new DataView(joined.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length)
    joined.set(part, at + 4)
    at += 4 + part.length
  }
  return sha256(joined)
}

/** SHA256(3), the one-shot function. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const call = nativeFunction<(bytes: Uint8Array, byteLength: number, into: Uint8Array) => number>(
    'uintptr_t SHA256(const uint8_t *bytes, size_t count, _Out_ uint8_t *into)',
  )
  const digest = new Uint8Array(SHA256_BYTES)
  call(bytes, bytes.length, digest)
  return digest
}
