/** Multipath TCP (RFC 8684): sockets that use it if the kernel and the peer support it. */
import type { Calls, Fd, Outcome } from './calls.js'
import { IPPROTO_MPTCP, MPTCP_INFO, SOCK_STREAM, SOL_MPTCP } from './constants.js'
import { EINVAL, ENOPROTOOPT, EPROTONOSUPPORT } from './errno.js'

/** errno of socket(2): kernel built without MPTCP; disabled by net.mptcp.enabled; kernel before 5.6. */
const LACKING: readonly number[] = [EPROTONOSUPPORT, ENOPROTOOPT, EINVAL]

/**
 * Opens an MPTCP stream socket: a descriptor, or a negated errno. It falls back to TCP when the peer does not support
 * MPTCP; a kernel without MPTCP yields a TCP socket.
 */
export function openMptcp(calls: Calls, family: number): Outcome {
  const fd = calls.socket(family, SOCK_STREAM, IPPROTO_MPTCP)
  return LACKING.includes(-fd) ? calls.socket(family, SOCK_STREAM, 0) : fd
}

/**
 * Whether the kernel does not support MPTCP. False when the test fails for another reason, such as no descriptors.
 */
export function lacksMptcp(calls: Calls, family: number): boolean {
  const fd = calls.socket(family, SOCK_STREAM, IPPROTO_MPTCP)
  if (fd >= 0) calls.close(fd)
  return LACKING.includes(-fd)
}

/**
 * Whether a connected socket uses MPTCP. If not, the peer or a middlebox does not support it: a socket that fell back
 * passes getsockopt on to its TCP subflow, which rejects SOL_MPTCP.
 */
export function speaksMptcp(calls: Calls, fd: Fd): boolean {
  return calls.getOption(fd, SOL_MPTCP, MPTCP_INFO) >= 0
}
