/** Closes descriptors that the starter of this process has left open by mistake. */
import { closeSync, readdirSync } from 'node:fs'
import { nativeFunction } from './ffi.js'

const F_GETFD = 1
const FD_CLOEXEC = 1

/**
 * Closes all descriptors above `last` that were inherited. Those that this process has opened itself are close-on-exec, and
 * stay open. Node has made the first sixteen close-on-exec too, in the process that started this one.
 */
export function closeInherited(last: number): void {
  const fcntl = nativeFunction<(fd: number, command: number, value: number) => number>(
    'int fcntl(int fd, int command, uintptr_t value)',
  )
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name)
    if (fd <= last) continue
    const flags = fcntl(fd, F_GETFD, 0)
    // Negative: the one that has listed the folder.
    if (flags >= 0 && (flags & FD_CLOEXEC) === 0) closeSync(fd)
  }
}
