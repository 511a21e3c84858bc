/** Flags of descriptors that another program opened and passed to this one. */
import { F_GETFL, F_SETFL, O_NONBLOCK } from './constants.js'
import { nativeFunction } from './ffi.js'

const F_SETFD = 2
const FD_CLOEXEC = 1

/** Makes an inherited descriptor non-blocking, and sets FD_CLOEXEC so that child processes do not inherit it. */
export function takeOverDescriptor(fd: number): void {
  const fcntl = nativeFunction<(fd: number, command: number, value: number) => number>(
    'int fcntl(int fd, int command, uintptr_t value)',
  )
  fcntl(fd, F_SETFD, FD_CLOEXEC)
  // O_NONBLOCK belongs to the open file description: it changes for the program that passed the descriptor,
  // too.
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK)
}
