import { closeSync } from 'node:fs'
import type { SocketAddress } from '../base/address.js'
import { formatProblem } from '../base/problem.js'
import { type CreatedCells, createCells, giveBack } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import { messageCalls } from '../kernel/message-calls.js'
import { type ChildProgram, Children, type Extras } from '../master/children.js'
import { Link } from '../master/link.js'
import { LINK_VARIABLE, type ToChild, type ToMaster } from '../master/link-messages.js'
import { LogDrain } from '../master/log-drain.js'
import { ReactorThread } from '../master/reactor-thread.js'
import { Resolver } from '../master/resolver.js'
import { ERR, INFO, WARNING } from '../observe/severity.js'
import { TraceChannel } from '../observe/trace.js'
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from './acceptor-settings.js'
import { type AccessLog, openAccessLog } from './access-log.js'
import { Alarms } from './alarms.js'
import { tellServing } from './background.js'
import { hasErrors, startProblems } from './check.js'
import { closeInspector } from './close-inspector.js'
import { EXIT_CONFIG, EXIT_OK, EXIT_SOFTWARE } from './exit-codes.js'
import { ListenerKeeper } from './listener-keeper.js'
import { type BoundListener, bindListener } from './listeners.js'
import { type Loaded, type LoadOptions, loadFrom } from './load.js'
import {
  acceptMessage,
  isOwnProgram,
  masterShape,
  namedRemotes,
  placementLimits,
  stickyOptions,
} from './settings.js'
import type { StartedHead } from './start-up.js'

/** Children that take longer than this to start have something wrong with them. */
const PREPARE_MAX_MS = 30_000

/** Children that did not end by themselves after they were told to cut their sessions. */
const KILL_AFTER_MS = 2_000

type Snapshot = ReturnType<Loaded['sources']['snapshot']>
type ChildLink = Link<ToMaster, ToChild<Snapshot>>

export interface MasterParts extends StartedHead {
  readonly loaded: Loaded
  /** How the configuration is read, now and when it is read again. */
  readonly options: LoadOptions
  /** How our own children are started; the configuration and the section that they read follow. */
  readonly ownProgram: Pick<ChildProgram, 'command' | 'words'>
}

/** What belongs to one configuration. Its children go on with it when there is another one. */
interface Generation {
  readonly loaded: Loaded
  readonly memory: CreatedCells
  readonly listeners: ListenerKeeper
  readonly resolver: Resolver
  /** Known addresses of named remotes, by slot. */
  readonly addresses: Map<number, readonly SocketAddress[]>
}

/** What is known of a running child beside its process. */
interface Row {
  readonly generation: Generation
  readonly drain: LogDrain
}

/** Generations that still have sessions; with one more the oldest is ended. */
const OLD_GENERATIONS_MAX = 8

/** The control thread of a master: its reactor, which accepts, its children, which relay, and what exists once. */
export class Master {
  readonly #parts: MasterParts
  readonly #thread: ReactorThread<AcceptorSettings, AcceptorCommand, AcceptorReport>
  readonly #children: Children
  readonly #links = new Map<number, ChildLink>()
  readonly #rows = new Map<number, Row>()
  readonly #alarms = new Alarms()
  readonly #trace: TraceChannel
  readonly #ownCells: ReturnType<typeof createCells>
  readonly #ownDrain: LogDrain
  #access: AccessLog
  #generation: Generation
  /** The one that a reload prepares. */
  #next: Generation | undefined
  /** Which generation the child of a slot is, or will be, of. */
  readonly #generations = new Map<number, Generation>()
  #isEnding = false
  #isServing = false
  #isReloading = false
  /** A signal came; one that comes during a reload is for the file as it is then. */
  #isReloadWanted = false
  #onPrepared: (isOk: boolean) => void = () => {}

  constructor(parts: MasterParts) {
    this.#parts = parts
    const { bound, loaded, log, traceMask, way } = parts
    this.#trace = new TraceChannel('PROC', traceMask, log.say)
    this.#ownCells = createCells(OWN_SHAPE)
    this.#access = openAccessLog(loaded.tcprelay, log)
    this.#ownDrain = new LogDrain(this.#ownCells.cells.child(0), log.say, () => {})
    this.#generation = this.#makeGeneration(loaded, bound)
    this.#children = new Children(
      this.#programOf(this.#generation),
      this.#childrenEvents(),
      closeSync,
      log.say,
    )
    this.#thread = new ReactorThread(new URL('./acceptor-entry.js', import.meta.url), this.#settings(), {
      onReport: (report) => this.#onReport(report),
      onFailure: (error) => this.#fail(`reactor: ${error.stack ?? error.message}`),
    })
    way.add({ leave: (done) => this.#leave(done) })
  }

  start(): void {
    this.#generation.listeners.start()
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#end(signal))
    process.on('SIGUSR1', () => this.#access.reopen())
    process.on('SIGHUP', () => void this.#reload())
  }

  #makeGeneration(loaded: Loaded, bound: StartedHead['bound']): Generation {
    const { log, system, traceMask } = this.#parts
    const memory = createCells(masterShape(loaded))
    const listeners = new ListenerKeeper({
      listeners: loaded.spawnd.listeners,
      bound,
      calls: system.calls,
      say: log.say,
      onListen: (slot, listener) => this.#post({ kind: 'listen', slot, fd: listener.fd }),
    })
    const addresses = new Map<number, readonly SocketAddress[]>()
    const resolver = new Resolver(
      (remoteSlot, found) => {
        addresses.set(remoteSlot, found)
        for (const [slot, generation] of this.#generations) {
          if (generation.addresses !== addresses) continue
          this.#links.get(slot)?.send({ kind: 'addresses', remoteSlot, addresses: found })
        }
      },
      log.say,
      new TraceChannel('DNS', traceMask, log.say),
    )
    for (const remote of namedRemotes(loaded.tcprelay)) void resolver.add(remote)
    return { loaded, memory, listeners, resolver, addresses }
  }

  #settings(): AcceptorSettings {
    const { listeners, loaded } = this.#generation
    const { names } = listeners
    const { spawnd } = loaded
    return {
      cells: { fd: this.#ownCells.fd, shape: OWN_SHAPE },
      listeners: spawnd.listeners.map((settings, slot) => ({
        name: names[slot] ?? '',
        message: acceptMessage(settings, slot),
        queue: settings,
        sticky: stickyOptions(settings),
      })),
      limits: placementLimits(spawnd),
      overload: spawnd.overload,
      wireBufferBytes: spawnd.tcpBufsizeBytes,
      sticky: stickyOptions(spawnd.spawn),
      accessRules: spawnd.accessRules,
      traceMask: this.#parts.traceMask,
    }
  }

  /** Reads the configuration again. A wrong one changes nothing; a right one gets new children. */
  async #reload(): Promise<void> {
    this.#isReloadWanted = true
    if (this.#isEnding || this.#isReloading) return
    this.#isReloading = true
    while (this.#isReloadWanted && !this.#isEnding) {
      this.#isReloadWanted = false
      await this.#reloadOnce()
    }
    this.#isReloading = false
  }

  async #reloadOnce(): Promise<void> {
    const { log, manager, options, system } = this.#parts
    log.say(INFO, 'SIGHUP: reloading')
    manager.reloading(system.clock.monotonicMs())
    const loaded = await loadFrom(options)
    if (this.#isEnding) return
    const problems = [...loaded.problems, ...startProblems(loaded)]
    for (const problem of problems) log.say(hasErrors([problem]) ? ERR : WARNING, formatProblem(problem))
    if (hasErrors(problems)) log.say(ERR, 'the new configuration is wrong: the old one goes on')
    else await this.#change(loaded)
    manager.ready()
  }

  /** Starts new children first; only when they are there, clients and listeners are theirs. */
  async #change(loaded: Loaded): Promise<void> {
    const { log, system } = this.#parts
    const old = this.#generation
    const bound: (BoundListener | undefined)[] = []
    const kept = new Map<number, number>()
    for (const [slot, settings] of loaded.spawnd.listeners.entries()) {
      const open = old.listeners.find(settings, new Set(kept.keys()))
      if (open !== undefined) kept.set(open.slot, slot)
      bound.push(open?.listener ?? (await bindListener(system.calls, settings, log.say)))
    }
    const next = this.#makeGeneration(loaded, bound)
    this.#next = next
    const isPrepared = !this.#isEnding && (await this.#prepare(loaded.spawnd.spawn.instancesMin))
    this.#next = undefined
    if (!isPrepared || this.#isEnding) this.#giveUp(next, new Set(kept.values()))
    else this.#putInForce(next, kept)
  }

  #putInForce(next: Generation, kept: ReadonlyMap<number, number>): void {
    const old = this.#generation
    this.#generation = next
    this.#children.setProgram(this.#programOf(next))
    this.#post({ kind: 'reload', settings: this.#settings(), kept: [...kept] })
    next.listeners.start(new Set(kept.values()))
    old.listeners.close(new Set(kept.keys()))
    // The reactor closes what is given up within a turn; until then it may be in the way of what is new.
    next.listeners.bindSoon()
    old.resolver.close()
    closeSync(old.memory.fd)
    const oldAccess = this.#access
    this.#access = openAccessLog(next.loaded.tcprelay, this.#parts.log)
    oldAccess.close(() => {})
    this.#limitOldGenerations(old, next.loaded.spawnd.oldGenerationTimeoutMs)
    this.#parts.log.say(INFO, 'the new configuration is in force')
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
    for (const slot of this.#slotsOf(next)) this.#children.killOne(slot, 'SIGTERM')
    next.listeners.discard(kept)
    next.resolver.close()
    closeSync(next.memory.fd)
    if (this.#isEnding) return
    this.#parts.log.say(ERR, 'no child starts with the new configuration: the old one goes on')
  }

  #programOf({ loaded }: Generation): ChildProgram {
    const { options, ownProgram } = this.#parts
    const { spawn } = loaded.spawnd
    const isOwn = isOwnProgram(spawn)
    const { childId, configuration } = options.arguments
    const id = childId ?? spawn.id
    const environment = Object.fromEntries(loaded.environment)
    return {
      command: isOwn ? ownProgram.command : (spawn.exec ?? ''),
      words: [...(isOwn ? ownProgram.words : []), configuration, ...(id === undefined ? [] : [id])],
      environment: isOwn ? { ...environment, [LINK_VARIABLE]: '1' } : environment,
      uid: spawn.user?.uid,
      gid: spawn.group ?? spawn.user?.gid,
      workingDirectory: spawn.workingDirectory,
    }
  }

  #childrenEvents() {
    return {
      openExtras: (slot: number) => this.#openLink(slot),
      onStarted: (slot: number) => this.#openRow(slot),
      onGone: (slot: number) => this.#onGone(slot),
    }
  }

  /** The far ends of the descriptors that a child of ours gets from 3 on. */
  #openLink(slot: number): Extras {
    const { log, traceMask } = this.#parts
    const { addresses, listeners, loaded, memory } = this.#generationOf(slot)
    if (!isOwnProgram(loaded.spawnd.spawn)) return NO_EXTRAS
    const pair = messageCalls().socketPair('stream')
    if (typeof pair === 'number') {
      log.say(ERR, `cannot open a link to a child: error ${-pair}`)
      return NO_EXTRAS
    }
    const [ours, theirs] = pair
    const link: ChildLink = new Link(ours, {
      onMessage: (message) => this.#onChildMessage(slot, message),
      onEnd: () => {
        if (this.#links.get(slot) === link) this.#links.delete(slot)
      },
    })
    this.#links.set(slot, link)
    link.send({
      kind: 'start',
      slot,
      shape: masterShape(loaded),
      snapshot: loaded.sources.snapshot(),
      environment: [...loaded.environment],
      sectionId: loaded.sections.childId ?? '',
      listenerNames: listeners.names,
      unixListeners: listeners.unixListeners,
      traceMask,
      addresses: [...addresses],
    })
    return { fds: [theirs, memory.fd], release: () => closeSync(theirs) }
  }

  #openRow(slot: number): void {
    const generation = this.#generationOf(slot)
    const cells = generation.memory.cells.child(slot)
    const drain = new LogDrain(cells, this.#parts.log.say, (line) => this.#access.write(line))
    this.#rows.set(slot, { generation, drain })
  }

  #generationOf(slot: number): Generation {
    return this.#generations.get(slot) ?? this.#generation
  }

  #slotsOf(generation: Generation): number[] {
    return [...this.#rows].flatMap(([slot, row]) => (row.generation === generation ? slot : []))
  }

  /** Old generations may have sessions for days: there are limits to their time and to their number. */
  #limitOldGenerations(newest: Generation, timeoutMs: number): void {
    if (timeoutMs > 0) this.#alarms.after(timeoutMs, () => this.#endGeneration(newest))
    const old = new Set([...this.#rows.values()].map(({ generation }) => generation))
    old.delete(this.#generation)
    // Rows are in the order of their starts, so the oldest generation comes first.
    for (const generation of [...old].slice(0, Math.max(0, old.size - OLD_GENERATIONS_MAX))) {
      this.#endGeneration(generation)
    }
  }

  #endGeneration(generation: Generation): void {
    const slots = this.#slotsOf(generation)
    if (slots.length === 0) return
    this.#parts.log.say(WARNING, `ending ${slots.length} children of an old configuration`)
    for (const slot of slots) {
      this.#links.get(slot)?.send({ kind: 'cut' })
      if (!this.#links.has(slot)) this.#children.killOne(slot, 'SIGTERM')
    }
  }

  #onReport(report: AcceptorReport): void {
    if (this.#trace.isOn) this.#trace.say(`from the reactor: ${JSON.stringify(report)}`)
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
  #startChild(slot: number, wireFd: number, isFresh: boolean): void {
    const generation = isFresh && this.#next !== undefined ? this.#next : this.#generation
    this.#generations.set(slot, generation)
    if (generation === this.#generation) this.#children.start(slot, wireFd)
    else this.#children.startOther(slot, wireFd, this.#programOf(generation))
  }

  /** Clients are served from now on: for who started us. Children that are replaced later are no news. */
  #tellServing(): void {
    if (this.#isServing) return
    this.#isServing = true
    tellServing()
    this.#parts.manager.ready()
  }

  #onChildMessage(slot: number, message: ToMaster): void {
    if (message.kind === 'serving') this.#tellServing()
    if (message.kind === 'log') this.#rows.get(slot)?.drain.drain()
    else if (this.#trace.isOn) this.#trace.say(`from child ${slot}: ${message.kind}`)
  }

  /** The memory of a generation that is no longer in force goes with its last child. */
  #giveBack(generation: Generation, slot: number): void {
    giveBack(generation.memory.cells, slot)
    const isInUse = generation === this.#generation || generation === this.#next
    if (!isInUse && this.#slotsOf(generation).length === 0) generation.memory.unmap()
  }

  /** What the child still had to say is carried on, and what it held is given back. */
  #onGone(slot: number): void {
    this.#links.get(slot)?.close()
    this.#links.delete(slot)
    const row = this.#rows.get(slot)
    this.#rows.delete(slot)
    row?.drain.close()
    this.#generations.delete(slot)
    if (row !== undefined) this.#giveBack(row.generation, slot)
    this.#post({ kind: 'gone', slot })
  }

  #post(command: AcceptorCommand): void {
    if (this.#trace.isOn) this.#trace.say(`to the reactor: ${JSON.stringify(command)}`)
    this.#thread.post(command)
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
    this.#generation.listeners.close()
    this.#parts.releasePidfile()
    this.#alarms.after(gracePeriodMs, () => {
      log.say(WARNING, 'the grace period is over: resetting the sessions that are left')
      this.#cut()
    })
  }

  /** Children of ours reset what they have; foreign ones know no such word and are ended. */
  #cut(): void {
    this.#children.stopStarting()
    for (const link of this.#links.values()) link.send({ kind: 'cut' })
    if (this.#links.size < this.#children.count) this.#children.kill('SIGTERM')
    this.#alarms.after(KILL_AFTER_MS, () => this.#children.kill('SIGKILL'))
    this.#alarms.after(KILL_AFTER_MS * 2, () => this.#parts.way.leave(EXIT_OK))
  }

  #leave(done: () => void): void {
    this.#isEnding = true
    this.#alarms.clear()
    this.#generation.listeners.close()
    this.#generation.resolver.close()
    this.#children.stopStarting()
    for (const link of this.#links.values()) link.close()
    this.#thread.end({ kind: 'stop' }, () => {
      for (const { drain } of this.#rows.values()) drain.close()
      this.#ownDrain.close()
      this.#access.close(done)
    })
  }
}

/** The cells of the master's own reactor: it relays nothing. */
const OWN_SHAPE: Shape = { children: 1, remotes: 0, listeners: 0, ringBytes: 256 * 1024 }

const NO_EXTRAS: Extras = { fds: [], release: () => {} }
