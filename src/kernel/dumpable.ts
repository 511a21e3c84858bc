import { nativeFunction } from './ffi.js'

/** prctl.h */
const PR_SET_DUMPABLE = 4

/**
 * From here on no other process of the same user may read this one's memory (ptrace(2), /proc/PID/mem), and a crash leaves
 * no core file. Its files in /proc belong to root.
 */
export function hideMemory(): void {
  nativeFunction<(option: number, a: number, b: number, c: number, d: number) => number>(
    'int prctl(int option, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)',
  )(PR_SET_DUMPABLE, 0, 0, 0, 0)
}
