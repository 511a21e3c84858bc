/** Notifications to systemd (sd_notify(3)). */
import type { Calls } from '../kernel/calls.js'
import { AF_UNIX, SOCK_DGRAM } from '../kernel/constants.js'
import { mapPrivate, unmap } from '../kernel/memory.js'
import { nativeAddress } from '../kernel/sockaddr.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const

/** sun_path of struct sockaddr_un without its final NUL (unix(7)). */
const UNIX_PATH_BYTES_MAX = 107

/** Buffer for a message, which has two short lines at most. */
const MESSAGE_BYTES_MAX = 512

/** Reports the service's state to systemd; does nothing without NOTIFY_SOCKET. Best effort: errors are ignored. */
export class ServiceManager {
  /** Watchdog interval: systemd restarts the service when `alive` is not called in time. Undefined: no watchdog. */
  readonly watchdogMs: number | undefined
  readonly #calls: Calls
  readonly #path: string | undefined

  /** Removes the variables from the environment, so that children do not inherit them. */
  constructor(calls: Calls, environment: NodeJS.ProcessEnv, pid: number, say: Say) {
    const { NOTIFY_SOCKET: path, WATCHDOG_PID, WATCHDOG_USEC } = environment
    for (const name of VARIABLES) delete environment[name]
    this.#calls = calls
    this.#path = path === undefined ? undefined : socketPath(path, say)
    // sd_watchdog_enabled(3): the variables may have been meant for a parent process.
    const isMeant = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid)
    const isNumber = /^\d{1,15}$/.test(WATCHDOG_USEC ?? '')
    const watchdogMs = isMeant && isNumber ? Number(WATCHDOG_USEC) / 1000 : 0
    this.watchdogMs = watchdogMs > 0 ? watchdogMs : undefined
  }

  ready(): void {
    this.#send('READY=1')
  }

  /** `nowMs`: CLOCK_MONOTONIC, by which systemd matches the notification to its reload. */
  reloading(nowMs: number): void {
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${Math.round(nowMs * 1000)}`)
  }

  stopping(): void {
    this.#send('STOPPING=1')
  }

  alive(): void {
    this.#send('WATCHDOG=1')
  }

  #send(message: string): void {
    if (this.#path === undefined) return
    const bytes = mapPrivate(MESSAGE_BYTES_MAX)
    const { written } = new TextEncoder().encodeInto(message, bytes.bytes)
    const address = nativeAddress({ family: 'unix', path: this.#path })
    // A socket for each message: there are few, and systemd may be restarted in between.
    const fd = this.#calls.socket(AF_UNIX, SOCK_DGRAM, 0)
    if (fd >= 0) {
      const outcome = this.#calls.connect(fd, address.region, address.byteLength)
      if (outcome >= 0) this.#calls.send(fd, bytes, 0, written)
      this.#calls.close(fd)
    }
    unmap(bytes)
    unmap(address.region)
  }
}

/** The socket's path; `@` stands for an abstract name. Invalid values are logged and ignored. */
function socketPath(path: string, say: Say): string | undefined {
  const name = path.startsWith('@') ? `\0${path.slice(1)}` : path
  if (/^[/\0]./.test(name) && Buffer.byteLength(name) <= UNIX_PATH_BYTES_MAX) return name
  say(
    WARNING,
    `ignoring NOTIFY_SOCKET '${path}': not an absolute path or an abstract name (@NAME), or too long`,
  )
  return undefined
}
