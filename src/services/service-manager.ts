import type { Calls } from '../kernel/calls.js'
import { AF_UNIX, SOCK_DGRAM } from '../kernel/constants.js'
import { mapPrivate, unmap } from '../kernel/memory.js'
import { nativeAddress } from '../kernel/sockaddr.js'

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const

/** A message is a few short lines. */
const MESSAGE_BYTES_MAX = 512

/** Tells systemd how the service is (sd_notify(3)); silent under anybody else. */
export class ServiceManager {
  /** It wants to hear of us this often, or it starts us again; undefined: it does not. */
  readonly watchdogMs: number | undefined
  readonly #calls: Calls
  readonly #path: string | undefined

  /** Takes its variables out of the environment: children are not the service. */
  constructor(calls: Calls, environment: NodeJS.ProcessEnv, pid: number) {
    const { NOTIFY_SOCKET: path, WATCHDOG_PID, WATCHDOG_USEC } = environment
    for (const name of VARIABLES) delete environment[name]
    this.#calls = calls
    // An abstract name is written with @ in front.
    this.#path = path?.startsWith('@') ? `\0${path.slice(1)}` : path
    const isMeant = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid)
    const watchdogMs = isMeant ? Number(WATCHDOG_USEC) / 1000 : Number.NaN
    this.watchdogMs = watchdogMs > 0 ? watchdogMs : undefined
  }

  ready(): void {
    this.#send('READY=1')
  }

  /** `nowMs`: CLOCK_MONOTONIC, by which systemd knows which reload is meant. */
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
    const fd = this.#calls.socket(AF_UNIX, SOCK_DGRAM, 0)
    if (fd < 0) return
    const address = nativeAddress({ family: 'unix', path: this.#path })
    const bytes = mapPrivate(MESSAGE_BYTES_MAX)
    const { written } = new TextEncoder().encodeInto(message, bytes.bytes)
    const outcome = this.#calls.connect(fd, address.region, address.byteLength)
    if (outcome >= 0) this.#calls.send(fd, bytes, 0, written)
    unmap(bytes)
    unmap(address.region)
    this.#calls.close(fd)
  }
}
