/** The control thread of a process that listens, with one reactor or with children. */
import { EXIT_OK } from '../base/exit-codes.js'
import type { AdminPlace } from '../config/table-admin.js'
import { countOpenDescriptors, descriptorLimit } from '../kernel/limits.js'
import type { System } from '../kernel/system.js'
import { ERR, INFO, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Loaded, LoadOptions } from '../plan/load/load.js'
import {
  type ListenerFacts,
  listenerFacts,
  type PoolFacts,
  poolFacts,
  type RemoteFacts,
  remoteFacts,
} from './generations/generation-facts.js'
import { Reloader } from './generations/reload.js'
import type { HeadServices, Workers } from './generations/workers.js'
import { Alarms } from './process/alarms.js'
import { tellServing } from './process/background.js'
import { keepTitle, type Load } from './process/process-title.js'
import { reportRetiring, retireOnSignals, type SignalSource } from './process/retiring.js'
import type { StartedHead } from './process/start-up.js'

export interface HeadEvents {
  /** Clients are accepted on these addresses. */
  onServing?(listeners: readonly string[]): void
  /** The process exits. */
  onLeaving?(): void
}

export interface HeadParts extends StartedHead {
  readonly loaded: Loaded
  /** How the configuration is read, now and at a reload. */
  readonly options: LoadOptions
  readonly signals: SignalSource
  /** A classic master accepts for this process: SIGHUP retires the process instead of reloading. */
  readonly hasForeignMaster: boolean
  readonly events: HeadEvents
  /** Loads the administration, which asks this head; undefined: there is none. */
  readonly openAdmin?: OpenAdmin | undefined
  openWorkers(head: HeadServices): Workers
}

/** What an administrator can ask and change. */
export type RunningHead = Pick<
  Head,
  | 'descriptors'
  | 'isEnding'
  | 'listeners'
  | 'load'
  | 'names'
  | 'pools'
  | 'reload'
  | 'reloader'
  | 'remotes'
  | 'say'
  | 'stop'
  | 'system'
  | 'workers'
>

/** Servers for administrators. */
export interface Administration {
  /** A configuration is in force that wants them at these places. */
  follow(places: readonly AdminPlace[]): void
  close(): void
}

export type OpenAdmin = (head: RunningHead) => Promise<Administration>

/**
 * What exists once in a process that has no master of ours: signals, alarms, the service manager, the pidfile, the
 * access log, generations and their reloads, the process title, the shutdown. `Workers` relay.
 */
export class Head {
  readonly #parts: HeadParts
  readonly #alarms = new Alarms()
  readonly workers: Workers
  readonly reloader: Reloader
  /** Undefined until a configuration needs it. */
  #admin: Promise<Administration | undefined> | undefined
  #isServing = false
  /** A signal has started the end: sessions finish. */
  #isEnding = false
  /** Its workers have stopped accepting of their own accord. */
  #hasRetired = false
  /** A foreign master has asked it to finish. */
  #isRetiring = false

  constructor(parts: HeadParts) {
    this.#parts = parts
    this.workers = parts.openWorkers(this.#services())
    this.reloader = new Reloader(
      { ...parts, alarms: this.#alarms, onInForce: () => this.#followAdmin() },
      this.workers,
    )
    // After the reloader exists: it owns the sums that these counters are added to.
    const { masterCounters } = this.workers
    if (masterCounters !== undefined) this.reloader.counters.beginMaster(masterCounters)
    parts.shutdown.add({ end: (done) => this.#shutDown(done) })
  }

  start(): void {
    const ready = this.workers.start(this.reloader.present)
    // Not awaited: signals are handled while the first listeners wait for name lookups.
    void this.reloader.start(ready)
    keepTitle(this.#parts, () => this.load)
    this.#handleSignals()
  }

  get names(): Pick<HeadParts, 'configurationFile' | 'program'> {
    return this.#parts
  }

  get system(): System {
    return this.#parts.system
  }

  get say(): Say {
    return this.#parts.log.say
  }

  /** Of this process. */
  get descriptors(): { readonly open: number; readonly max: number } {
    return { open: countOpenDescriptors(), max: descriptorLimit() }
  }

  /** Of the generation in force. */
  get remotes(): readonly RemoteFacts[] {
    return remoteFacts(this.reloader.present)
  }

  get listeners(): readonly ListenerFacts[] {
    return listenerFacts(this.reloader.present)
  }

  get pools(): readonly PoolFacts[] {
    return poolFacts(this.reloader.present)
  }

  /** It takes no more clients. */
  get isEnding(): boolean {
    return this.#isEnding || this.#hasRetired || this.#isRetiring
  }

  /** Settles when the configuration has been read again; `reloader.record` says with which result. */
  reload(): Promise<void> {
    return this.reloader.change('request')
  }

  /** Ends as by SIGTERM. */
  stop(): void {
    this.#end('request of an administrator')
  }

  /** What the process title shows. */
  get load(): Load {
    const { present } = this.reloader
    return {
      ...this.workers.load(present),
      overload: present.loaded.spawnd.overload,
      isDying: this.isEnding,
    }
  }

  #handleSignals(): void {
    const { hasForeignMaster, signals } = this.#parts
    signals.on('SIGUSR1', () => this.reloader.access.reopen())
    if (hasForeignMaster) {
      retireOnSignals(signals, (signal) => this.#retire(signal))
      return
    }
    for (const signal of ['SIGTERM', 'SIGINT'] as const) signals.on(signal, () => this.#end(signal))
    signals.on('SIGHUP', () => void this.reloader.change('reload'))
  }

  #services(): HeadServices {
    return {
      alarms: this.#alarms,
      writeAccess: (line) => this.reloader.access.write(line),
      hearRemote: (evidence) => this.reloader.services.health.hear(evidence),
      findHost: (generation, wanted) => this.reloader.services.hosts.find(generation, wanted),
      onStarted: () => this.#alarms.every(this.#parts.manager.watchdogMs, () => this.workers.ping()),
      onAlive: () => this.#parts.manager.alive(),
      onServing: () => this.#onServing(),
      onStale: () => {
        if (this.#isServing) void this.reloader.change('renew')
      },
      onRetired: () => {
        this.#hasRetired = true
        this.reloader.end()
      },
      onIdle: () => this.#onIdle(),
      onFatal: (problem, exitCode) => {
        this.#parts.log.say(ERR, problem)
        this.#parts.shutdown.exit(exitCode)
      },
    }
  }

  /** Reported once: children that are replaced later change nothing. */
  #onServing(): void {
    if (this.#isServing) return
    tellServing()
    this.#parts.manager.ready()
    this.#isServing = true
    this.reloader.tellServing()
    this.#parts.events.onServing?.(this.reloader.present.listeners.boundNames)
    this.#followAdmin()
  }

  /** Not awaited: clients are served meanwhile. */
  #followAdmin(): void {
    const { admin: places } = this.reloader.present.loaded.spawnd
    if (this.isEnding || (places.length === 0 && this.#admin === undefined)) return
    this.#admin ??= this.#openAdmin()
    void this.#admin.then((admin) => {
      if (!this.isEnding) admin?.follow(this.reloader.present.loaded.spawnd.admin)
    })
  }

  async #openAdmin(): Promise<Administration | undefined> {
    try {
      return await this.#parts.openAdmin?.(this)
    } catch (error) {
      const why = error instanceof Error ? error.message : error
      this.say(ERR, `cannot load the administration, the relay serves without it: ${why}`)
      return undefined
    }
  }

  #closeAdmin(): void {
    void this.#admin?.then((admin) => admin?.close())
  }

  #onIdle(): void {
    if (this.#hasRetired && !this.#isEnding) this.#parts.log.say(INFO, 'Terminating, no longer needed.')
    this.#parts.shutdown.exit(EXIT_OK)
  }

  #retire(signal: NodeJS.Signals): void {
    this.#isRetiring = true
    reportRetiring(this.#parts.log.say, signal)
    this.workers.drain()
    this.reloader.end()
  }

  /** The first signal lets sessions finish, the second one resets them. */
  #end(why: string): void {
    const { gracePeriodMs, log, manager } = this.#parts
    if (this.#isEnding) {
      this.#cut()
      return
    }
    this.#isEnding = true
    log.say(INFO, `${why}: exiting`)
    manager.stopping()
    const sessions = this.workers.drain() ?? 0
    this.reloader.end()
    // A successor may take the addresses, the socket files and the pidfile now.
    this.#closeAdmin()
    this.#parts.releasePidfile()
    // Undefined from a master, whose children count their sessions.
    if (sessions > 0)
      log.say(INFO, `waiting up to ${gracePeriodMs / 1000} s for ${sessions} sessions; once more ends them`)
    this.#alarms.after(gracePeriodMs, () => {
      log.say(WARNING, 'the grace period is over: resetting the sessions that are left')
      this.#cut()
    })
  }

  /** The process exits after a limit, even if the workers never report that they are idle. */
  #cut(): void {
    this.workers.cut()
    this.#alarms.after(this.workers.cutMaxMs, () => this.#parts.shutdown.exit(EXIT_OK))
  }

  #shutDown(done: () => void): void {
    this.#isEnding = true
    // No alarm may start a change or a cut during the shutdown.
    this.#alarms.clear()
    this.reloader.close()
    this.#closeAdmin()
    this.#parts.events.onLeaving?.()
    // The access log last: workers write lines until they have stopped.
    this.workers.shutDown(() => this.reloader.access.close(done))
  }
}
