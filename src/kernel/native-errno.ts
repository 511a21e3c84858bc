/** errno, without a function call. */
import { nativeFunction, viewMemory } from './ffi.js'

/**
 * A view of the calling thread's errno: element 0 is its value. Must be read directly after the failed call, before
 * any other native call.
 */
export function lastErrno(): Int32Array {
  // errno is a macro for *__errno_location() in glibc and musl; the address is constant for a thread.
  const location = nativeFunction<() => number>('uintptr_t __errno_location()')
  return new Int32Array(viewMemory(location(), 4))
}
