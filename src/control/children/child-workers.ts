/** The children of a master, as its head commands them. */
import { closeSync } from 'node:fs'
import { EXIT_CONFIG, EXIT_NO_PERMISSION, EXIT_SOFTWARE } from '../../base/exit-codes.js'
import { POLL_VARIABLE } from '../../base/poll-mechanism.js'
import { createCells } from '../../cells/cells.js'
import type { Shape } from '../../cells/layout.js'
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from '../../engine/acceptor-settings.js'
import { openWakeupFd } from '../../kernel/wakeup-fd.js'
import { COUNT } from '../../observe/counters.js'
import { WARNING } from '../../observe/severity.js'
import { TraceChannel } from '../../observe/trace.js'
import { masterShape } from '../../plan/compile/limits.js'
import { isOwnProgram } from '../../plan/compile/worker-plans.js'
import type { Loaded, LoadOptions } from '../../plan/load/load.js'
import { MISSED_MAX } from '../../services/heartbeat.js'
import { LogDrain } from '../../services/log-drain.js'
import type { Generation } from '../generations/generation.js'
import type { ChildFacts, HeadServices, Workers, WorkersLoad } from '../generations/workers.js'
import type { StartedHead } from '../process/start-up.js'
import { traceText } from '../reactors/trace-text.js'
import { type AcceptorThread, BrokerChildPool, type ChildPool } from './child-pool.js'
import { ChildProcesses } from './child-processes.js'
import type { ChildProgram, StartProcess } from './child-program.js'
import { ChildTable } from './child-table.js'
import { DirectChildPool } from './direct-child-pool.js'
import { changeBehindMaster } from './our-link.js'
import type { OwnedChild } from './owned-child.js'

/** A new generation whose children take longer to start is given up. */
const PREPARE_MAX_MS = 30_000

/** Children that have not exited this long after `cut` are killed. */
const KILL_AFTER_MS = 2_000

/** Interval of checks of shared memory where `hang timeout` is off, whose pings set the interval otherwise. */
const CHECK_EVERY_MS = 10_000

export interface ChildWorkersParts extends Pick<StartedHead, 'boundary' | 'log' | 'traceMask'> {
  readonly loaded: Loaded
  readonly options: LoadOptions
  /** How our own children are started; the configuration and the section that they read follow. */
  readonly ownProgram: Pick<ChildProgram, 'command' | 'words'>
  /** The reactor that accepts, where children do not accept by themselves. */
  readonly thread: AcceptorThread
  /** By default a process of the system. */
  readonly startProcess?: StartProcess
}

/** The children of a master: a pool decides which there are, and `ChildProcesses` runs them. */
export class ChildWorkers implements Workers {
  readonly hasChildren = true
  /** Children are killed after half of it. */
  readonly cutMaxMs = KILL_AFTER_MS * 2
  readonly #parts: ChildWorkersParts
  readonly #head: HeadServices
  /** Shared by the pool, which decides about phases, and by `#processes`, which adds and deletes. */
  readonly #table = new ChildTable<OwnedChild>()
  readonly #pool: ChildPool
  readonly #processes: ChildProcesses
  readonly #trace: TraceChannel
  /** Memory of the master's own reactor: counters and log ring. */
  readonly #ownCells = createCells(OWN_SHAPE)
  readonly masterCounters = this.#ownCells.cells.child(0).counters
  readonly #ownDrain: LogDrain
  readonly #isDirect: boolean
  /** Wakes all children that accept by themselves. */
  readonly #wakeup = openWakeupFd()
  /** Undefined before the start. */
  #present: Generation | undefined
  #next: Generation | undefined
  /** A child has taken clients since the start. */
  #hasServed = false
  #isEnding = false

  constructor(parts: ChildWorkersParts, head: HeadServices) {
    this.#parts = parts
    this.#head = head
    const { boundary, loaded, log, traceMask } = parts
    this.#trace = new TraceChannel('PROC', traceMask, log.say)
    const files = { access: head.writeAccess, key: () => {}, remote: () => {} }
    this.#ownDrain = new LogDrain(this.#ownCells.cells.child(0), log.say, files, boundary)
    this.#isDirect = loaded.spawnd.spawn.accept === 'direct'
    this.#processes = this.#openProcesses()
    this.#pool = this.#isDirect ? this.#openDirectPool() : this.#openBrokerPool()
  }

  shapeOf = masterShape

  /** Listeners need not wait for name lookups: clients are queued until a child has started, with the addresses. */
  start(first: Generation): undefined {
    this.#present = first
    this.#table.putInForce(first)
    this.#pool.start(this.#settings(first))
    this.#checkChildren(first.loaded.spawnd.spawn.hangTimeoutMs)
  }

  ping(): void {
    this.#post({ kind: 'ping' })
  }

  load({ sessionsMax }: Generation): WorkersLoad {
    const ownCount = this.masterCounters[COUNT.sessionsNow] as number
    return {
      connections: this.#isDirect ? this.#processes.sessions : ownCount,
      connectionsMax: this.#pool.places ?? sessionsMax,
    }
  }

  children(): readonly ChildFacts[] {
    return this.#processes.facts()
  }

  /** Children that accept by themselves get their listeners at start, so a late listener needs new children. */
  onListen: Workers['onListen'] = (slot, listener) => {
    this.#post({ kind: 'listen', slot, fd: listener.fd })
    if (this.#isDirect) this.#head.onStale()
  }

  onState: Workers['onState'] = (generation, change) => {
    // A master that accepts evaluates the access rules itself; another generation gets the table when it takes over.
    const isByMaster = change.what === 'access' && !this.#isDirect
    const forChildren = isByMaster ? changeBehindMaster(generation.plan, change.access) : change
    if (forChildren !== undefined) this.#processes.tellState(generation, forChildren)
    if (isByMaster && generation === this.#present) this.#post({ kind: 'access', access: change.access })
  }

  /** Directives that are fixed when the process starts. */
  needRestart({ mechanism, spawnd }: Loaded): readonly string[] {
    return [
      ...(mechanism === this.#parts.loaded.mechanism ? [] : [`setenv ${POLL_VARIABLE}`]),
      ...((spawnd.spawn.accept === 'direct') === this.#isDirect ? [] : ['accept']),
      ...(spawnd.singleProcess ? ['single process'] : []),
    ]
  }

  /** Settles when the children of the next generation have started, or could not, or took too long. */
  async prepare(next: Generation): Promise<string | undefined> {
    this.#next = next
    // Before the command: a direct pool asks for its children from within `ask`.
    this.#table.setNext(next)
    const command = { kind: 'prepare', count: next.loaded.spawnd.spawn.instancesMin } as const
    this.#traceCommand(command)
    const prepared = this.#pool.ask(command, 'prepared')
    // A child that hangs at its start must not block later reloads.
    const tooLong = new Promise<undefined>((resolve) => {
      this.#head.alarms.after(PREPARE_MAX_MS, () => resolve(undefined))
    })
    const answer = await Promise.race([prepared, tooLong])
    return answer?.isOk === true ? undefined : 'no child starts with the new configuration'
  }

  /** Ends the children of the next generation that have started. */
  forget(next: Generation): void {
    this.#post({ kind: 'forget' })
    for (const slot of this.#processes.slotsOf(next)) this.#processes.retire(slot)
    this.#next = undefined
    this.#table.setNext(undefined)
  }

  async putInForce(...[next, kept]: Parameters<Workers['putInForce']>): Promise<void> {
    this.#present = next
    this.#next = undefined
    // Before the command: the pool retires the children that do not belong to the present generation.
    this.#table.putInForce(next)
    this.#processes.setGeneration(next)
    const command = { kind: 'reload', settings: this.#settings(next), kept } as const
    this.#traceCommand(command)
    await this.#pool.ask(command, 'reloaded')
  }

  running(): readonly Generation[] {
    return this.#processes.generations()
  }

  end(generation: Generation): void {
    const slots = this.#processes.slotsOf(generation)
    if (slots.length === 0) return
    this.#parts.log.say(WARNING, `ending ${slots.length} children of an old configuration`)
    for (const slot of slots) this.#processes.cut(slot)
  }

  drain(): undefined {
    this.#isEnding = true
    this.#post({ kind: 'drain' })
    // A start that waits for the back-off would delay the end of the process.
    this.#processes.stopWaiting()
  }

  cut(): void {
    this.#post({ kind: 'cut' })
    this.#processes.stopStarting()
    // A child of ours still writes the access lines of the sessions that it resets; SIGKILL follows.
    this.#processes.cutAll()
    this.#head.alarms.after(KILL_AFTER_MS, () => this.#processes.killAll())
  }

  shutDown(done: () => void): void {
    this.#isEnding = true
    this.#processes.stopStarting()
    // Children of ours take this as the end of their master and drain (`Child.onMasterGone`).
    this.#processes.closeLinks()
    this.#pool.end(() => {
      this.#processes.closeLogs()
      this.#ownDrain.close()
      done()
    })
  }

  #openProcesses(): ChildProcesses {
    const { boundary, loaded, log, options, ownProgram, startProcess, traceMask } = this.#parts
    const processes = {
      options,
      ownProgram,
      say: log.say,
      boundary,
      traceMask,
      wakeupFd: this.#wakeup.fd,
      table: this.#table,
      startProcess,
      writeAccess: this.#head.writeAccess,
      hearRemote: this.#head.hearRemote,
      findHost: this.#head.findHost,
      onNews: (slot: number, news: 'serving' | 'retiring') => this.#onNews(slot, news),
      onForbidden: (generation: Generation | undefined) => this.#onForbidden(generation),
      onGone: (slot: number) => this.#post({ kind: 'gone', slot }),
    }
    return new ChildProcesses(processes, loaded)
  }

  #openBrokerPool(): ChildPool {
    const events = {
      onReport: (report: AcceptorReport) => this.#onReport(report),
      onFailure: (error: Error) =>
        this.#head.onFatal(`reactor: ${error.stack ?? error.message}`, EXIT_SOFTWARE),
    }
    return new BrokerChildPool(this.#parts.thread, events, this.masterCounters)
  }

  #openDirectPool(): ChildPool {
    return new DirectChildPool({
      children: this.#table,
      tell: (slot, message) => this.#processes.tell(slot, message),
      loadOf: (slot) => this.#processes.loadOf(slot),
      // In shared memory: a full child reads it before it logs that the limit is reached.
      setMayGrow: (mayGrow) => this.#present?.memory.cells.mayGrow.fill(mayGrow ? 1 : 0),
      report: (report) => this.#onReport(report),
      closeFd: closeSync,
      wakeChildren: () => this.#wakeup.wake(),
      say: this.#parts.log.say,
    })
  }

  #settings({ front, limits, live, plan }: Generation): AcceptorSettings {
    const access = live.access ?? plan.access
    const cells = { fds: this.#ownCells.fdsOf(0), shape: OWN_SHAPE }
    return { plan, access, cells, limits: { shares: limits.shares, heldFd: undefined }, front }
  }

  /** Repeats until the process exits: children may also hang while they end. */
  #checkChildren(hangTimeoutMs: number): void {
    const roundMs = hangTimeoutMs === 0 ? CHECK_EVERY_MS : hangTimeoutMs / MISSED_MAX
    this.#head.alarms.after(roundMs, () => {
      if (hangTimeoutMs > 0) this.#processes.lookForHanging()
      this.#processes.checkMemory()
      this.#checkChildren(this.#present?.loaded.spawnd.spawn.hangTimeoutMs ?? hangTimeoutMs)
    })
  }

  #onReport(report: AcceptorReport): void {
    if (this.#trace.isOn) this.#trace.say(`from the child pool: ${JSON.stringify(report)}`)
    switch (report.kind) {
      case 'pong':
        this.#head.onAlive()
        return
      case 'log':
        this.#ownDrain.drain()
        return
      case 'serving':
        this.#onPoolStarted()
        return
      case 'wanted':
        this.#startChild(report.slot, report.fd, report.isFresh)
        return
      case 'started':
        this.#processes.served(report.slot)
        this.#hasServed = true
        return
      case 'idle':
        this.#head.onIdle()
        return
      case 'bad-configuration':
        this.#onBadConfiguration(report.slot)
        return
      case 'violation':
        this.#processes.condemn(report.slot, `it sent ${report.what} on its wire`)
        return
    }
  }

  /** Other programs do not report that they serve, so the head reports it as soon as it accepts. */
  #onPoolStarted(): void {
    this.#head.onStarted()
    if (!isOwnProgram(this.#parts.loaded.spawnd.spawn)) this.#head.onServing()
  }

  /**
   * Another program cannot use its configuration. That ends a master that has never served; afterwards the child dies at
   * start, as others do. Children of ours get their configuration from us.
   */
  #onBadConfiguration(slot: number): void {
    const generation = this.#processes.generationOf(slot) ?? this.#present
    if (generation === undefined || isOwnProgram(generation.loaded.spawnd.spawn)) {
      this.#processes.condemn(slot, 'it reported a wrong configuration, which only other programs do')
      return
    }
    if (this.#hasServed || generation !== this.#present) {
      this.#parts.log.say(WARNING, 'Child reported fatal configuration problem. Going on without it.')
      return
    }
    this.#head.onFatal('Child reported fatal configuration problem. Exiting.', EXIT_CONFIG)
  }

  /** A child of the generation that is in force, or of the one that is prepared. */
  #startChild(slot: number, wireFd: number | undefined, isFresh: boolean): void {
    if (isFresh && this.#next !== undefined) this.#processes.startOther(slot, wireFd, this.#next)
    else if (this.#present !== undefined) this.#processes.start(slot, wireFd, this.#present)
  }

  #onNews(slot: number, news: 'serving' | 'retiring'): void {
    if (this.#trace.isOn) this.#trace.say(`from child ${slot}: ${news}`)
    this.#pool.onNews(slot, news)
    if (news !== 'serving') return
    this.#hasServed = true
    this.#head.onServing()
  }

  /** No child can ever start. A configuration that is only being prepared is given up instead. */
  #onForbidden(generation: Generation | undefined): void {
    if (this.#isEnding || (generation !== undefined && generation !== this.#present)) return
    const problem = 'children are not permitted to switch to the configured user or group. Exiting.'
    this.#head.onFatal(problem, EXIT_NO_PERMISSION)
  }

  #post(command: AcceptorCommand): void {
    this.#traceCommand(command)
    this.#pool.post(command)
  }

  #traceCommand(command: AcceptorCommand): void {
    if (this.#trace.isOn) this.#trace.say(`to the child pool: ${traceText(command)}`)
  }
}

/** The cells of the master's own reactor: it relays nothing. */
const OWN_SHAPE: Shape = { children: 1, remotes: 0, listeners: 0, pools: 0, ringBytes: 256 * 1024 }
