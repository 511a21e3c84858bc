/** A head without threads, children, or a process to end: what it commands and logs is in the test's hands. */
import { EventEmitter } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Generation } from '../../src/control/generations/generation.js'
import type { HeadServices, Workers } from '../../src/control/generations/workers.js'
import { Head, type HeadParts } from '../../src/control/head.js'
import { bindAll } from '../../src/control/process/listeners.js'
import { Shutdown, type ShutdownStep } from '../../src/control/process/shutdown.js'
import { linuxCalls } from '../../src/kernel/linux-calls.js'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import { Log } from '../../src/observe/log.js'
import { singleShape } from '../../src/plan/compile/limits.js'
import { type LoadOptions, loadFrom } from '../../src/plan/load/load.js'
import { ServiceManager } from '../../src/services/service-manager.js'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { STRICT } from './boundaries.js'

/** The service manager's watchdog interval in these tests. */
export const WATCHDOG_MS = 10_000

const GRACE_PERIOD_MS = 60_000

/** A right configuration; `lines` are more of section tcprelay. */
export function configurationText(lines = ''): string {
  return `
    id = spawnd { listen = { address = 127.0.0.1 port = 0 } single process = yes }
    id = tcprelay { remote = { address = 127.0.0.1 port = 1 } ${lines} }`
}

export class FakeShutdown extends Shutdown {
  readonly codes: number[] = []
  readonly steps: ShutdownStep[] = []

  override add(step: ShutdownStep): void {
    this.steps.unshift(step)
  }

  override exit(code: number): void {
    this.codes.push(code)
  }
}

class FakeManager extends ServiceManager {
  readonly #noted: string[]

  constructor(noted: string[]) {
    super(linuxCalls(), { WATCHDOG_USEC: String(WATCHDOG_MS * 1_000) }, process.pid, () => {})
    this.#noted = noted
  }

  override ready(): void {
    this.#noted.push('manager ready')
  }

  override reloading(): void {
    this.#noted.push('manager reloading')
  }

  override stopping(): void {
    this.#noted.push('manager stopping')
  }

  override alive(): void {
    this.#noted.push('manager alive')
  }
}

/** Workers that do what the test says. */
export class FakeWorkers implements Workers {
  readonly hasChildren = false
  readonly masterCounters: Float64Array | undefined
  readonly cutMaxMs = 1_000
  readonly head: HeadServices
  readonly prepared: Generation[] = []
  generations: Generation[] = []
  sessions = 0
  /** Whether `shutDown` gets its answer. */
  hangs = false
  prepare: Workers['prepare'] = async (next) => {
    this.prepared.push(next)
    return undefined
  }
  readonly #noted: string[]

  constructor(head: HeadServices, noted: string[], masterCounters: Float64Array | undefined) {
    this.head = head
    this.masterCounters = masterCounters
    this.#noted = noted
  }

  shapeOf: Workers['shapeOf'] = (configuration) => singleShape(configuration, 2)

  start(first: Generation): Promise<unknown> {
    this.generations = [first]
    return Promise.resolve()
  }

  ping(): void {
    this.#noted.push('ping')
  }

  load(): ReturnType<Workers['load']> {
    return { connections: this.sessions, connectionsMax: 100 }
  }

  children(): readonly [] {
    return []
  }

  onListen: Workers['onListen'] = (slot, { fd }) => {
    this.#noted.push(`listen ${slot}`)
    linuxCalls().close(fd)
  }

  onState(): void {}

  needRestart(): readonly string[] {
    return []
  }

  forget(): void {
    this.#noted.push('forget')
  }

  putInForce: Workers['putInForce'] = async (next, kept) => {
    this.#noted.push(`in force, kept ${[...kept].join(' ')}`)
    this.generations = [...this.generations, next]
  }

  running(): readonly Generation[] {
    return this.generations
  }

  end(generation: Generation): void {
    this.#noted.push('end a generation')
    this.generations = this.generations.filter((other) => other !== generation)
  }

  drain(): number {
    this.#noted.push('drain')
    return this.sessions
  }

  cut(): void {
    this.#noted.push('cut')
  }

  shutDown(done: () => void): void {
    this.#noted.push('shut down')
    if (!this.hangs) done()
  }
}

export interface HeadWorldOptions {
  readonly hasForeignMaster?: boolean
  /** Counters of the reactor of a master. */
  readonly masterCounters?: Float64Array
}

/** Time stands still in it but for `pass`. */
export class HeadWorld {
  readonly signals = new EventEmitter()
  readonly shutdown = new FakeShutdown()
  readonly lines: string[] = []
  /** What was done, in order. */
  readonly noted: string[] = []
  readonly head: Head
  readonly workers: FakeWorkers
  readonly #file: string
  readonly #t: TestContext

  private constructor(
    t: TestContext,
    file: string,
    parts: Omit<HeadParts, 'openWorkers' | 'signals' | 'shutdown' | 'log' | 'manager' | 'releasePidfile'>,
    masterCounters: Float64Array | undefined,
  ) {
    this.#t = t
    this.#file = file
    let workers: FakeWorkers | undefined
    this.head = new Head({
      ...parts,
      signals: this.signals,
      shutdown: this.shutdown,
      log: logInto(this.lines),
      manager: new FakeManager(this.noted),
      releasePidfile: () => void this.noted.push('release pidfile'),
      openWorkers: (head) => {
        workers = new FakeWorkers(head, this.noted, masterCounters)
        return workers
      },
    })
    if (workers === undefined) throw new Error('the head has opened no workers')
    this.workers = workers
  }

  static async start(
    t: TestContext,
    { hasForeignMaster = false, masterCounters }: HeadWorldOptions = {},
  ): Promise<HeadWorld> {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const file = join(temporaryFolder(t), 'test.cfg')
    writeFileSync(file, configurationText())
    const options = optionsFor(file)
    const loaded = await loadFrom(options)
    const system = linuxSystem()
    const world = new HeadWorld(
      t,
      file,
      {
        program: 'tcprelay',
        configurationFile: file,
        system,
        boundary: STRICT,
        traceMask: 0,
        bound: await bindAll(system.calls, loaded.spawnd, () => {}),
        gracePeriodMs: GRACE_PERIOD_MS,
        releaseSignals: () => false,
        loaded,
        options,
        hasForeignMaster,
        events: {},
      },
      masterCounters,
    )
    world.head.start()
    afterwards(t, () => world.shutdown.steps[0]?.end(() => {}))
    await settled()
    return world
  }

  serving(): void {
    this.workers.head.onStarted()
    this.workers.head.onServing()
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    this.signals.emit(signal)
    await settled()
  }

  /** Another configuration, and SIGHUP. */
  async reload(text: string): Promise<void> {
    writeFileSync(this.#file, text)
    await this.signal('SIGHUP')
  }

  /** Done since the last call. */
  since(): string[] {
    return this.noted.splice(0)
  }

  logged(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length
  }

  pass(ms: number): void {
    this.#t.mock.timers.tick(ms)
  }
}

export function logInto(lines: string[]): Log {
  const options = { ident: 'test', pid: 1, facility: 0, severity: 6 }
  const echo = (line: string) => void lines.push(line)
  return new Log(options, { syslog: undefined, echo, trace: undefined })
}

export function optionsFor(file: string): LoadOptions {
  return {
    program: 'tcprelay',
    programPath: 'tcprelay.js',
    arguments: {
      configuration: file,
      id: undefined,
      isCheckOnly: false,
      debugMask: 0,
      isDebugOnStderr: false,
      childId: undefined,
      masterId: undefined,
      pidfile: undefined,
      background: false,
      isSingleProcess: false,
      gracePeriodS: undefined,
    },
  }
}

/** Lets everything happen that needs no time: promises and what they start. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise(setImmediate)
}
