import type { Calls } from '../kernel/calls.js'
import {
  AF_UNIX,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../kernel/constants.js'

/** The first descriptor that systemd hands over (sd_listen_fds(3)). */
const FIRST_FD = 3

/** Where inetd leaves the socket. */
const INETD_FD = 0

/** The wire to the master: descriptor 0, as with the original. */
export const WIRE_FD = 0

/** A child recognises itself, as the original does, by a datagram socket on the wire's descriptor. */
export function isChild(calls: Calls): boolean {
  return calls.getOption(WIRE_FD, SOL_SOCKET, SO_TYPE) === SOCK_DGRAM
}

/** A listening socket on descriptor 0, as inetd leaves it for a service that waits. */
export function isUnderInetd(calls: Calls): boolean {
  return isListening(calls, INETD_FD)
}

/** The descriptor of a socket that was handed over: by systemd under a name, by inetd without one. */
export function handedOver(
  calls: Calls,
  name: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): number | string {
  const fd = name === undefined ? INETD_FD : systemdFd(name, environment)
  if (fd === undefined) return `systemd has handed over no socket named '${name}'`
  return isListening(calls, fd) ? fd : `descriptor ${fd} is no listening socket`
}

function systemdFd(
  name: string,
  { LISTEN_FDS, LISTEN_FDNAMES = '', LISTEN_PID }: NodeJS.ProcessEnv,
): number | undefined {
  if (LISTEN_PID !== String(process.pid)) return undefined
  if (!/^\d{1,5}$/.test(LISTEN_FDS ?? '')) return undefined
  const index = LISTEN_FDNAMES.split(':').slice(0, Number(LISTEN_FDS)).indexOf(name)
  return index < 0 ? undefined : FIRST_FD + index
}

function isListening(calls: Calls, fd: number): boolean {
  const isStream = calls.getOption(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM
  return isStream && calls.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1
}

/** Whether a master of ours has started this process: its link is a connected Unix socket. */
export function isLink(calls: Calls, fd: number): boolean {
  const isUnix = calls.getOption(fd, SOL_SOCKET, SO_DOMAIN) === AF_UNIX
  const isStream = calls.getOption(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM
  return isUnix && isStream && calls.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) === 0
}
