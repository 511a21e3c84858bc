/** System calls without a function in the C library. */
import { nativeFunction } from './ffi.js'
import { lastErrno } from './native-errno.js'
import type { Outcome } from './outcome.js'
import { systemCallNumber } from './system-call-numbers.js'

type Call = (number: number, a: number, b: number, c: number, d: number) => number

/** syscall(2), by name; up to four arguments. */
export function systemCall(name: string, a: number, b: number, c = 0, d = 0): Outcome {
  const syscall = nativeFunction<Call>(
    'int64 syscall(int64 number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)',
  )
  const errno = lastErrno()
  const result = syscall(systemCallNumber(name) ?? -1, a, b, c, d)
  return result < 0 ? -(errno[0] as number) : result
}
