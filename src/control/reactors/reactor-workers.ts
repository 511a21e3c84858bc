/** The reactor of a process that relays without children, as the head commands it. */
import { EXIT_OS } from '../../base/exit-codes.js'
import { POLL_VARIABLE } from '../../base/poll-mechanism.js'
import type { SandboxMode } from '../../engine/plan.js'
import type { Command, GenerationSettings, Report, WireEndSettings } from '../../engine/reactor-settings.js'
import { countOpenDescriptors } from '../../kernel/limits.js'
import type { SandboxCalls } from '../../kernel/sandbox-calls.js'
import { COUNT } from '../../observe/counters.js'
import { ERR, WARNING } from '../../observe/severity.js'
import { moduleDescriptors, pipeOptions, singleSessionsMax, singleShape } from '../../plan/compile/limits.js'
import { HEAD_FAMILIES, headSandbox } from '../../plan/compile/sandbox-plan.js'
import type { Loaded, LoadOptions } from '../../plan/load/load.js'
import type { HostQuestion } from '../../relay/host-answer.js'
import { LogDrain } from '../../services/log-drain.js'
import type { Generation } from '../generations/generation.js'
import { cannotBeUsed, OLD_GENERATIONS_MAX } from '../generations/reload.js'
import type { HeadServices, Workers, WorkersLoad } from '../generations/workers.js'
import { reportRetired } from '../process/retiring.js'
import { enterSandbox, usesLandlock } from '../process/sandbox.js'
import type { StartedHead } from '../process/start-up.js'
import { writablePaths } from '../process/writable-paths.js'
import { type RelayingThread, RelayThread, type RelayThreadParts } from './relay-thread.js'

/** A reactor resets its sessions within one turn. */
const CUT_MAX_MS = 1_000

/** Old ones and one more that is being ended, the present one, the next one. */
const GENERATIONS_MAX = OLD_GENERATIONS_MAX + 3

export interface ReactorWorkersParts extends RelayThreadParts, Pick<StartedHead, 'bound'> {
  readonly loaded: Loaded
  readonly options: LoadOptions
  /** Clients come from a foreign master instead of listeners. */
  readonly wireEnd: WireEndSettings | undefined
  readonly thread: RelayingThread
  readonly sandbox: SandboxCalls
}

/** A generation on the reactor. */
interface Running {
  readonly generation: Generation
  readonly drain: LogDrain
  readonly counters: Float64Array
  /** Limit of the sessions of all generations together. */
  readonly sessionsMax: number
}

/**
 * The one reactor of a single process, or of the child of a foreign master. All generations are on it, each with rows of
 * its own in the cells.
 */
export class ReactorWorkers implements Workers {
  readonly hasChildren = false
  readonly masterCounters = undefined
  readonly cutMaxMs = CUT_MAX_MS
  readonly #parts: ReactorWorkersParts
  readonly #head: HeadServices
  readonly #thread: RelayThread
  /** By the slot of their rows in the cells, in the order of their starts. */
  readonly #running = new Map<number, Running>()
  /** Descriptors that are open without any session, listeners excluded. */
  readonly #ownDescriptors: number
  /** That of the first configuration. */
  readonly #sandboxMode: SandboxMode

  constructor(parts: ReactorWorkersParts, head: HeadServices) {
    this.#parts = parts
    this.#head = head
    // Counted before the thread starts and before any client is accepted.
    this.#sandboxMode = headSandbox(parts.loaded)
    this.#ownDescriptors = countOpenDescriptors() - parts.bound.length
    this.#thread = new RelayThread(parts, parts.thread, (report) => this.#onReport(report))
  }

  shapeOf(configuration: Parameters<Workers['shapeOf']>[0]) {
    return singleShape(configuration, GENERATIONS_MAX)
  }

  /** Listeners wait for name lookups: the first clients are queued by the kernel meanwhile. */
  start(first: Generation): Promise<unknown> {
    const { wireEnd } = this.#parts
    this.#thread.start({
      ...this.#enter(first),
      wireEnd,
      pipes: pipeOptions(),
      restrictsFiles: usesLandlock(this.#parts.sandbox, this.#sandboxMode),
    })
    // Clients of a foreign master wait in the wire until the addresses of the remotes are known.
    if (wireEnd !== undefined) void first.looked.then(() => this.#post({ kind: 'open-wire-end' }))
    return first.looked
  }

  ping(): void {
    this.#post({ kind: 'ping' })
  }

  load(present: Generation): WorkersLoad {
    const running = [...this.#running.values()].find(({ generation }) => generation === present)
    return {
      connections: this.#countSessions(),
      connectionsMax: this.#parts.wireEnd === undefined ? running?.sessionsMax : undefined,
    }
  }

  children(): readonly [] {
    return []
  }

  onListen: Workers['onListen'] = (slot, { fd, socketKind }) =>
    this.#post({ kind: 'listen', slot, fd, socketKind })

  onState: Workers['onState'] = (generation, change) => {
    const childSlot = this.#slotOf(generation)
    if (childSlot !== undefined) this.#post({ kind: 'state', childSlot, change })
  }

  /** Directives that are fixed when the process starts. */
  needRestart(loaded: Loaded): readonly string[] {
    const { mechanism, spawnd } = loaded
    const isSingle = spawnd.singleProcess || this.#parts.options.arguments.isSingleProcess
    return [
      ...(isSingle ? [] : ['single process']),
      ...(mechanism === this.#parts.loaded.mechanism ? [] : [`setenv ${POLL_VARIABLE}`]),
      // Also if the new configuration has a part that cannot work in the sandbox that this process is in.
      ...(headSandbox(loaded) === this.#sandboxMode ? [] : ['sandbox']),
    ]
  }

  async prepare(next: Generation): Promise<string | undefined> {
    const prepared = await this.#thread.ask({ kind: 'prepare', settings: this.#enter(next) }, 'prepared')
    if (prepared?.problem !== undefined) return cannotBeUsed(prepared.problem)
    // Otherwise its first clients would find remotes without addresses.
    await next.looked
    return undefined
  }

  /** The reactor reports `gone` for it, which frees its rows. */
  forget(): void {
    this.#post({ kind: 'forget' })
  }

  async putInForce(...[next, kept]: Parameters<Workers['putInForce']>): Promise<void> {
    for (const [childSlot, { generation }] of this.#running)
      if (generation !== next) this.#thread.mavis.retire(childSlot)
    await this.#thread.ask({ kind: 'reload', kept }, 'reloaded')
  }

  running(): readonly Generation[] {
    return [...this.#running.values()].map(({ generation }) => generation)
  }

  /** The reactor reports `gone` when its sessions have ended. */
  end(generation: Generation): void {
    const childSlot = this.#slotOf(generation)
    if (childSlot === undefined) return
    const count = this.#running.get(childSlot)?.counters[COUNT.sessionsNow] ?? 0
    this.#parts.log.say(WARNING, `ending ${count} sessions of an old configuration`)
    this.#post({ kind: 'cut', childSlot })
  }

  drain(): number {
    this.#thread.drain()
    return this.#countSessions()
  }

  cut(): void {
    this.#post({ kind: 'cut' })
  }

  shutDown(done: () => void): void {
    const closeDrains = () => {
      for (const { drain } of this.#running.values()) drain.close()
    }
    this.#thread.shutDown(closeDrains, done)
  }

  /** Finds a slot for a generation. Returns its settings for the reactor. */
  #enter(generation: Generation): GenerationSettings {
    const { limits, live, memory, plan, sticky } = generation
    const sessionsMax = singleSessionsMax(plan, this.#idleDescriptors(generation))
    // Throws below if all slots are taken: the reload fails, and the configuration in force stays.
    const slots = Array.from({ length: GENERATIONS_MAX }, (_, slot) => slot)
    const childSlot = slots.find((slot) => !this.#running.has(slot))
    if (childSlot === undefined) throw new Error('too many configurations still have sessions')
    const cells = memory.cells.child(childSlot)
    const files = {
      access: this.#head.writeAccess,
      key: (line: string) => generation.writeKey(line),
      remote: this.#head.hearRemote,
    }
    const drain = new LogDrain(cells, this.#parts.log.say, files, this.#parts.boundary)
    // The rows, the drain and the MAVIS modules must exist before the reactor gets the generation.
    generation.enter(childSlot)
    this.#thread.mavis.open(childSlot, plan.mavis)
    this.#running.set(childSlot, { generation, drain, counters: cells.counters, sessionsMax })
    return {
      plan,
      live,
      cells: { fds: memory.fdsOf(childSlot), shape: memory.shape },
      sticky: sticky.shares,
      limits: { shares: limits.shares, heldFd: undefined },
      childSlot,
      sessionsMax,
      wakeupFd: undefined,
      traceMask: this.#parts.traceMask,
    }
  }

  /** Excludes sessions: those that wait for an answer or a remote have only one of their two descriptors. */
  #idleDescriptors({ limits, loaded, sticky }: Generation): number {
    const helpers = [...this.#running.values()].map(({ generation }) =>
      moduleDescriptors(generation.plan.mavis),
    )
    return helpers.reduce(
      (sum, count) => sum + count,
      this.#ownDescriptors + loaded.spawnd.listeners.length + sticky.count + limits.count,
    )
  }

  #slotOf(generation: Generation): number | undefined {
    return [...this.#running].find(([, running]) => running.generation === generation)?.[0]
  }

  /** Logs the last lines of a generation and frees its rows. */
  #onGone(childSlot: number): void {
    const running = this.#running.get(childSlot)
    this.#running.delete(childSlot)
    running?.drain.close()
    running?.generation.leave(childSlot)
    void this.#thread.mavis.close(childSlot)
  }

  #findHost({ childSlot, token, ...wanted }: HostQuestion): void {
    const generation = this.#running.get(childSlot)?.generation
    const answer = generation && this.#head.findHost(generation, wanted)
    void answer?.then((found) => this.#post({ kind: 'hosts', replies: [[token, found]] }))
  }

  #countSessions(): number {
    const counts = [...this.#running.values()].map(({ counters }) => counters[COUNT.sessionsNow] as number)
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** The listeners are bound, and both threads have loaded what they need. False: the process ends. */
  #enterSandbox(): boolean {
    const { loaded, log, options, sandbox, shutdown } = this.#parts
    const needs = {
      mode: this.#sandboxMode,
      families: HEAD_FAMILIES,
      writable: writablePaths(loaded, options),
    }
    const problem = enterSandbox(sandbox, needs)
    if (problem === undefined) return true
    log.say(ERR, problem)
    shutdown.exit(EXIT_OS)
    return false
  }

  #post(command: Command): void {
    this.#thread.post(command)
  }

  #onReport(report: Report): void {
    switch (report.kind) {
      case 'pong':
        this.#head.onAlive()
        return
      // The report does not name the generation.
      case 'log':
        for (const { drain } of this.#running.values()) drain.drain()
        return
      case 'lookups':
        for (const question of report.asked) this.#findHost(question)
        return
      case 'serving':
        if (!this.#enterSandbox()) return
        this.#head.onStarted()
        this.#head.onServing()
        return
      case 'gone':
        this.#onGone(report.childSlot)
        return
      case 'retired':
        // The reactor has reached its limit of clients (`retire`).
        reportRetired(this.#parts.log.say, this.#parts.wireEnd !== undefined)
        this.#thread.drain()
        this.#head.onRetired()
        return
      // The reactor drains by itself.
      case 'may-die':
        this.#thread.mavis.retireAll()
        this.#head.onRetired()
        return
      case 'idle':
        this.#head.onIdle()
        return
    }
  }
}
