import type { Calls, Fd, Outcome } from './calls.js'
import { IPPROTO_MPTCP, MPTCP_INFO, SOCK_STREAM, SOL_MPTCP } from './constants.js'
import { EINVAL, ENOPROTOOPT, EPROTONOSUPPORT } from './errno.js'

/** Built without it; turned off (net.mptcp.enabled); a kernel from before 5.6, for which there is no such number. */
const LACKING: readonly number[] = [EPROTONOSUPPORT, ENOPROTOOPT, EINVAL]

/**
 * A stream socket of Multipath TCP: a descriptor, or a negated errno. With a peer that knows TCP alone it speaks that;
 * where this kernel knows nothing else, the socket is one of TCP.
 */
export function openMptcp(calls: Calls, family: number): Outcome {
  const fd = calls.socket(family, SOCK_STREAM, IPPROTO_MPTCP)
  return LACKING.includes(-fd) ? calls.socket(family, SOCK_STREAM, 0) : fd
}

/** Whether the kernel gives sockets of Multipath TCP. A lack of descriptors is no answer. */
export function lacksMptcp(calls: Calls, family: number): boolean {
  const fd = calls.socket(family, SOCK_STREAM, IPPROTO_MPTCP)
  if (fd >= 0) calls.close(fd)
  return LACKING.includes(-fd)
}

/**
 * Whether a connected socket speaks Multipath TCP. If not, a peer or something on the way knows TCP alone: such a
 * socket passes its options on to the one of TCP that it has, which knows nothing of SOL_MPTCP.
 */
export function speaksMptcp(calls: Calls, fd: Fd): boolean {
  return calls.getOption(fd, SOL_MPTCP, MPTCP_INFO) >= 0
}
