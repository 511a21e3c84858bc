/** The client of the local syslog daemon. */
import type { Calls } from '../kernel/calls.js'
import { AF_UNIX, SOCK_DGRAM } from '../kernel/constants.js'
import { EAGAIN, ENOBUFS } from '../kernel/errno.js'
import { mapPrivate } from '../kernel/memory.js'
import { type NativeAddress, nativeAddress } from '../kernel/sockaddr.js'

/** Facilities of syslog (RFC 3164, 4.1.1) by the names of syslog(3), which has none for 12 to 15. */
export const FACILITIES = {
  KERN: 0,
  USER: 1,
  MAIL: 2,
  DAEMON: 3,
  AUTH: 4,
  SYSLOG: 5,
  LPR: 6,
  NEWS: 7,
  UUCP: 8,
  CRON: 9,
  AUTHPRIV: 10,
  FTP: 11,
  LOCAL0: 16,
  LOCAL1: 17,
  LOCAL2: 18,
  LOCAL3: 19,
  LOCAL4: 20,
  LOCAL5: 21,
  LOCAL6: 22,
  LOCAL7: 23,
} as const

export type FacilityName = keyof typeof FACILITIES

/** Longer lines are truncated; the default limit of syslog daemons. */
const DATAGRAM_BYTES_MAX = 8192

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * Sends lines to /dev/log. libc's syslog(3) is not used because it blocks when the daemon is slow. When the socket is
 * full the line is dropped and counted; after a restart of the daemon it reconnects.
 */
export class Syslog {
  readonly #calls: Calls
  readonly #region = mapPrivate(DATAGRAM_BYTES_MAX)
  readonly #address: NativeAddress
  #fd = -1
  #dropped = 0

  constructor(calls: Calls, path = '/dev/log') {
    this.#calls = calls
    this.#address = nativeAddress({ family: 'unix', path })
  }

  /** Lines that the daemon did not take. */
  get dropped(): number {
    return this.#dropped
  }

  /** Connects to the daemon, if there is one. */
  open(): boolean {
    if (this.#fd >= 0) return true
    const fd = this.#calls.socket(AF_UNIX, SOCK_DGRAM, 0)
    if (fd < 0) return false
    if (this.#calls.connect(fd, this.#address.region, this.#address.byteLength) < 0) {
      this.#calls.close(fd)
      return false
    }
    this.#fd = fd
    return true
  }

  /** Sends one line. False when it was dropped. */
  send(datagram: string): boolean {
    const { written } = new TextEncoder().encodeInto(datagram, this.#region.bytes)
    // The second try is for a restarted daemon: the first one has closed the socket of the old one.
    const isSent = this.#trySend(written) || this.#trySend(written)
    if (!isSent) this.#dropped++
    return isSent
  }

  close(): void {
    if (this.#fd >= 0) this.#calls.close(this.#fd)
    this.#fd = -1
  }

  /** After a restart of the daemon send(2) fails; the next try opens a new socket. */
  #trySend(byteCount: number): boolean {
    if (!this.open()) return false
    const outcome = this.#calls.send(this.#fd, this.#region, 0, byteCount)
    if (outcome < 0 && outcome !== -EAGAIN && outcome !== -ENOBUFS) this.close()
    return outcome >= 0
  }
}

/** `<PRI>Nov  3 04:05:06 ident[pid]: text`, the form of RFC 3164 that /dev/log expects, without host name. */
export function syslogDatagram(priority: number, at: Date, ident: string, pid: number, text: string): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const day = String(at.getDate()).padStart(2, ' ')
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return `<${priority}>${MONTHS[at.getMonth()]} ${day} ${time} ${ident}[${pid}]: ${text}`
}
