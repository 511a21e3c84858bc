import type { ListenerSettings } from '../config/table-spawnd.js'
import type { Calls } from '../kernel/calls.js'
import { removeSocket } from '../master/socket-file.js'
import type { Say } from '../observe/trace.js'
import { Alarms } from './alarms.js'
import { type BoundListener, bindListener, intendedName } from './listeners.js'

export interface ListenerKeeperParts {
  readonly listeners: readonly ListenerSettings[]
  /** By listener; undefined where binding has failed. */
  readonly bound: readonly (BoundListener | undefined)[]
  readonly calls: Calls
  readonly say: Say
  /** A listener is there; its descriptor is the receiver's. */
  onListen(slot: number, listener: BoundListener): void
}

/** The listeners of a head: hands them on, binds again those that failed, removes their socket files. */
export class ListenerKeeper {
  readonly #parts: ListenerKeeperParts
  readonly #alarms = new Alarms()
  readonly #socketPaths: string[] = []

  constructor(parts: ListenerKeeperParts) {
    this.#parts = parts
  }

  /** Names of all listeners by slot, for logs: where they listen, or are going to. */
  get names(): string[] {
    const { bound, listeners } = this.#parts
    return listeners.map((settings, slot) => bound[slot]?.name ?? intendedName(settings))
  }

  get boundNames(): string[] {
    return this.#parts.bound.flatMap((listener) => listener?.name ?? [])
  }

  start(): void {
    for (const [slot, listener] of this.#parts.bound.entries()) {
      if (listener === undefined) this.#bindLater(slot)
      else this.#handOn(slot, listener)
    }
  }

  close(): void {
    this.#alarms.clear()
    for (const path of this.#socketPaths.splice(0)) removeSocket(path)
  }

  #bindLater(slot: number): void {
    const settings = this.#parts.listeners[slot] as ListenerSettings
    const { bindRetryDelayMs } = settings
    if (bindRetryDelayMs > 0) this.#alarms.after(bindRetryDelayMs, () => void this.#bindAgain(slot, settings))
  }

  async #bindAgain(slot: number, settings: ListenerSettings): Promise<void> {
    const { calls, say } = this.#parts
    const listener = await bindListener(calls, settings, say)
    if (listener === undefined) this.#bindLater(slot)
    else this.#handOn(slot, listener)
  }

  #handOn(slot: number, listener: BoundListener): void {
    if (listener.socketPath !== undefined) this.#socketPaths.push(listener.socketPath)
    this.#parts.onListen(slot, listener)
  }
}
