import { setTimeout as setTimeoutPromise } from 'node:timers/promises'
import { createCells } from '../cells/cells.js'
import { LogDrain } from '../master/log-drain.js'
import { ReactorThread } from '../master/reactor-thread.js'
import { Resolver } from '../master/resolver.js'
import { TICKET_KEY_PERIOD_MS, type TicketKeyRing } from '../master/ticket-keys.js'
import { COUNT } from '../observe/counters.js'
import { ERR, INFO, NOTICE, WARNING } from '../observe/severity.js'
import { TraceChannel } from '../observe/trace.js'
import { type AccessLog, openAccessLog } from './access-log.js'
import { Alarms } from './alarms.js'
import { tellServing } from './background.js'
import { closeInspector } from './close-inspector.js'
import { EXIT_OK, EXIT_SOFTWARE } from './exit-codes.js'
import { ListenerKeeper } from './listener-keeper.js'
import type { Loaded } from './load.js'
import { keepTitle, type Load } from './process-title.js'
import type { Command, InletSettings, ReactorSettings, Report } from './reactor-settings.js'
import { acceptSettings, namedRemotes, relaySettings, sessionsMaxOf, shapeFor } from './settings.js'
import type { StartedHead } from './start-up.js'
import { ticketRingFor } from './tls-tickets.js'

/** A reactor that was told to cut its sessions is done within a turn. */
const CUT_MAX_MS = 1_000

/** A name server that does not answer holds nobody up for longer: other remotes may do. */
const FIRST_LOOK_MAX_MS = 2_000

export interface SingleEvents {
  /** Clients are accepted on these addresses. */
  onServing?(listeners: readonly string[]): void
  /** The last session has ended and the process is about to. */
  onLeaving?(): void
}

export interface SingleParts extends StartedHead {
  readonly loaded: Loaded
  readonly events: SingleEvents
  /** Clients come from a foreign master instead of listeners. */
  readonly inlet: InletSettings | undefined
}

/**
 * The control thread of a process that relays and has no master of ours: a single process, or the child of a
 * foreign master. Its reactor, its services, its signals.
 */
export class Single {
  readonly #parts: SingleParts
  readonly #access: AccessLog
  readonly #drain: LogDrain
  readonly #thread: ReactorThread<ReactorSettings, Command, Report>
  readonly #resolver: Resolver
  readonly #alarms = new Alarms()
  readonly #listeners: ListenerKeeper
  readonly #tickets: TicketKeyRing | undefined
  readonly #trace: TraceChannel
  readonly #counters: Float64Array
  readonly #sessionsMax: number
  #isEnding = false
  #hasRetired = false
  #isRetiring = false

  constructor(parts: SingleParts) {
    this.#parts = parts
    const { loaded, log, way } = parts
    this.#trace = new TraceChannel('PROC', parts.traceMask, log.say)
    this.#listeners = new ListenerKeeper({
      listeners: loaded.spawnd.listeners,
      bound: parts.bound,
      calls: parts.system.calls,
      say: log.say,
      onListen: (slot, { fd, isUnix }) => this.#post({ kind: 'listen', slot, fd, isUnix }),
    })
    const shape = shapeFor(loaded)
    const { cells, fd } = createCells(shape)
    const { counters } = cells.child(0)
    this.#counters = counters
    this.#access = openAccessLog(loaded.tcprelay, log)
    this.#drain = new LogDrain(cells.child(0), log.say, (line) => this.#access.write(line))
    this.#sessionsMax = sessionsMaxOf(loaded)
    const settings: ReactorSettings = {
      ...relaySettings(loaded, loaded.tls.settings),
      cells: { fd, shape },
      childSlot: 0,
      listenerNames: this.#listeners.names,
      ...acceptSettings(loaded),
      sessionsMax: this.#sessionsMax,
      bellFd: undefined,
      inlet: parts.inlet,
      traceMask: parts.traceMask,
    }
    this.#thread = new ReactorThread(new URL('./reactor-entry.js', import.meta.url), settings, {
      onReport: (report) => this.#onReport(report),
      onFailure: (error) => this.#onReactorFailure(error),
    })
    this.#tickets = ticketRingFor(loaded.tls.settings)
    this.#tellTicketKeys()
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
    const looks = namedRemotes(this.#parts.loaded.tcprelay).map((remote) => this.#resolver.add(remote))
    // The first clients wait in the kernel for the addresses of their remotes.
    void Promise.race([
      Promise.all(looks),
      setTimeoutPromise(FIRST_LOOK_MAX_MS, undefined, { ref: false }),
    ]).then(() => this.#listeners.start())
    keepTitle(this.#parts.program, () => this.#load())
    process.on('SIGUSR1', () => this.#access.reopen())
    if (this.#parts.inlet === undefined) this.#handleHeadSignals()
    else for (const signal of ['SIGHUP', 'SIGTERM'] as const) process.on(signal, () => this.#retire(signal))
  }

  #tellTicketKeys(): void {
    if (this.#tickets === undefined) return
    this.#thread.post({ kind: 'ticket-keys', keys: this.#tickets.keys })
    this.#alarms.after(TICKET_KEY_PERIOD_MS, () => {
      this.#tickets?.rotate()
      this.#tellTicketKeys()
    })
  }

  #load(): Load {
    const { inlet, loaded } = this.#parts
    return {
      connections: this.#counters[COUNT.sessionsNow] as number,
      connectionsMax: inlet === undefined ? this.#sessionsMax : undefined,
      overload: loaded.spawnd.overload,
      isDying: this.#isEnding || this.#hasRetired || this.#isRetiring,
    }
  }

  #handleHeadSignals(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#end(signal))
    process.on('SIGHUP', () => {
      this.#parts.log.say(NOTICE, 'SIGHUP: a single process keeps its configuration')
    })
  }

  /** Serves what there is, and ends when idle. */
  #retire(signal: NodeJS.Signals): void {
    this.#isRetiring = true
    this.#parts.log.say(INFO, `${signal}: No longer accepting new connections.`)
    this.#post({ kind: 'drain' })
  }

  #post(command: Command): void {
    if (this.#trace.isOn) this.#trace.say(`to the reactor: ${JSON.stringify(command)}`)
    this.#thread.post(command)
  }

  #onReport(report: Report): void {
    if (this.#trace.isOn) this.#trace.say(`from the reactor: ${JSON.stringify(report)}`)
    switch (report.kind) {
      case 'pong':
        this.#parts.manager.alive()
        return
      case 'log':
        this.#drain.drain()
        return
      case 'serving':
        // Again: a signal that came before our handler may have been answered after main() looked.
        closeInspector()
        tellServing()
        this.#parts.manager.ready()
        this.#alarms.every(this.#parts.manager.watchdogMs, () => this.#post({ kind: 'ping' }))
        this.#parts.events.onServing?.(this.#listeners.boundNames)
        return
      case 'retired':
        this.#parts.log.say(
          INFO,
          `Retire limit reached.${this.#parts.inlet ? ' Told parent about this.' : ''}`,
        )
        this.#hasRetired = true
        this.#post({ kind: 'drain' })
        return
      case 'may-die':
        this.#hasRetired = true
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
      this.#cut()
      return
    }
    this.#isEnding = true
    log.say(INFO, `${signal}: exiting`)
    this.#parts.manager.stopping()
    this.#stopListening()
    const sessions = this.#counters[COUNT.sessionsNow] as number
    if (sessions > 0)
      log.say(INFO, `waiting up to ${gracePeriodMs / 1000} s for ${sessions} sessions; once more ends them`)
    this.#alarms.after(gracePeriodMs, () => {
      log.say(WARNING, 'the grace period is over: resetting the sessions that are left')
      this.#cut()
    })
  }

  /** From here on a successor may take the addresses, the socket files and the pidfile. */
  #stopListening(): void {
    this.#post({ kind: 'drain' })
    this.#listeners.close()
    this.#parts.releasePidfile()
  }

  /** Resets what is left. A reactor that does not answer is left behind. */
  #cut(): void {
    this.#post({ kind: 'cut' })
    this.#alarms.after(CUT_MAX_MS, () => this.#parts.way.leave(EXIT_OK))
  }

  #leave(done: () => void): void {
    this.#isEnding = true
    this.#alarms.clear()
    this.#listeners.close()
    this.#resolver.close()
    this.#parts.events.onLeaving?.()
    // Whatever ends the process, no peer may take it for the end of a transfer.
    this.#post({ kind: 'cut' })
    this.#thread.end({ kind: 'stop' }, () => {
      this.#drain.close()
      this.#access.close(done)
    })
  }
}
