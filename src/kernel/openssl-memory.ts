/** Native memory for OpenSSL, on its own heap, and copies to and from it. */
import { nativeFunction, type Pointer } from './ffi.js'

/** OPENSSL_malloc(3): needed where OpenSSL takes ownership of memory and frees it. */
interface Heap {
  malloc(byteLength: number, file: null, line: number): number
  clearFree(address: Pointer, byteLength: number, file: null, line: number): void
  copyIn(target: Pointer, bytes: Uint8Array, byteLength: number): void
  copyOut(bytes: Uint8Array, source: Pointer, byteLength: number): void
  copy(target: Pointer, source: Pointer, byteLength: number): void
  compare(one: Pointer, other: Pointer, byteLength: number): number
}

/** Per thread. */
let made: Heap | undefined

function heap(): Heap {
  made ??= {
    malloc: nativeFunction('uintptr_t CRYPTO_malloc(size_t count, const char *file, int line)'),
    clearFree: nativeFunction(
      'void CRYPTO_clear_free(uintptr_t address, size_t count, const char *file, int line)',
    ),
    copyIn: nativeFunction('void memcpy(uintptr_t target, const uint8_t *bytes, size_t count)'),
    copyOut: nativeFunction('void memcpy(_Out_ uint8_t *bytes, uintptr_t source, size_t count)'),
    copy: nativeFunction('void memcpy(uintptr_t target, uintptr_t source, size_t count)'),
    compare: nativeFunction('int CRYPTO_memcmp(uintptr_t one, uintptr_t other, size_t count)'),
  }
  return made
}

/** Uninitialised native memory. Throws when none is available. */
export function allocate(byteLength: number): number {
  const address = heap().malloc(byteLength, null, 0)
  if (address === 0) throw new Error(`cannot allocate ${byteLength} bytes`)
  return address
}

/** Overwrites and frees memory of `allocate`. */
export function scrubAndFree(address: number, byteLength: number): void {
  heap().clearFree(address, byteLength, null, 0)
}

/** A NUL-terminated copy in native memory, which the caller frees or passes to OpenSSL. */
export function duplicate(bytes: Uint8Array): number {
  const address = allocate(bytes.length + 1)
  copyIn(address, bytes)
  copyIn(address + bytes.length, NUL)
  return address
}

const NUL = Uint8Array.of(0)

/**
 * Calls `use` with a NUL-terminated copy in native memory, and overwrites the copy afterwards, because it may be a
 * key or passphrase.
 */
export function withNativeBytes<T>(bytes: Uint8Array, use: (address: number) => T): T {
  const address = duplicate(bytes)
  try {
    return use(address)
  } finally {
    scrubAndFree(address, bytes.length + 1)
  }
}

/** Copies into native memory, which has room for all of `bytes`. */
export function copyIn(target: Pointer, bytes: Uint8Array): void {
  if (bytes.length > 0) heap().copyIn(target, bytes, bytes.length)
}

/** Copies native memory. */
export function copyOut(source: Pointer, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength)
  if (byteLength > 0) heap().copyOut(bytes, source, byteLength)
  return bytes
}

/** memcpy(3): the areas must not overlap. */
export function copyNative(target: Pointer, source: Pointer, byteLength: number): void {
  heap().copy(target, source, byteLength)
}

/** CRYPTO_memcmp(3): constant time. */
export function isSameNative(one: Pointer, other: Pointer, byteLength: number): boolean {
  return heap().compare(one, other, byteLength) === 0
}
