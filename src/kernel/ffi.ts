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

const functions = new Map<string, ReturnType<ReturnType<typeof koffi.load>['func']>>()

let opened: ReturnType<typeof koffi.load> | undefined

function library(): ReturnType<typeof koffi.load> {
  opened ??= koffi.load(null)
  return opened
}
