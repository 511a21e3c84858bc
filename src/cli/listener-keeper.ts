import type { ListenerSettings } from '../config/table-spawnd.js'
import type { Calls } from '../kernel/calls.js'
import { removeSocketFile, type SocketFile } from '../master/socket-file.js'
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
  readonly #socketFiles: SocketFile[] = []
  #isClosed = false

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
    if (this.#isClosed) return
    for (const [slot, listener] of this.#parts.bound.entries()) {
      if (listener === undefined) this.#bindLater(slot)
      else this.#handOn(slot, listener)
    }
  }

  /** The program listens no more: from here on a successor may take its addresses. */
  close(): void {
    this.#isClosed = true
    this.#alarms.clear()
    for (const file of this.#socketFiles.splice(0)) removeSocketFile(file)
  }

  #bindLater(slot: number): void {
    const settings = this.#parts.listeners[slot] as ListenerSettings
    const { bindRetryDelayMs } = settings
    if (bindRetryDelayMs > 0) this.#alarms.after(bindRetryDelayMs, () => void this.#bindAgain(slot, settings))
  }

  async #bindAgain(slot: number, settings: ListenerSettings): Promise<void> {
    const { calls, say } = this.#parts
    const listener = await bindListener(calls, settings, say)
    if (this.#isClosed) {
      if (listener !== undefined) calls.close(listener.fd)
      if (listener?.socketFile !== undefined) removeSocketFile(listener.socketFile)
      return
    }
    if (listener === undefined) this.#bindLater(slot)
    else this.#handOn(slot, listener)
  }

  #handOn(slot: number, listener: BoundListener): void {
    if (listener.socketFile !== undefined) this.#socketFiles.push(listener.socketFile)
    this.#parts.onListen(slot, listener)
  }
}
