import { createCells } from '../cells/cells.js'
import type { ListenerSettings } from '../config/table-spawnd.js'
import type { Calls } from '../kernel/calls.js'
import { countOpenDescriptors, raiseDescriptorLimit } from '../kernel/limits.js'
import { LogDrain } from '../master/log-drain.js'
import { ReactorThread } from '../master/reactor-thread.js'
import { Resolver } from '../master/resolver.js'
import { removeSocket } from '../master/socket-file.js'
import type { WayOut } from '../master/way-out.js'
import type { Log } from '../observe/log.js'
import { ERR, INFO, NOTICE, WARNING } from '../observe/severity.js'
import { TraceChannel } from '../observe/trace.js'
import { type AccessLog, openAccessLog } from './access-log.js'
import { tellServing } from './background.js'
import { EXIT_OK, EXIT_SOFTWARE } from './exit-codes.js'
import { type BoundListener, bindListener, intendedName } from './listeners.js'
import type { Loaded } from './load.js'
import type { Command, ReactorSettings, Report } from './reactor-settings.js'
import { namedRemotes, relaySettings, shapeFor } from './settings.js'

/** Descriptors beside those of sessions: log files, name lookups, what Node opens by itself. */
const SPARE_DESCRIPTORS = 40

/** setTimeout takes 31 bits and fires at once for more. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

export interface SingleEvents {
  /** Clients are accepted on these addresses. */
  onServing?(listeners: readonly string[]): void
  /** The last session has ended and the process is about to. */
  onLeaving?(): void
}

export interface SingleParts {
  readonly loaded: Loaded
  readonly log: Log
  readonly way: WayOut
  /** By listener; undefined where binding has failed. */
  readonly bound: readonly (BoundListener | undefined)[]
  readonly calls: Calls
  readonly events: SingleEvents
  readonly gracePeriodMs: number
  /** Mask of TRACE_BITS. */
  readonly traceMask: number
}

/** The control thread of a process that accepts and relays: its reactor, its services, its signals. */
export class Single {
  readonly #parts: SingleParts
  readonly #access: AccessLog
  readonly #drain: LogDrain
  readonly #thread: ReactorThread<ReactorSettings, Command, Report>
  readonly #resolver: Resolver
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #trace: TraceChannel
  readonly #socketPaths: string[] = []
  #isEnding = false
  #hasRetired = false

  constructor(parts: SingleParts) {
    this.#parts = parts
    const { loaded, log, way } = parts
    this.#trace = new TraceChannel('PROC', parts.traceMask, log.say)
    const shape = shapeFor(loaded)
    const { cells, fd } = createCells(shape)
    this.#access = openAccessLog(loaded.tcprelay, log)
    this.#drain = new LogDrain(cells.child(0), log.say, (line) => this.#access.write(line))
    const settings: ReactorSettings = {
      ...relaySettings(loaded),
      cells: { fd, shape },
      childSlot: 0,
      listenerNames: parts.bound.map((listener, slot) => listener?.name ?? this.#intendedName(slot)),
      sessionsMax: sessionsMax(),
      traceMask: parts.traceMask,
    }
    this.#thread = new ReactorThread(new URL('./reactor-entry.js', import.meta.url), settings, {
      onReport: (report) => this.#onReport(report),
      onFailure: (error) => this.#onReactorFailure(error),
    })
    this.#resolver = new Resolver(
      (remoteSlot, addresses) => {
        this.#post({ kind: 'addresses', remoteSlot, addresses })
      },
      log.say,
      new TraceChannel('DNS', parts.traceMask, log.say),
    )
    way.add({ leave: (done) => this.#leave(done) })
  }

  start(): void {
    const { bound, loaded } = this.#parts
    for (const [slot, listener] of bound.entries()) {
      if (listener === undefined) this.#bindLater(slot)
      else this.#listen(slot, listener)
    }
    for (const remote of namedRemotes(loaded.tcprelay)) this.#resolver.add(remote)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#end(signal))
    process.on('SIGUSR1', () => this.#access.reopen())
    process.on('SIGHUP', () => {
      this.#parts.log.say(NOTICE, 'SIGHUP: a single process keeps its configuration')
    })
  }

  #post(command: Command): void {
    if (this.#trace.isOn) this.#trace.say(`to the reactor: ${JSON.stringify(command)}`)
    this.#thread.post(command)
  }

  #onReport(report: Report): void {
    if (this.#trace.isOn) this.#trace.say(`from the reactor: ${JSON.stringify(report)}`)
    switch (report.kind) {
      case 'log':
        this.#drain.drain()
        return
      case 'serving':
        tellServing()
        this.#parts.events.onServing?.(this.#parts.bound.flatMap((listener) => listener?.name ?? []))
        return
      case 'retired':
        this.#parts.log.say(INFO, 'Retire limit reached.')
        this.#hasRetired = true
        this.#post({ kind: 'drain' })
        return
      case 'idle':
        if (this.#hasRetired && !this.#isEnding) this.#parts.log.say(INFO, 'Terminating, no longer needed.')
        this.#parts.way.leave(EXIT_OK)
        return
    }
  }

  #onReactorFailure(error: Error): void {
    this.#parts.log.say(ERR, `reactor: ${error.stack ?? error.message}`)
    this.#parts.way.leave(EXIT_SOFTWARE)
  }

  /** The first signal lets sessions finish, the second one ends them. */
  #end(signal: NodeJS.Signals): void {
    const { gracePeriodMs, log } = this.#parts
    if (this.#isEnding) {
      this.#post({ kind: 'cut' })
      return
    }
    this.#isEnding = true
    log.say(INFO, `${signal}: exiting`)
    this.#post({ kind: 'drain' })
    this.#after(gracePeriodMs, () => {
      log.say(WARNING, 'the grace period is over: resetting the sessions that are left')
      this.#post({ kind: 'cut' })
    })
  }

  #bindLater(slot: number): void {
    const { bindRetryDelayMs } = this.#listener(slot)
    if (bindRetryDelayMs > 0) this.#after(bindRetryDelayMs, () => void this.#bindAgain(slot))
  }

  async #bindAgain(slot: number): Promise<void> {
    if (this.#isEnding) return
    const { calls, log } = this.#parts
    const listener = await bindListener(calls, this.#listener(slot), log.say)
    if (listener === undefined) this.#bindLater(slot)
    else this.#listen(slot, listener)
  }

  #listen(slot: number, { fd, socketPath }: BoundListener): void {
    if (socketPath !== undefined) this.#socketPaths.push(socketPath)
    this.#post({ kind: 'listen', slot, fd, isUnix: socketPath !== undefined })
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        act()
      },
      Math.min(ms, TIMEOUT_MAX_MS),
    )
    this.#timers.add(timer)
  }

  #leave(done: () => void): void {
    this.#isEnding = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#resolver.close()
    for (const path of this.#socketPaths) removeSocket(path)
    this.#parts.events.onLeaving?.()
    this.#thread.end({ kind: 'stop' }, () => {
      this.#drain.close()
      this.#access.close(done)
    })
  }

  #listener(slot: number): ListenerSettings {
    return this.#parts.loaded.spawnd.listeners[slot] as ListenerSettings
  }

  #intendedName(slot: number): string {
    return intendedName(this.#listener(slot))
  }
}

/** Each session needs a descriptor for its client and one for its remote. */
function sessionsMax(): number {
  const free = raiseDescriptorLimit() - countOpenDescriptors() - SPARE_DESCRIPTORS
  return Math.max(1, Math.floor(free / 2))
}
