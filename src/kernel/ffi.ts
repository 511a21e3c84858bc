/** The foreign function interface: the only file that imports koffi. */
import koffi from 'koffi'

/**
 * An address. Numbers suffice, because user space has 47 bits; an address that is passed repeatedly is a BigInt
 * created once, because passing it allocates nothing.
 */
export type Pointer = number | bigint

/**
 * A native function by its C prototype. Type names are those of koffi: `int64`, `uint32_t`, `size_t`, `uintptr_t`;
 * `ssize_t` and `unsigned` do not exist. Prototypes are cached per thread.
 */
export function nativeFunction<F extends (...args: never[]) => unknown>(prototype: string): F {
  const known = functions.get(prototype)
  if (known !== undefined) return known as unknown as F
  const made = library().func(prototype)
  functions.set(prototype, made)
  return made as unknown as F
}

/** A view of native memory, without a copy. The memory must outlive every use of the view. */
export function viewMemory(address: Pointer, byteLength: number): ArrayBuffer {
  return koffi.view(address, byteLength)
}

/** The NUL-terminated UTF-8 text at an address. */
export function nativeText(address: Pointer): string {
  return koffi.decode.string(address)
}

/** Parameters arrive as numbers, addresses too, and as strings for `const char *`. */
type Called = (...args: never[]) => number

/**
 * A function pointer for native code, valid for the lifetime of the thread. Exceptions must not unwind through native
 * frames, so `onThrow` converts them to a return value. koffi has room for 8192 callbacks: register one per kind, not
 * one per object.
 */
export function nativeCallback(
  result: 'int' | 'uint32_t' | 'void',
  parameters: readonly string[],
  called: Called,
  onThrow: (error: unknown) => number,
): bigint {
  const guarded = (...args: never[]): number => {
    try {
      return called(...args)
    } catch (error) {
      return onThrow(error)
    }
  }
  return koffi.register(guarded, koffi.pointer(koffi.proto(result, [...parameters])))
}

/** Per thread, as every worker thread loads its own copy of this module. */
const functions = new Map<string, ReturnType<ReturnType<typeof koffi.load>['func']>>()

/** The symbols of this process: the C library, and the OpenSSL that Node is linked with and exports. */
let opened: ReturnType<typeof koffi.load> | undefined

function library(): ReturnType<typeof koffi.load> {
  opened ??= koffi.load(null)
  return opened
}
