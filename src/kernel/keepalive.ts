/** TCP keepalive. */
import type { Calls, Fd } from './calls.js'
import * as c from './constants.js'

/** Settings for one kind of socket. Zero keeps the kernel's default (tcp(7): 2 h idle, 75 s interval, 9 probes). */
export interface KeepAlive {
  readonly isOn: boolean
  readonly idleS: number
  readonly intervalS: number
  readonly count: number
}

/** Applies to a TCP socket, or to a listener, whose accepted sockets inherit the options. */
export function setKeepAlive(calls: Calls, fd: Fd, keepAlive: KeepAlive): void {
  if (!keepAlive.isOn) return
  calls.setOption(fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1)
  const { idleS, intervalS, count } = keepAlive
  if (idleS > 0) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_KEEPIDLE, idleS)
  if (intervalS > 0) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_KEEPINTVL, intervalS)
  if (count > 0) calls.setOption(fd, c.IPPROTO_TCP, c.TCP_KEEPCNT, count)
}
