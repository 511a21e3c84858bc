import { closeSync } from 'node:fs'
import { formatProblem } from '../base/problem.js'
import { createCells } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import { openWakeFd } from '../kernel/eventfd.js'
import type { ChildProgram } from '../master/children.js'
import { FileWatch } from '../master/file-watch.js'
import type { ToMaster } from '../master/link-messages.js'
import { LogDrain } from '../master/log-drain.js'
import { TICKET_KEY_PERIOD_MS } from '../master/ticket-keys.js'
import { COUNT } from '../observe/counters.js'
import { ERR, INFO, WARNING } from '../observe/severity.js'
import { TraceChannel } from '../observe/trace.js'
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from './acceptor-settings.js'
import { type AccessLog, openAccessLog } from './access-log.js'
import { Alarms } from './alarms.js'
import { tellServing } from './background.js'
import { hasErrors, startProblems } from './check.js'
import { closeInspector } from './close-inspector.js'
import { Crew } from './crew.js'
import { DirectFleet } from './direct-fleet.js'
import { EXIT_CONFIG, EXIT_NO_PERMISSION, EXIT_OK, EXIT_SOFTWARE } from './exit-codes.js'
import { brokerFleet, type Fleet } from './fleet.js'
import { Generation } from './generation.js'
import { type BoundListener, bindListener } from './listeners.js'
import { type Loaded, type LoadOptions, loadFrom } from './load.js'
import { keepTitle, type Load } from './process-title.js'
import { acceptorSettings, isOwnProgram, placementLimits } from './settings.js'
import type { StartedHead } from './start-up.js'
import { watchTlsFiles } from './tls-tickets.js'

/** Children that take longer than this to start have something wrong with them. */
const PREPARE_MAX_MS = 30_000

/** Children that did not end by themselves after they were told to cut their sessions. */
const KILL_AFTER_MS = 2_000

/** Generations that still have sessions; with one more the oldest is ended. */
const OLD_GENERATIONS_MAX = 8

/** Why the file is read again. */
const RELOAD_REASONS = { reload: 'SIGHUP', files: 'a file of TLS has changed' } as const

/** `renew`: new children of the same configuration. */
type Wish = keyof typeof RELOAD_REASONS | 'renew'

export interface MasterParts extends StartedHead {
  readonly loaded: Loaded
  /** How the configuration is read, now and when it is read again. */
  readonly options: LoadOptions
  /** How our own children are started; the configuration and the section that they read follow. */
  readonly ownProgram: Pick<ChildProgram, 'command' | 'words'>
}

/** The control thread of a master: the fleet that takes clients, the crew that relays, and what exists once. */
export class Master {
  readonly #parts: MasterParts
  readonly #fleet: Fleet
  readonly #crew: Crew
  readonly #alarms = new Alarms()
  readonly #trace: TraceChannel
  readonly #ownCells = createCells(OWN_SHAPE)
  readonly #ownDrain: LogDrain
  readonly #isDirect: boolean
  /** Heard by all children that accept by themselves. */
  readonly #bell = openWakeFd()
  readonly #tlsFiles = new FileWatch(() => void this.#change('files'))
  #access: AccessLog
  #generation: Generation
  /** The one that a reload prepares. */
  #next: Generation | undefined
  #isEnding = false
  #isServing = false
  #isChanging = false
  /** What is wanted and not yet begun. */
  readonly #wishes = new Set<Wish>()
  #onPrepared: (isOk: boolean) => void = () => {}

  constructor(parts: MasterParts) {
    this.#parts = parts
    const { bound, loaded, log, options, ownProgram, traceMask, way } = parts
    this.#trace = new TraceChannel('PROC', traceMask, log.say)
    this.#access = openAccessLog(loaded.tcprelay, log)
    this.#ownDrain = new LogDrain(this.#ownCells.cells.child(0), log.say, () => {})
    this.#isDirect = loaded.spawnd.spawn.accept === 'direct'
    this.#generation = this.#makeGeneration(loaded, bound)
    const crew = {
      options,
      ownProgram,
      say: log.say,
      traceMask,
      bellFd: this.#bell.fd,
      writeAccess: (line: string) => this.#access.write(line),
      onMessage: (slot: number, message: ToMaster) => this.#onChildMessage(slot, message),
      onForbidden: (generation: Generation) => this.#onForbidden(generation),
      onGone: (slot: number) => this.#post({ kind: 'gone', slot }),
    }
    this.#crew = new Crew(crew, this.#generation)
    this.#fleet = this.#isDirect ? this.#directFleet() : this.#brokerFleet()
    way.add({ leave: (done) => this.#leave(done) })
  }

  start(): void {
    this.#generation.listeners.start()
    this.#fleet.start()
    this.#rotateTicketKeys()
    watchTlsFiles(this.#tlsFiles, this.#generation.loaded)
    keepTitle(this.#parts.program, () => this.#load())
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#end(signal))
    process.on('SIGUSR1', () => this.#access.reopen())
    process.on('SIGHUP', () => void this.#change('reload'))
  }

  #load(): Load {
    const { loaded, sessionsMax } = this.#generation
    const ownCount = this.#ownCells.cells.child(0).counters[COUNT.sessionsNow] as number
    return {
      connections: this.#isDirect ? this.#crew.sessions : ownCount,
      connectionsMax: sessionsMax,
      overload: loaded.spawnd.overload,
      isDying: this.#isEnding,
    }
  }

  #makeGeneration(loaded: Loaded, bound: StartedHead['bound'], present?: Generation): Generation {
    const { log, system, traceMask } = this.#parts
    const generation: Generation = new Generation(loaded, bound, present, {
      calls: system.calls,
      say: log.say,
      trace: new TraceChannel('DNS', traceMask, log.say),
      onListen: (slot, listener) => this.#onListen(slot, listener),
      onAddresses: (slot, addresses) => this.#crew.tellAddresses(generation, slot, addresses),
    })
    return generation
  }

  #brokerFleet(): Fleet {
    return brokerFleet(
      this.#settings(),
      (report) => this.#onReport(report),
      (error) => this.#fail(`reactor: ${error.stack ?? error.message}`),
    )
  }

  #directFleet(): Fleet {
    return new DirectFleet({
      limits: placementLimits(this.#generation.loaded.spawnd),
      tell: (slot, message) => this.#crew.tell(slot, message),
      loadOf: (slot) => this.#crew.loadOf(slot),
      setMayGrow: (mayGrow) => this.#generation.memory.cells.mayGrow.fill(mayGrow ? 1 : 0),
      report: (report) => this.#onReport(report),
      closeFd: closeSync,
      ringBell: () => this.#bell.wake(),
      say: this.#parts.log.say,
    })
  }

  #settings(): AcceptorSettings {
    const { listeners, loaded } = this.#generation
    const cells = { fd: this.#ownCells.fd, shape: OWN_SHAPE }
    return acceptorSettings(loaded, listeners.names, cells, this.#parts.traceMask)
  }

  /** One change at a time; what is wanted meanwhile comes after it, once. */
  async #change(wish: Wish): Promise<void> {
    this.#wishes.add(wish)
    if (this.#isChanging) return
    this.#isChanging = true
    for (const next of this.#wishes) {
      this.#wishes.delete(next)
      if (this.#isEnding) break
      await (next === 'renew' ? this.#replace(this.#generation.loaded) : this.#reload(next))
    }
    this.#isChanging = false
  }

  /** Reads the configuration again. A wrong one changes nothing; a right one gets new children. */
  async #reload(wish: keyof typeof RELOAD_REASONS): Promise<void> {
    const { log, manager, options, system } = this.#parts
    log.say(INFO, `${RELOAD_REASONS[wish]}: reloading`)
    manager.reloading(system.clock.monotonicMs())
    const loaded = await loadFrom(options)
    if (this.#isEnding) return
    const problems = [...loaded.problems, ...startProblems(loaded, true)]
    for (const problem of problems) log.say(hasErrors([problem]) ? ERR : WARNING, formatProblem(problem))
    if (hasErrors(problems)) log.say(ERR, 'the new configuration is wrong: the old one goes on')
    else await this.#replace(loaded)
    manager.ready()
  }

  /** Starts new children first; only when they are there, clients and listeners are theirs. */
  async #replace(loaded: Loaded): Promise<void> {
    const { log, system } = this.#parts
    if ((loaded.spawnd.spawn.accept === 'direct') !== this.#isDirect)
      log.say(WARNING, 'a change of `accept` needs a restart: it stays as it was')
    const old = this.#generation
    const bound: (BoundListener | undefined)[] = []
    const kept = new Map<number, number>()
    for (const [slot, settings] of loaded.spawnd.listeners.entries()) {
      const open = old.listeners.find(settings, new Set(kept.keys()))
      if (open !== undefined) kept.set(open.slot, slot)
      bound.push(open?.listener ?? (await bindListener(system.calls, settings, log.say)))
    }
    const next = this.#makeGeneration(loaded, bound, old)
    this.#next = next
    const isPrepared = !this.#isEnding && (await this.#prepare(loaded.spawnd.spawn.instancesMin))
    this.#next = undefined
    if (!isPrepared || this.#isEnding) this.#giveUp(next, new Set(kept.values()))
    else this.#putInForce(next, kept)
  }

  #putInForce(next: Generation, kept: ReadonlyMap<number, number>): void {
    const old = this.#generation
    this.#generation = next
    this.#crew.setGeneration(next)
    watchTlsFiles(this.#tlsFiles, next.loaded)
    this.#post({ kind: 'reload', settings: this.#settings(), kept: [...kept] })
    next.listeners.start(new Set(kept.values()))
    old.listeners.close(new Set(kept.keys()))
    // What is given up is closed within a turn of the reactor; until then it may be in the way of what is new.
    next.listeners.bindSoon()
    old.retire()
    const oldAccess = this.#access
    this.#access = openAccessLog(next.loaded.tcprelay, this.#parts.log)
    oldAccess.close(() => {})
    this.#limitOldGenerations(old, next.loaded.spawnd.oldGenerationTimeoutMs)
    this.#parts.log.say(INFO, 'the new configuration is in force')
  }

  /** Only children of the generation that is in force shake hands. */
  #rotateTicketKeys(): void {
    this.#alarms.after(TICKET_KEY_PERIOD_MS, () => {
      const { tickets } = this.#generation
      tickets?.rotate()
      if (tickets !== undefined) this.#crew.tellTicketKeys(tickets)
      this.#rotateTicketKeys()
    })
  }

  /** Settles when the children of the next generation have started, or could not, or took too long. */
  #prepare(count: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#onPrepared = resolve
      this.#post({ kind: 'prepare', count })
      this.#alarms.after(PREPARE_MAX_MS, () => resolve(false))
    })
  }

  /** Nothing comes of the next generation: the present one goes on, or the process ends. */
  #giveUp(next: Generation, kept: ReadonlySet<number>): void {
    this.#post({ kind: 'forget' })
    for (const slot of this.#crew.slotsOf(next)) this.#crew.retire(slot)
    next.listeners.discard(kept)
    next.retire()
    if (this.#isEnding) return
    this.#parts.log.say(ERR, 'no child starts with the new configuration: the old one goes on')
  }

  /** Children that accept by themselves get their listeners at start: one that is late makes new children. */
  #onListen(slot: number, listener: BoundListener): void {
    this.#post({ kind: 'listen', slot, fd: listener.fd })
    if (this.#isDirect && this.#isServing) void this.#change('renew')
  }

  /** Old generations may have sessions for days: there are limits to their time and to their number. */
  #limitOldGenerations(newest: Generation, timeoutMs: number): void {
    if (timeoutMs > 0) this.#alarms.after(timeoutMs, () => this.#endGeneration(newest))
    const old = this.#crew.generations().filter((generation) => generation !== this.#generation)
    for (const generation of old.slice(0, Math.max(0, old.length - OLD_GENERATIONS_MAX))) {
      this.#endGeneration(generation)
    }
  }

  #endGeneration(generation: Generation): void {
    const slots = this.#crew.slotsOf(generation)
    if (slots.length === 0) return
    this.#parts.log.say(WARNING, `ending ${slots.length} children of an old configuration`)
    for (const slot of slots) this.#crew.cut(slot)
  }

  #onReport(report: AcceptorReport): void {
    if (this.#trace.isOn) this.#trace.say(`from the fleet: ${JSON.stringify(report)}`)
    switch (report.kind) {
      case 'pong':
        this.#parts.manager.alive()
        return
      case 'log':
        this.#ownDrain.drain()
        return
      case 'serving':
        closeInspector()
        this.#alarms.every(this.#parts.manager.watchdogMs, () => this.#post({ kind: 'ping' }))
        if (!isOwnProgram(this.#generation.loaded.spawnd.spawn)) this.#tellServing()
        return
      case 'wanted':
        this.#startChild(report.slot, report.fd, report.isFresh)
        return
      case 'started':
        this.#crew.served(report.slot)
        return
      case 'idle':
        this.#parts.way.leave(EXIT_OK)
        return
      case 'prepared':
        this.#onPrepared(report.isOk)
        return
      case 'bad-configuration':
        this.#parts.log.say(ERR, 'Child reported fatal configuration problem. Exiting.')
        this.#parts.way.leave(EXIT_CONFIG)
        return
    }
  }

  /** A child of the generation that is in force, or of the one that is prepared. */
  #startChild(slot: number, wireFd: number | undefined, isFresh: boolean): void {
    if (isFresh && this.#next !== undefined) this.#crew.startOther(slot, wireFd, this.#next)
    else this.#crew.start(slot, wireFd, this.#generation)
  }

  /** Clients are served from now on: for who started us. Children that are replaced later are no news. */
  #tellServing(): void {
    if (this.#isServing) return
    this.#isServing = true
    tellServing()
    this.#parts.manager.ready()
  }

  #onChildMessage(slot: number, message: ToMaster): void {
    if (message.kind === 'log') {
      this.#crew.drainLog(slot)
      return
    }
    if (this.#trace.isOn) this.#trace.say(`from child ${slot}: ${message.kind}`)
    this.#fleet.hear(slot, message.kind)
    if (message.kind !== 'serving') return
    this.#crew.served(slot)
    this.#tellServing()
  }

  /** No child will ever start. A configuration that is only prepared is given up instead. */
  #onForbidden(generation: Generation): void {
    if (this.#isEnding || generation !== this.#generation) return
    this.#parts.log.say(ERR, 'children may not become the user or group of the configuration. Exiting.')
    this.#parts.way.leave(EXIT_NO_PERMISSION)
  }

  #post(command: AcceptorCommand): void {
    if (this.#trace.isOn) this.#trace.say(`to the fleet: ${JSON.stringify(command)}`)
    this.#fleet.post(command)
  }

  #fail(text: string): void {
    this.#parts.log.say(ERR, text)
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
    this.#post({ kind: 'drain' })
    this.#crew.dropWaiting()
    this.#generation.listeners.close()
    this.#parts.releasePidfile()
    this.#alarms.after(gracePeriodMs, () => {
      log.say(WARNING, 'the grace period is over: resetting the sessions that are left')
      this.#cut()
    })
  }

  #cut(): void {
    this.#post({ kind: 'cut' })
    this.#crew.stopStarting()
    this.#crew.cutAll()
    this.#alarms.after(KILL_AFTER_MS, () => this.#crew.killAll())
    this.#alarms.after(KILL_AFTER_MS * 2, () => this.#parts.way.leave(EXIT_OK))
  }

  #leave(done: () => void): void {
    this.#isEnding = true
    this.#alarms.clear()
    this.#tlsFiles.close()
    this.#generation.listeners.close()
    this.#generation.stopLookups()
    this.#crew.stopStarting()
    this.#crew.closeLinks()
    this.#fleet.end(() => {
      this.#crew.closeLogs()
      this.#ownDrain.close()
      this.#access.close(done)
    })
  }
}

/** The cells of the master's own reactor: it relays nothing. */
const OWN_SHAPE: Shape = { children: 1, remotes: 0, listeners: 0, ringBytes: 256 * 1024 }
