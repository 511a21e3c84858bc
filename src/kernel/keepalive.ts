import type { Calls, Fd } from './calls.js'
import * as c from './constants.js'

/** Keepalive of one kind of socket. Zero leaves a timing to the kernel (tcp(7): 2 h, 75 s, 9). */
export interface KeepAlive {
  readonly isOn: boolean
  readonly idleS: number
  readonly intervalS: number
  readonly count: number
}

/** Sets keepalive on a TCP socket, or on a listener, whose accepted sockets inherit it. */
export function setKeepAlive(calls: Calls, fd: Fd, keepAlive: KeepAlive): void {
  if (!keepAlive.isOn) return
  calls.setOption(fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1)
  const { idleS, intervalS, count } = keepAlive
  if (idleS > 0) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_KEEPIDLE, idleS)
  if (intervalS > 0) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_KEEPINTVL, intervalS)
  if (count > 0) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_KEEPCNT, count)
}
