import koffi from 'koffi'

/**
 * The one file that knows which FFI is used. Addresses travel as numbers (user space needs 47 bits) or, where
 * the same address is passed again and again, as a BigInt made once: passing it allocates nothing.
 */
export type Pointer = number | bigint

/**
 * A native function by its C prototype. koffi's names for types: `int64`, `uint32_t`, `size_t`, `uintptr_t`;
 * `ssize_t` and `unsigned` do not exist there. Each is looked up once per thread.
 */
export function nativeFunction<F extends (...args: never[]) => unknown>(prototype: string): F {
  const known = functions.get(prototype)
  if (known !== undefined) return known as unknown as F
  const made = library().func(prototype)
  functions.set(prototype, made)
  return made as unknown as F
}

/** Native memory as bytes of JavaScript. The memory must outlive every use of the view. */
export function viewMemory(address: Pointer, byteLength: number): ArrayBuffer {
  return koffi.view(address, byteLength)
}

/** The text at an address, up to its NUL, as UTF-8. */
export function nativeText(address: Pointer): string {
  return koffi.decode.string(address)
}

/** What a function that native code calls is given: numbers, addresses as numbers, texts for `const char *`. */
type Called = (...args: never[]) => number

/**
 * A function that native code may call, for as long as the thread lives. It takes and answers numbers; what it
 * throws must not pass through native frames, so `onThrow` makes an answer of it. There is room for 8192 of
 * them: make one per kind, not one per object.
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

const functions = new Map<string, ReturnType<ReturnType<typeof koffi.load>['func']>>()

let opened: ReturnType<typeof koffi.load> | undefined

function library(): ReturnType<typeof koffi.load> {
  opened ??= koffi.load(null)
  return opened
}
