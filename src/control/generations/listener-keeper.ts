/** Binds listeners again that could not be bound at start. */
import { type KeptListeners, NONE_KEPT } from '../../accept/kept-listeners.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import type { Calls } from '../../kernel/calls.js'
import type { SocketKind } from '../../kernel/socket-kind.js'
import { WARNING } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import { isSameSocket } from '../../plan/compile/socket-settings.js'
import { removeSocketFile } from '../../services/socket-file.js'
import { Alarms } from '../process/alarms.js'
import {
  type BoundListener,
  bindListener,
  closeListeners,
  intendedKind,
  intendedName,
} from '../process/listeners.js'

// Half a second in all: the reactor closes an abandoned listener within a turn, a busy machine later.
const BIND_SOON_MS = 100
const BIND_SOON_TRIES = 5

export interface ListenerKeeperParts {
  readonly listeners: readonly ListenerSettings[]
  /** By listener; undefined where binding has failed. */
  readonly bound: readonly (BoundListener | undefined)[]
  readonly calls: Calls
  readonly say: Say
  /** A listener is bound; its descriptor is the receiver's. */
  onListen(slot: number, listener: BoundListener): void
}

/** The listeners of one generation: hands them on, retries failed binds, removes their socket files. */
export class ListenerKeeper {
  readonly #parts: ListenerKeeperParts
  /** Retries of failed binds. */
  readonly #alarms = new Alarms()
  /** Handed on, by slot. */
  readonly #open = new Map<number, BoundListener>()
  /** Configured addresses by slot. */
  readonly #intended: readonly string[]
  /** Listeners that are bound from now on, by a retry in progress, are closed again. */
  #isClosed = false

  constructor(parts: ListenerKeeperParts) {
    this.#parts = parts
    this.#intended = parts.listeners.map(intendedName)
  }

  /** Names for logs by slot: the bound address, or the configured one until it is bound. */
  get names(): string[] {
    const { bound } = this.#parts
    return this.#intended.map((name, slot) => bound[slot]?.name ?? name)
  }

  /** Kinds of the sockets by slot. */
  get kinds(): SocketKind[] {
    const { bound, listeners } = this.#parts
    return listeners.map((settings, slot) => bound[slot]?.socketKind ?? intendedKind(settings))
  }

  /** Those that are bound, by slot. */
  get present(): ReadonlyMap<number, BoundListener> {
    const bound = this.#parts.bound.entries()
    const first = [...bound].flatMap(([slot, listener]) => (listener ? [[slot, listener] as const] : []))
    return new Map([...first, ...this.#open])
  }

  get boundNames(): string[] {
    return this.#parts.bound.flatMap((listener) => listener?.name ?? [])
  }

  /** Listeners of the next configuration: kept ones with their sockets, new ones bound. */
  async bindNext(
    next: readonly ListenerSettings[],
  ): Promise<{ readonly bound: readonly (BoundListener | undefined)[]; readonly kept: KeptListeners }> {
    const { calls, say } = this.#parts
    const bound: (BoundListener | undefined)[] = []
    const kept = new Map<number, number>()
    // One after the other: log lines come in the order of the configuration.
    for (const [slot, settings] of next.entries()) {
      const open = this.#find(settings, kept)
      if (open !== undefined) {
        kept.set(open.slot, slot)
        this.#reportUnchanged(open.slot, settings, open.listener.name)
      }
      bound.push(open?.listener ?? (await bindListener(calls, settings, say)))
    }
    return { bound, kept }
  }

  /** Accepted sockets inherit options that were set at bind, so a kept listener cannot change them. */
  #reportUnchanged(slot: number, settings: ListenerSettings, name: string): void {
    if (isSameSocket(this.#parts.listeners[slot] as ListenerSettings, settings)) return
    this.#parts.say(WARNING, `the options of ${name} stay as they were: a change needs a restart`)
  }

  /** The open listener with the configured or the bound address of `wanted`, and its slot. */
  #find(
    wanted: ListenerSettings,
    taken: KeptListeners,
  ): { readonly slot: number; readonly listener: BoundListener } | undefined {
    const name = intendedName(wanted)
    for (const [slot, listener] of this.#open) {
      // `taken`: a listener is kept for one slot only, also if the new configuration repeats its address.
      const settings = this.#parts.listeners[slot] as ListenerSettings
      const isThere = this.#intended[slot] === name || listener.name === name
      const isSame =
        settings.device === wanted.device &&
        settings.protocol === wanted.protocol &&
        settings.ipv6Only === wanted.ipv6Only &&
        isSameSctp(settings.sctp, wanted.sctp)
      if (isThere && isSame && !taken.has(slot)) return { slot, listener }
    }
    return undefined
  }

  /** Hands on what is bound, except for listeners kept from the generation before: the receiver has them already. */
  start(kept = NONE_KEPT): void {
    if (this.#isClosed) return
    const elsewhere = new Set(kept.values())
    for (const [slot, listener] of this.#parts.bound.entries()) {
      if (listener === undefined) this.#bindLater(slot)
      // The workers keep it by the mapping that `putInForce` has passed to them.
      else if (elsewhere.has(slot)) this.#open.set(slot, listener)
      else this.#handOn(slot, listener)
    }
  }

  /** Gives up its listeners, except for those kept for the next generation: a successor may bind the addresses. */
  close(kept = NONE_KEPT): void {
    this.#isClosed = true
    this.#alarms.clear()
    for (const [slot, { socketFile }] of this.#open) {
      if (socketFile !== undefined && !kept.has(slot)) removeSocketFile(socketFile)
    }
    this.#open.clear()
  }

  /** Closes what was bound and never handed on, except for listeners kept from the generation before. */
  discard(kept: KeptListeners): void {
    if (this.#isClosed) return
    this.#isClosed = true
    closeListeners(this.#parts.calls, this.#parts.bound, new Set(kept.values()))
  }

  /** Retries failed binds a few times soon: an address that was just given up may have been in the way. */
  bindSoon(): void {
    for (const [slot, listener] of this.#parts.bound.entries()) {
      if (listener === undefined) this.#bindSoon(slot, BIND_SOON_TRIES)
    }
  }

  #bindSoon(slot: number, tries: number): void {
    this.#alarms.after(BIND_SOON_MS, async () => {
      // The retry of `#bindLater` may have bound it.
      if (this.#open.has(slot) || tries === 0) return
      await this.#bindAgain(slot, this.#parts.listeners[slot] as ListenerSettings)
      this.#bindSoon(slot, tries - 1)
    })
  }

  #bindLater(slot: number): void {
    const settings = this.#parts.listeners[slot] as ListenerSettings
    const { bindRetryDelayMs } = settings
    if (bindRetryDelayMs > 0) this.#alarms.after(bindRetryDelayMs, () => void this.#bindAgain(slot, settings))
  }

  async #bindAgain(slot: number, settings: ListenerSettings): Promise<void> {
    const { calls, say } = this.#parts
    const listener = await bindListener(calls, settings, say)
    // Names are looked up asynchronously: meanwhile the keeper may be closed, or another retry succeed.
    if (this.#isClosed || (listener !== undefined && this.#open.has(slot))) {
      if (listener !== undefined) calls.close(listener.fd)
      if (listener?.socketFile !== undefined) removeSocketFile(listener.socketFile)
      return
    }
    if (listener === undefined) this.#bindLater(slot)
    else this.#handOn(slot, listener)
  }

  #handOn(slot: number, listener: BoundListener): void {
    this.#open.set(slot, listener)
    this.#parts.onListen(slot, listener)
  }
}

/** SCTP options are set before listen(2) and cannot change afterwards. */
function isSameSctp(a: ListenerSettings['sctp'], b: ListenerSettings['sctp']): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
