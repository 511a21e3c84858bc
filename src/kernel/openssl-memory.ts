import { nativeFunction, type Pointer } from './ffi.js'

/** Memory of OpenSSL's own heap (OPENSSL_malloc(3)): some of its objects take it over and free it themselves. */
interface Heap {
  malloc(byteLength: number, file: null, line: number): number
  clearFree(address: Pointer, byteLength: number, file: null, line: number): void
  copyIn(target: Pointer, bytes: Uint8Array, byteLength: number): void
  copyOut(bytes: Uint8Array, source: Pointer, byteLength: number): void
  copy(target: Pointer, source: Pointer, byteLength: number): void
  compare(one: Pointer, other: Pointer, byteLength: number): number
}

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

/** `byteLength` bytes of native memory, not cleared; throws when there is none. */
export function allocate(byteLength: number): number {
  const address = heap().malloc(byteLength, null, 0)
  if (address === 0) throw new Error(`no memory for ${byteLength} bytes`)
  return address
}

/** Overwrites and frees what `allocate` gave. */
export function scrubAndFree(address: number, byteLength: number): void {
  heap().clearFree(address, byteLength, null, 0)
}

/** The bytes in native memory with a NUL behind them; the caller frees them, or gives them to OpenSSL. */
export function duplicate(bytes: Uint8Array): number {
  const address = allocate(bytes.length + 1)
  copyIn(address, bytes)
  copyIn(address + bytes.length, NUL)
  return address
}

const NUL = Uint8Array.of(0)

/**
 * Hands `use` the bytes in memory that does not move, with a NUL behind them. Afterwards they are overwritten:
 * keys and passphrases pass through here.
 */
export function withNativeBytes<T>(bytes: Uint8Array, use: (address: number) => T): T {
  const address = duplicate(bytes)
  try {
    return use(address)
  } finally {
    scrubAndFree(address, bytes.length + 1)
  }
}

export function copyIn(target: Pointer, bytes: Uint8Array): void {
  if (bytes.length > 0) heap().copyIn(target, bytes, bytes.length)
}

/** A copy of native memory. */
export function copyOut(source: Pointer, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength)
  if (byteLength > 0) heap().copyOut(bytes, source, byteLength)
  return bytes
}

export function copyNative(target: Pointer, source: Pointer, byteLength: number): void {
  heap().copy(target, source, byteLength)
}

/** CRYPTO_memcmp(3): takes the same time whatever the bytes are. */
export function isSameNative(one: Pointer, other: Pointer, byteLength: number): boolean {
  return heap().compare(one, other, byteLength) === 0
}
