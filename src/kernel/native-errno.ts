import { nativeFunction, viewMemory } from './ffi.js'

/**
 * errno of the calling thread as memory: element 0 is its value. Reading it costs a load instead of a call. To
 * be read straight after the call that failed.
 */
export function lastErrno(): Int32Array {
  const location = nativeFunction<() => number>('uintptr_t __errno_location()')
  return new Int32Array(viewMemory(location(), 4))
}
