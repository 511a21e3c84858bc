/** The control thread of a master: children, generations, reload and end. */
import { closeSync } from 'node:fs'
import { EXIT_CONFIG, EXIT_NO_PERMISSION, EXIT_OK, EXIT_SOFTWARE } from '../base/exit-codes.js'
import { POLL_VARIABLE } from '../base/poll-mechanism.js'
import { createCells } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from '../engine/acceptor-settings.js'
import { openWakeupFd } from '../kernel/wakeup-fd.js'
import { COUNT } from '../observe/counters.js'
import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { ERR, INFO, WARNING } from '../observe/severity.js'
import { TraceChannel } from '../observe/trace.js'
import { masterShape } from '../plan/limits.js'
import type { Loaded, LoadOptions } from '../plan/load.js'
import { isOwnProgram } from '../plan/worker-plans.js'
import { MISSED_MAX } from '../services/heartbeat.js'
import { LogDrain } from '../services/log-drain.js'
import { Alarms } from './alarms.js'
import { tellServing } from './background.js'
import { brokerChildPool, type ChildPool } from './child-pool.js'
import { ChildProcesses } from './child-processes.js'
import type { ChildProgram } from './child-starter.js'
import { DirectChildPool } from './direct-child-pool.js'
import type { Generation } from './generation.js'
import type { BoundListener } from './listeners.js'
import { keepTitle, type Load } from './process-title.js'
import { type GenerationKeeper, Reloader } from './reload.js'
import type { StartedHead } from './start-up.js'
import { traceText } from './trace-text.js'

/** Children that take longer than this to start have something wrong with them. */
const PREPARE_MAX_MS = 30_000

/** Children that did not end by themselves after they were told to cut their sessions. */
const KILL_AFTER_MS = 2_000

/** What children write is checked so often where they are not asked whether they hang. */
const CHECK_EVERY_MS = 10_000

export interface MasterParts extends StartedHead {
  readonly loaded: Loaded
  /** How the configuration is read, now and when it is read again. */
  readonly options: LoadOptions
  /** How our own children are started; the configuration and the section that they read follow. */
  readonly ownProgram: Pick<ChildProgram, 'command' | 'words'>
}

/** The control thread of a master: the child pool, the processes of the children, and what exists once. */
export class Master {
  readonly #parts: MasterParts
  readonly #pool: ChildPool
  readonly #children: ChildProcesses
  readonly #alarms = new Alarms()
  readonly #trace: TraceChannel
  readonly #ownCells = createCells(OWN_SHAPE)
  readonly #ownDrain: LogDrain
  readonly #isDirect: boolean
  /** Heard by all children that accept by themselves. */
  readonly #wakeup = openWakeupFd()
  readonly #reloader: Reloader
  #isEnding = false
  #isServing = false
  /** A child has taken clients since the start. */
  #hasServed = false
  #onPrepared: (isOk: boolean) => void = () => {}
  #onReloaded: () => void = () => {}

  constructor(parts: MasterParts) {
    this.#parts = parts
    const { boundary, loaded, log, options, ownProgram, traceMask, shutdown } = parts
    this.#trace = new TraceChannel('PROC', traceMask, log.say)
    const files = {
      access: (line: string) => this.#reloader.access.write(line),
      key: () => {},
      remote: () => {},
    }
    this.#ownDrain = new LogDrain(this.#ownCells.cells.child(0), log.say, files, boundary)
    this.#isDirect = loaded.spawnd.spawn.accept === 'direct'
    this.#reloader = new Reloader({ ...parts, alarms: this.#alarms }, this.#keeper())
    this.#reloader.counters.beginMaster(this.#ownCells.cells.child(0).counters)
    const processes = {
      options,
      ownProgram,
      say: log.say,
      boundary,
      traceMask,
      wakeupFd: this.#wakeup.fd,
      writeAccess: (line: string) => this.#reloader.access.write(line),
      hearRemote: (evidence: RemoteEvidence) => this.#reloader.verdicts.record(evidence),
      onNews: (slot: number, news: 'serving' | 'retiring') => this.#onNews(slot, news),
      onForbidden: (generation: Generation) => this.#onForbidden(generation),
      onGone: (slot: number) => this.#post({ kind: 'gone', slot }),
    }
    this.#children = new ChildProcesses(processes, this.#reloader.present)
    this.#pool = this.#isDirect ? this.#directChildPool() : this.#brokerChildPool()
    shutdown.add({ end: (done) => this.#shutDown(done) })
  }

  start(): void {
    void this.#reloader.start(undefined)
    this.#pool.start()
    this.#lookAfterChildren()
    keepTitle(this.#parts, () => this.#load())
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#end(signal))
    process.on('SIGUSR1', () => this.#reloader.access.reopen())
    process.on('SIGHUP', () => void this.#reloader.change('reload'))
  }

  /** For as long as the process lives: children may hang while they end, too. */
  #lookAfterChildren(): void {
    const { hangTimeoutMs } = this.#reloader.present.loaded.spawnd.spawn
    const roundMs = hangTimeoutMs === 0 ? CHECK_EVERY_MS : hangTimeoutMs / MISSED_MAX
    this.#alarms.after(roundMs, () => {
      if (hangTimeoutMs > 0) this.#children.lookForHanging()
      this.#children.checkMemory()
      this.#lookAfterChildren()
    })
  }

  #load(): Load {
    const { loaded, sessionsMax } = this.#reloader.present
    const ownCount = this.#ownCells.cells.child(0).counters[COUNT.sessionsNow] as number
    return {
      connections: this.#isDirect ? this.#children.sessions : ownCount,
      connectionsMax: this.#pool.places ?? sessionsMax,
      overload: loaded.spawnd.overload,
      isDying: this.#isEnding,
    }
  }

  /** Its generations are children: some of a new one have to be there before clients are its. */
  #keeper(): GenerationKeeper {
    return {
      hasChildren: true,
      shapeOf: masterShape,
      onListen: (slot, listener) => this.#onListen(slot, listener),
      onState: (generation, change) => this.#children.tellState(generation, change),
      needRestart: ({ mechanism, spawnd }) => [
        ...(mechanism === this.#parts.loaded.mechanism ? [] : [`setenv ${POLL_VARIABLE}`]),
        ...((spawnd.spawn.accept === 'direct') === this.#isDirect ? [] : ['accept']),
        ...(spawnd.singleProcess ? ['single process'] : []),
      ],
      prepare: ({ loaded }) => this.#prepare(loaded.spawnd.spawn.instancesMin),
      forget: (next) => this.#forget(next),
      putInForce: (next, kept) => {
        this.#children.setGeneration(next)
        return new Promise((resolve) => {
          this.#onReloaded = resolve
          this.#post({ kind: 'reload', settings: this.#settings(), kept })
        })
      },
      running: () => this.#children.generations(),
      end: (generation) => this.#endGeneration(generation),
    }
  }

  #brokerChildPool(): ChildPool {
    return brokerChildPool(
      this.#settings(),
      (report) => this.#onReport(report),
      (error) => this.#fail(`reactor: ${error.stack ?? error.message}`),
      this.#ownCells.cells.child(0).counters,
    )
  }

  #directChildPool(): ChildPool {
    return new DirectChildPool({
      limits: this.#reloader.present.plan.workers.placement,
      tell: (slot, message) => this.#children.tell(slot, message),
      loadOf: (slot) => this.#children.loadOf(slot),
      setMayGrow: (mayGrow) => this.#reloader.present.memory.cells.mayGrow.fill(mayGrow ? 1 : 0),
      report: (report) => this.#onReport(report),
      closeFd: closeSync,
      wakeChildren: () => this.#wakeup.wake(),
      say: this.#parts.log.say,
    })
  }

  #settings(): AcceptorSettings {
    const cells = { fds: this.#ownCells.fdsOf(0), shape: OWN_SHAPE }
    const { front, plan } = this.#reloader.present
    return { plan, cells, front }
  }

  /** Settles when the children of the next generation have started, or could not, or took too long. */
  async #prepare(count: number): Promise<string | undefined> {
    const isOk = await new Promise<boolean>((resolve) => {
      this.#onPrepared = resolve
      this.#post({ kind: 'prepare', count })
      this.#alarms.after(PREPARE_MAX_MS, () => resolve(false))
    })
    return isOk ? undefined : 'no child starts with the new configuration'
  }

  /** The children of the next generation that there are go. */
  #forget(next: Generation): void {
    this.#post({ kind: 'forget' })
    for (const slot of this.#children.slotsOf(next)) this.#children.retire(slot)
  }

  /** Children that accept by themselves get their listeners at start: one that is late makes new children. */
  #onListen(slot: number, listener: BoundListener): void {
    this.#post({ kind: 'listen', slot, fd: listener.fd })
    if (this.#isDirect && this.#isServing) void this.#reloader.change('renew')
  }

  #endGeneration(generation: Generation): void {
    const slots = this.#children.slotsOf(generation)
    if (slots.length === 0) return
    this.#parts.log.say(WARNING, `ending ${slots.length} children of an old configuration`)
    for (const slot of slots) this.#children.cut(slot)
  }

  #onReport(report: AcceptorReport): void {
    if (this.#trace.isOn) this.#trace.say(`from the child pool: ${JSON.stringify(report)}`)
    switch (report.kind) {
      case 'pong':
        this.#parts.manager.alive()
        return
      case 'log':
        this.#ownDrain.drain()
        return
      case 'serving':
        this.#alarms.every(this.#parts.manager.watchdogMs, () => this.#post({ kind: 'ping' }))
        if (!isOwnProgram(this.#reloader.present.loaded.spawnd.spawn)) this.#tellServing()
        return
      case 'wanted':
        this.#startChild(report.slot, report.fd, report.isFresh)
        return
      case 'started':
        this.#children.served(report.slot)
        this.#hasServed = true
        return
      case 'idle':
        this.#parts.shutdown.exit(EXIT_OK)
        return
      case 'prepared':
        this.#onPrepared(report.isOk)
        return
      case 'reloaded':
        this.#onReloaded()
        return
      case 'bad-configuration':
        this.#onBadConfiguration(report.slot)
        return
      case 'violation':
        this.#children.condemn(report.slot, `it sent ${report.what} on its wire`)
        return
    }
  }

  /**
   * Another program cannot use its configuration. That ends a master that has never served; afterwards the child dies at
   * start, as others do. Children of ours get their configuration from us.
   */
  #onBadConfiguration(slot: number): void {
    const { log, shutdown } = this.#parts
    const generation = this.#children.generationOf(slot) ?? this.#reloader.present
    if (isOwnProgram(generation.loaded.spawnd.spawn)) {
      this.#children.condemn(slot, 'it reported a wrong configuration, which only other programs do')
      return
    }
    if (this.#hasServed || generation !== this.#reloader.present) {
      log.say(WARNING, 'Child reported fatal configuration problem. Going on without it.')
      return
    }
    log.say(ERR, 'Child reported fatal configuration problem. Exiting.')
    shutdown.exit(EXIT_CONFIG)
  }

  /** A child of the generation that is in force, or of the one that is prepared. */
  #startChild(slot: number, wireFd: number | undefined, isFresh: boolean): void {
    const { next, present } = this.#reloader
    if (isFresh && next !== undefined) this.#children.startOther(slot, wireFd, next)
    else this.#children.start(slot, wireFd, present)
  }

  /** Clients are served from now on: for who started us. Children that are replaced later are no news. */
  #tellServing(): void {
    if (this.#isServing) return
    tellServing()
    this.#parts.manager.ready()
    this.#isServing = true
    this.#reloader.tellServing()
  }

  #onNews(slot: number, news: 'serving' | 'retiring'): void {
    if (this.#trace.isOn) this.#trace.say(`from child ${slot}: ${news}`)
    this.#pool.hear(slot, news)
    if (news !== 'serving') return
    this.#children.served(slot)
    this.#hasServed = true
    this.#tellServing()
  }

  /** No child will ever start. A configuration that is only prepared is given up instead. */
  #onForbidden(generation: Generation): void {
    if (this.#isEnding || generation !== this.#reloader.present) return
    this.#parts.log.say(ERR, 'children are not permitted to switch to the configured user or group. Exiting.')
    this.#parts.shutdown.exit(EXIT_NO_PERMISSION)
  }

  #post(command: AcceptorCommand): void {
    if (this.#trace.isOn) this.#trace.say(`to the child pool: ${traceText(command)}`)
    this.#pool.post(command)
  }

  #fail(text: string): void {
    this.#parts.log.say(ERR, text)
    this.#parts.shutdown.exit(EXIT_SOFTWARE)
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
    this.#post({ kind: 'drain' })
    this.#children.dropWaiting()
    this.#reloader.end()
    this.#parts.releasePidfile()
    this.#alarms.after(gracePeriodMs, () => {
      log.say(WARNING, 'the grace period is over: resetting the sessions that are left')
      this.#cut()
    })
  }

  #cut(): void {
    this.#post({ kind: 'cut' })
    this.#children.stopStarting()
    this.#children.cutAll()
    this.#alarms.after(KILL_AFTER_MS, () => this.#children.killAll())
    this.#alarms.after(KILL_AFTER_MS * 2, () => this.#parts.shutdown.exit(EXIT_OK))
  }

  #shutDown(done: () => void): void {
    this.#isEnding = true
    this.#alarms.clear()
    this.#reloader.close()
    this.#children.stopStarting()
    this.#children.closeLinks()
    this.#pool.end(() => {
      this.#children.closeLogs()
      this.#ownDrain.close()
      this.#reloader.access.close(done)
    })
  }
}

/** The cells of the master's own reactor: it relays nothing. */
const OWN_SHAPE: Shape = { children: 1, remotes: 0, listeners: 0, ringBytes: 256 * 1024 }
