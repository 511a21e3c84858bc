import { F_GETFL, F_SETFL, O_NONBLOCK } from './constants.js'
import { nativeFunction } from './ffi.js'

const F_SETFD = 2
const FD_CLOEXEC = 1

/** Makes a descriptor that another program has opened non-blocking, and keeps it from our children. */
export function makeOurs(fd: number): void {
  const fcntl = nativeFunction<(fd: number, command: number, value: number) => number>(
    'int fcntl(int fd, int command, uintptr_t value)',
  )
  fcntl(fd, F_SETFD, FD_CLOEXEC)
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK)
}
