/** The control thread of a single process: one reactor, generations, reload and end. */
import { EXIT_OK, EXIT_SOFTWARE } from '../base/exit-codes.js'
import { POLL_VARIABLE } from '../base/poll-mechanism.js'
import type {
  Command,
  GenerationSettings,
  ReactorSettings,
  Report,
  WireEndSettings,
} from '../engine/reactor-settings.js'
import { countOpenDescriptors } from '../kernel/limits.js'
import { COUNT } from '../observe/counters.js'
import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { ERR, INFO, WARNING } from '../observe/severity.js'
import { TraceChannel } from '../observe/trace.js'
import { moduleDescriptors, pipeOptions, singleSessionsMax, singleShape } from '../plan/limits.js'
import type { Loaded, LoadOptions } from '../plan/load.js'
import { LogDrain } from '../services/log-drain.js'
import { Alarms } from './alarms.js'
import { tellServing } from './background.js'
import type { Generation } from './generation.js'
import { MavisService } from './mavis-service.js'
import { keepTitle, type Load } from './process-title.js'
import { ReactorThread } from './reactor-thread.js'
import { cannotBeUsed, type GenerationKeeper, OLD_GENERATIONS_MAX, Reloader } from './reload.js'
import type { StartedHead } from './start-up.js'
import { traceText } from './trace-text.js'

/** A reactor that was told to cut its sessions is done within a turn. */
const CUT_MAX_MS = 1_000

/** Old ones, one of which is being ended, the present one and the next one. */
const GENERATIONS_MAX = OLD_GENERATIONS_MAX + 3

export interface SingleEvents {
  /** Clients are accepted on these addresses. */
  onServing?(listeners: readonly string[]): void
  /** The last session has ended and the process is about to. */
  onLeaving?(): void
}

export interface SingleParts extends StartedHead {
  readonly loaded: Loaded
  /** How the configuration is read, now and when it is read again. */
  readonly options: LoadOptions
  readonly events: SingleEvents
  /** Clients come from a foreign master instead of listeners. */
  readonly wireEnd: WireEndSettings | undefined
}

/** A generation on the reactor. */
interface Running {
  readonly generation: Generation
  readonly drain: LogDrain
  readonly counters: Float64Array
  /** Sessions of all generations that it takes clients up to. */
  readonly sessionsMax: number
}

/**
 * The control thread of a process that relays and has no master of ours: a single process, or the child of a
 * foreign master. Its reactor, its services, its signals.
 */
export class Single {
  readonly #parts: SingleParts
  readonly #thread: ReactorThread<ReactorSettings, Command, Report>
  readonly #reloader: Reloader
  readonly #alarms = new Alarms()
  readonly #trace: TraceChannel
  readonly #mavis: MavisService
  /** By the slot of their rows in the cells, in the order of their starts. */
  readonly #running = new Map<number, Running>()
  /** Open before there was a session, listeners left out. */
  readonly #ownDescriptors: number
  #isEnding = false
  #hasRetired = false
  #isRetiring = false
  #onPrepared: (problem: string | undefined) => void = () => {}
  #onReloaded: () => void = () => {}

  constructor(parts: SingleParts) {
    this.#parts = parts
    this.#ownDescriptors = countOpenDescriptors() - parts.bound.length
    const { log, traceMask, shutdown } = parts
    this.#trace = new TraceChannel('PROC', traceMask, log.say)
    this.#mavis = new MavisService(parts, (answers) => this.#post({ kind: 'answers', answers }))
    this.#reloader = new Reloader({ ...parts, alarms: this.#alarms }, this.#keeper())
    const settings = {
      ...this.#enter(this.#reloader.present),
      wireEnd: parts.wireEnd,
      pipes: pipeOptions(),
    }
    this.#thread = new ReactorThread(new URL('../engine/reactor-entry.js', import.meta.url), settings, {
      onReport: (report) => this.#onReport(report),
      onFailure: (error) => this.#onReactorFailure(error),
    })
    shutdown.add({ end: (done) => this.#shutDown(done) })
  }

  start(): void {
    // The first clients wait in the kernel for the addresses of their remotes.
    const { looked } = this.#reloader.present
    void this.#reloader.start(looked)
    if (this.#parts.wireEnd !== undefined) void looked.then(() => this.#post({ kind: 'open-wire-end' }))
    keepTitle(this.#parts, () => this.#load())
    process.on('SIGUSR1', () => this.#reloader.access.reopen())
    if (this.#parts.wireEnd === undefined) this.#handleHeadSignals()
    else for (const signal of ['SIGHUP', 'SIGTERM'] as const) process.on(signal, () => this.#retire(signal))
  }

  #load(): Load {
    const { present } = this.#reloader
    const running = [...this.#running.values()].find(({ generation }) => generation === present)
    return {
      connections: this.#countSessions(),
      connectionsMax: this.#parts.wireEnd === undefined ? running?.sessionsMax : undefined,
      overload: present.loaded.spawnd.overload,
      isDying: this.#isEnding || this.#hasRetired || this.#isRetiring,
    }
  }

  #handleHeadSignals(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#end(signal))
    process.on('SIGHUP', () => void this.#reloader.change('reload'))
  }

  /** Its generations are all on one reactor, each with rows of its own in the cells. */
  #keeper(): GenerationKeeper {
    return {
      hasChildren: false,
      shapeOf: (configuration) => singleShape(configuration, GENERATIONS_MAX),
      onListen: (slot, { fd, socketKind }) => this.#post({ kind: 'listen', slot, fd, socketKind }),
      onState: (generation, change) => {
        const childSlot = this.#slotOf(generation)
        if (childSlot !== undefined) this.#post({ kind: 'state', childSlot, change })
      },
      needRestart: ({ mechanism, spawnd }) => {
        const isSingle = spawnd.singleProcess || this.#parts.options.arguments.isSingleProcess
        return [
          ...(isSingle ? [] : ['single process']),
          ...(mechanism === this.#parts.loaded.mechanism ? [] : [`setenv ${POLL_VARIABLE}`]),
        ]
      },
      prepare: (next) => this.#prepare(next),
      forget: () => this.#post({ kind: 'forget' }),
      putInForce: (next, kept) => {
        for (const [childSlot, { generation }] of this.#running)
          if (generation !== next) this.#mavis.retire(childSlot)
        this.#post({ kind: 'reload', kept })
        return new Promise((resolve) => {
          this.#onReloaded = resolve
        })
      },
      running: () => [...this.#running.values()].map(({ generation }) => generation),
      end: (generation) => this.#endGeneration(generation),
    }
  }

  /** Makes room for a generation, and says what the reactor has to know of it. */
  #enter(generation: Generation): GenerationSettings {
    const { live, loaded, memory, plan } = generation
    const sessionsMax = singleSessionsMax(plan, this.#idleDescriptors(loaded))
    const slots = Array.from({ length: GENERATIONS_MAX }, (_, slot) => slot)
    const childSlot = slots.find((slot) => !this.#running.has(slot))
    if (childSlot === undefined) throw new Error('too many configurations still have sessions')
    const cells = memory.cells.child(childSlot)
    const files = {
      access: (line: string) => this.#reloader.access.write(line),
      key: (line: string) => generation.writeKey(line),
      remote: (evidence: RemoteEvidence) => this.#reloader.verdicts.record(evidence),
    }
    const drain = new LogDrain(cells, this.#parts.log.say, files, this.#parts.boundary)
    generation.enter(childSlot)
    this.#mavis.open(childSlot, plan.mavis)
    this.#running.set(childSlot, { generation, drain, counters: cells.counters, sessionsMax })
    return {
      plan,
      live,
      cells: { fds: memory.fdsOf(childSlot), shape: memory.shape },
      childSlot,
      sessionsMax,
      wakeupFd: undefined,
      traceMask: this.#parts.traceMask,
    }
  }

  /** Sessions are not counted: those that wait for an answer, or for their remote, have only one of their two. */
  #idleDescriptors({ spawnd }: Loaded): number {
    const helpers = [...this.#running.values()].map(({ generation }) =>
      moduleDescriptors(generation.plan.mavis),
    )
    return helpers.reduce((sum, count) => sum + count, this.#ownDescriptors + spawnd.listeners.length)
  }

  #slotOf(generation: Generation): number | undefined {
    return [...this.#running].find(([, running]) => running.generation === generation)?.[0]
  }

  async #prepare(next: Generation): Promise<string | undefined> {
    const prepared = new Promise<string | undefined>((resolve) => {
      this.#onPrepared = resolve
    })
    this.#post({ kind: 'prepare', settings: this.#enter(next) })
    const problem = await prepared
    if (problem !== undefined) return cannotBeUsed(problem)
    await next.looked
    return undefined
  }

  /** Resets what a generation still has; the reactor tells when it is gone. */
  #endGeneration(generation: Generation): void {
    const childSlot = this.#slotOf(generation)
    if (childSlot === undefined) return
    const count = this.#running.get(childSlot)?.counters[COUNT.sessionsNow] ?? 0
    this.#parts.log.say(WARNING, `ending ${count} sessions of an old configuration`)
    this.#post({ kind: 'cut', childSlot })
  }

  /** What it still had to say is carried on, and its rows are free for another one. */
  #onGone(childSlot: number): void {
    const running = this.#running.get(childSlot)
    this.#running.delete(childSlot)
    running?.drain.close()
    running?.generation.leave(childSlot)
    void this.#mavis.close(childSlot)
  }

  #countSessions(): number {
    const counts = [...this.#running.values()].map(({ counters }) => counters[COUNT.sessionsNow] as number)
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** Serves what there is, and ends when idle. */
  #retire(signal: NodeJS.Signals): void {
    this.#isRetiring = true
    this.#mavis.retireAll()
    this.#parts.log.say(INFO, `${signal}: No longer accepting new connections.`)
    this.#post({ kind: 'drain' })
  }

  #post(command: Command): void {
    if (this.#trace.isOn) this.#trace.say(`to the reactor: ${traceText(command)}`)
    this.#thread.post(command)
  }

  #onReport(report: Report): void {
    if (this.#trace.isOn) this.#trace.say(`from the reactor: ${JSON.stringify(report)}`)
    switch (report.kind) {
      case 'pong':
        this.#parts.manager.alive()
        return
      case 'log':
        for (const { drain } of this.#running.values()) drain.drain()
        return
      case 'serving':
        this.#reloader.tellServing()
        tellServing()
        this.#parts.manager.ready()
        this.#alarms.every(this.#parts.manager.watchdogMs, () => this.#post({ kind: 'ping' }))
        this.#parts.events.onServing?.(this.#reloader.present.listeners.boundNames)
        return
      case 'questions':
        this.#mavis.receive(report)
        return
      case 'prepared':
        this.#onPrepared(report.problem)
        return
      case 'reloaded':
        this.#onReloaded()
        return
      case 'gone':
        this.#onGone(report.childSlot)
        return
      case 'retired':
        this.#parts.log.say(
          INFO,
          `Retire limit reached.${this.#parts.wireEnd ? ' Told parent about this.' : ''}`,
        )
        this.#hasRetired = true
        this.#mavis.retireAll()
        this.#reloader.end()
        this.#post({ kind: 'drain' })
        return
      case 'may-die':
        this.#hasRetired = true
        this.#mavis.retireAll()
        return
      case 'idle':
        if (this.#hasRetired && !this.#isEnding) this.#parts.log.say(INFO, 'Terminating, no longer needed.')
        this.#parts.shutdown.exit(EXIT_OK)
        return
    }
  }

  #onReactorFailure(error: Error): void {
    this.#parts.log.say(ERR, `reactor: ${error.stack ?? error.message}`)
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
    this.#stopListening()
    const sessions = this.#countSessions()
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
    this.#mavis.retireAll()
    this.#reloader.end()
    this.#parts.releasePidfile()
  }

  /** Resets what is left. A reactor that does not answer is left behind. */
  #cut(): void {
    this.#post({ kind: 'cut' })
    this.#alarms.after(CUT_MAX_MS, () => this.#parts.shutdown.exit(EXIT_OK))
  }

  #shutDown(done: () => void): void {
    this.#isEnding = true
    this.#alarms.clear()
    this.#reloader.close()
    this.#parts.events.onLeaving?.()
    // Whatever ends the process, no peer may take it for the end of a transfer.
    this.#post({ kind: 'cut' })
    const helpersEnded = this.#mavis.closeAll()
    this.#thread.end({ kind: 'stop' }, () => {
      for (const { drain } of this.#running.values()) drain.close()
      void helpersEnded.then(() => this.#reloader.access.close(done))
    })
  }
}
