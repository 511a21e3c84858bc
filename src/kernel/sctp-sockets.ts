/** Questions about SCTP that any socket can be asked. */
import type { Calls, Fd } from './calls.js'
import { AF_INET, SO_PROTOCOL, SOCK_STREAM, SOL_SOCKET } from './constants.js'
import { IPPROTO_SCTP } from './sctp.js'

/** Whether the kernel has SCTP; asking loads its module where the system does that by itself. */
export function hasSctp(calls: Calls): boolean {
  const fd = calls.socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP)
  if (fd >= 0) calls.close(fd)
  return fd >= 0
}

/** Whether a descriptor that was handed over is a socket of SCTP. */
export function isSctpSocket(calls: Calls, fd: Fd): boolean {
  return calls.getOption(fd, SOL_SOCKET, SO_PROTOCOL) === IPPROTO_SCTP
}
