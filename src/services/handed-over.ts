/** Sockets that this process inherits: from systemd, inetd, or a master. */
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

/** The first descriptor that systemd passes (sd_listen_fds(3)). */
const FIRST_FD = 3

/** The descriptor of inetd's socket. */
const INETD_FD = 0

/** Descriptor of the wire to the master, as in the original. */
export const WIRE_FD = 0

/** Whether this process is a master's child: descriptor 0 is a datagram socket, as in the original. */
export function isChild(calls: Calls): boolean {
  return calls.getOption(WIRE_FD, SOL_SOCKET, SO_TYPE) === SOCK_DGRAM
}

/** Whether inetd has started this process (`wait`): descriptor 0 is a listening socket. */
export function isUnderInetd(calls: Calls): boolean {
  return isListening(calls, INETD_FD)
}

/** The descriptor of an inherited listening socket, from systemd with a name or from inetd without; or the error. */
export function handedOver(
  calls: Calls,
  name: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): number | string {
  const fd = name === undefined ? INETD_FD : systemdFd(name, environment)
  if (fd === undefined) return `systemd passed no socket named '${name}'`
  return isListening(calls, fd) ? fd : `descriptor ${fd} is not a listening socket`
}

function systemdFd(
  name: string,
  { LISTEN_FDS, LISTEN_FDNAMES = '', LISTEN_PID }: NodeJS.ProcessEnv,
): number | undefined {
  // The variables are inherited: they may be meant for a process that started this one.
  if (LISTEN_PID !== String(process.pid)) return undefined
  if (!/^\d{1,5}$/.test(LISTEN_FDS ?? '')) return undefined
  const index = LISTEN_FDNAMES.split(':').slice(0, Number(LISTEN_FDS)).indexOf(name)
  return index < 0 ? undefined : FIRST_FD + index
}

function isListening(calls: Calls, fd: number): boolean {
  const isStream = calls.getOption(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM
  return isStream && calls.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1
}

/** Whether `fd` is the link of a tcprelay master: a connected Unix stream socket. */
export function isLink(calls: Calls, fd: number): boolean {
  const isUnix = calls.getOption(fd, SOL_SOCKET, SO_DOMAIN) === AF_UNIX
  const isStream = calls.getOption(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM
  return isUnix && isStream && calls.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) === 0
}
