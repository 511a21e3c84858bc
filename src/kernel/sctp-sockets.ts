/** Whether the kernel, or a socket, is SCTP. */
import type { Calls, Fd } from './calls.js'
import { AF_INET, SO_PROTOCOL, SOCK_STREAM, SOL_SOCKET } from './constants.js'
import { IPPROTO_SCTP } from './sctp.js'

/** Whether the kernel supports SCTP. Opening the socket loads the kernel module if module autoloading permits it. */
export function hasSctp(calls: Calls): boolean {
  const fd = calls.socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP)
  if (fd >= 0) calls.close(fd)
  return fd >= 0
}

/** Whether an inherited descriptor is an SCTP socket. */
export function isSctpSocket(calls: Calls, fd: Fd): boolean {
  return calls.getOption(fd, SOL_SOCKET, SO_PROTOCOL) === IPPROTO_SCTP
}
