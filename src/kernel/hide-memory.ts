/** Protects the memory of this process, which may hold private keys. */
import { nativeFunction } from './ffi.js'

/** linux/prctl.h */
const PR_SET_DUMPABLE = 4

/**
 * Makes the process non-dumpable (PR_SET_DUMPABLE, prctl(2)): other processes of the same user can no longer read its
 * memory by ptrace(2) or /proc/PID/mem, and a crash leaves no core file. Side effect: its files in /proc belong to
 * root.
 */
export function hideMemory(): void {
  nativeFunction<(option: number, a: number, b: number, c: number, d: number) => number>(
    'int prctl(int option, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)',
  )(PR_SET_DUMPABLE, 0, 0, 0, 0)
}
