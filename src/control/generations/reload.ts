/** Reload: reads the configuration again, prepares its generation and puts it in force. */
import type { KeptListeners } from '../../accept/kept-listeners.js'
import { problemLine } from '../../config/problems.js'
import { ERR, INFO, WARNING } from '../../observe/severity.js'
import { hasErrors, singleProcessProblems, startProblems } from '../../plan/check/check.js'
import { limitProblems } from '../../plan/check/limit-problems.js'
import { routeTestProblems } from '../../plan/check/route-tests.js'
import { type Loaded, type LoadOptions, loadFrom } from '../../plan/load/load.js'
import { CounterKeeper } from '../../services/counter-keeper.js'
import { FileWatch } from '../../services/file-watch.js'
import { TICKET_KEY_PERIOD_MS } from '../../services/ticket-keys.js'
import { WorkingDirectory } from '../../services/working-directory.js'
import { AccessLogInForce } from '../process/access-log.js'
import type { Alarms } from '../process/alarms.js'
import { type BoundListener, closeListeners } from '../process/listeners.js'
import type { StartedHead } from '../process/start-up.js'
import { CommonServices } from './common-services.js'
import { Generation } from './generation.js'
import { ReloadRecord } from './reload-record.js'
import { servingLine } from './serving-line.js'
import { watchTlsFiles } from './tls-tickets.js'
import type { Workers } from './workers.js'

/** Limit of old generations that still have sessions; one more ends the oldest. */
export const OLD_GENERATIONS_MAX = 8

/** Why the configuration is reloaded, for the log. */
const RELOAD_REASONS = {
  reload: 'SIGHUP',
  request: 'request of an administrator',
  files: 'a file of TLS has changed',
} as const

/** `renew`: a new generation of the same configuration. */
type Wish = keyof typeof RELOAD_REASONS | 'renew'

export interface ReloadParts extends StartedHead {
  readonly loaded: Loaded
  /** How the configuration is read, at a reload too. */
  readonly options: LoadOptions
  /** Cleared at the shutdown. */
  readonly alarms: Alarms
  /** A classic master accepts for this process. */
  readonly hasForeignMaster: boolean
  /** Another generation is in force. */
  onInForce(): void
}

/** Owns the generation in force and replaces it at a reload: the same with children and in a single process. */
export class Reloader {
  readonly access: AccessLogInForce
  readonly counters = new CounterKeeper()
  readonly services: CommonServices
  readonly record: ReloadRecord
  readonly #parts: ReloadParts
  readonly #workers: Workers
  /** The generation in force. */
  #present: Generation
  /** The generation that is being prepared, with the listeners that it keeps. */
  #next: { readonly generation: Generation; readonly kept: KeptListeners } | undefined
  /** Watches the files of the configuration in force. */
  readonly #tlsFiles: FileWatch
  readonly #workingDirectory: WorkingDirectory
  /** Generations so far, those that were given up included. */
  #serial = 0
  /** A change is in progress, or the start: others wait in `#wishes`. */
  #isChanging = false
  /** Settles when no change is left. */
  #granted: Promise<void> = Promise.resolve()
  #isEnding = false
  /** Changes that are wanted and have not begun. */
  readonly #wishes = new Set<Wish>()

  constructor(parts: ReloadParts, workers: Workers) {
    this.#parts = parts
    this.#workers = workers
    this.#workingDirectory = new WorkingDirectory(parts.log.say)
    this.record = new ReloadRecord(() => parts.system.clock.wallMs())
    this.access = new AccessLogInForce(parts.loaded.tcprelay, parts.log)
    this.#tlsFiles = new FileWatch(() => void this.change('files'), parts.boundary)
    let isFirst = true
    const all = () => (isFirst ? [] : this.#generations())
    const generations = { all, present: () => this.#present }
    this.services = new CommonServices(parts, generations, parts.loaded, this.#stateFileOf(parts.loaded))
    this.#present = this.#makeGeneration(parts.loaded, parts.bound, undefined)
    isFirst = false
    this.#present.applyLimits()
    this.services.health.begin(this.#present)
  }

  get present(): Generation {
    return this.#present
  }

  get next(): Generation | undefined {
    return this.#next?.generation
  }

  /** Hands listeners on when `ready` has settled. Changes that are wanted meanwhile follow. */
  start(ready: Promise<unknown> | undefined): Promise<void> {
    this.#granted = this.#start(ready)
    return this.#granted
  }

  /** One change at a time. Equal wishes during a change are one: it is done once afterwards. Settles after it. */
  async change(wish: Wish): Promise<void> {
    this.#wishes.add(wish)
    if (!this.#isChanging) this.#granted = this.#grantWishes()
    await this.#granted
  }

  async #start(ready: Promise<unknown> | undefined): Promise<void> {
    this.#isChanging = true
    if (ready !== undefined) await ready
    this.#present.listeners.start()
    watchTlsFiles(this.#tlsFiles, this.#present.loaded)
    this.services.start(this.#present)
    this.#rotateTicketKeys()
    await this.#grantWishes()
  }

  /** The process takes no more clients and reloads no more. */
  end(): void {
    this.#isEnding = true
    this.#tlsFiles.close()
    this.services.end()
    this.#present.listeners.close()
  }

  /** The process exits. */
  close(): void {
    this.end()
    this.services.close()
    this.#next?.generation.listeners.discard(this.#next.kept)
  }

  /** For the generation in force alone: sessions of old ones have finished their handshakes. */
  #rotateTicketKeys(): void {
    this.#parts.alarms.after(TICKET_KEY_PERIOD_MS, () => {
      const { tickets } = this.#present
      tickets?.rotate()
      for (const generation of this.#generations()) {
        if (tickets !== undefined && generation.tickets === tickets)
          generation.applyState({ what: 'ticket-keys', keys: tickets.keys })
      }
      this.#rotateTicketKeys()
    })
  }

  async #grantWishes(): Promise<void> {
    this.#isChanging = true
    // Iterates over wishes that are added meanwhile, too.
    for (const wish of this.#wishes) {
      this.#wishes.delete(wish)
      if (this.#isEnding) break
      await (wish === 'renew' ? this.#replace(this.#present.loaded) : this.#reload(wish))
    }
    this.#isChanging = false
  }

  /** Reads the configuration again. Errors in it change nothing. */
  async #reload(wish: keyof typeof RELOAD_REASONS): Promise<void> {
    const { log, manager, system } = this.#parts
    log.say(INFO, `${RELOAD_REASONS[wish]}: reloading`)
    manager.reloading(system.clock.monotonicMs())
    // Relative paths of the configuration and of its TLS files start there.
    this.#workingDirectory.ensureExists()
    const loaded = await this.#read().catch((error) =>
      this.#parts.boundary.failed('the new configuration', error, () => {
        log.say(ERR, 'the new configuration cannot be read: the old one goes on')
        this.record.noteFailure(['the new configuration cannot be read'])
      }),
    )
    if (this.#isEnding) return
    if (loaded !== undefined) await this.#replace(loaded)
    // Also after a failure: systemd expects READY=1 after each RELOADING=1 (sd_notify(3)).
    manager.ready()
  }

  /** Undefined when there are errors in it, which are logged. */
  async #read(): Promise<Loaded | undefined> {
    const { log, options } = this.#parts
    const loaded = await loadFrom(options)
    if (this.#isEnding) return undefined
    const { hasChildren } = this.#workers
    const limits = hasChildren ? limitProblems(loaded) : singleProcessProblems(loaded, options.arguments)
    const tests = hasErrors(loaded.problems) ? [] : routeTestProblems(loaded)
    const problems = [...loaded.problems, ...startProblems(loaded, hasChildren), ...limits, ...tests]
    for (const problem of problems) log.say(hasErrors([problem]) ? ERR : WARNING, problemLine(problem))
    if (!hasErrors(problems)) return loaded
    log.say(ERR, 'the new configuration is wrong: the old one goes on')
    this.record.noteFailure(problems.filter((problem) => hasErrors([problem])).map(problemLine))
    return undefined
  }

  /** Prepares the next generation completely before it takes clients and listeners over. */
  async #replace(loaded: Loaded): Promise<void> {
    const { log } = this.#parts
    for (const directive of this.#workers.needRestart(loaded))
      log.say(WARNING, `a change of \`${directive}\` needs a restart: it stays as it was`)
    const { bound, kept } = await this.#present.listeners.bindNext(loaded.spawnd.listeners)
    const next = this.#open(loaded, bound, kept)
    if (next === undefined) return
    // While it is set, `close` can discard its listeners if the process exits.
    this.#next = { generation: next, kept }
    const problem = this.#isEnding ? undefined : await this.#prepare(next)
    this.#next = undefined
    if (problem === undefined && !this.#isEnding) {
      await this.#putInForce(next, kept)
      return
    }
    // The workers first: its children may still use its listeners and its memory.
    this.#workers.forget(next)
    next.listeners.discard(kept)
    next.closeFront()
    next.retire()
    // Its limits may have been others, in the same cells, and its pools others.
    this.#present.applyVerdict()
    this.services.followSources(this.#present)
    if (problem !== undefined && !this.#isEnding) this.#tellGivenUp(problem)
  }

  /** The reason why the workers cannot take it; undefined: they can. */
  #prepare(next: Generation): Promise<string | undefined> {
    return this.#workers
      .prepare(next)
      .catch((error) => cannotBeUsed(error instanceof Error ? error.message : String(error)))
  }

  /** Undefined when descriptors or memory are short, which is logged. */
  #open(
    loaded: Loaded,
    bound: readonly (BoundListener | undefined)[],
    kept: KeptListeners,
  ): Generation | undefined {
    try {
      return this.#makeGeneration(loaded, bound, this.#present)
    } catch (error) {
      closeListeners(this.#parts.system.calls, bound, new Set(kept.values()))
      this.#tellGivenUp(cannotBeUsed(error instanceof Error ? error.message : String(error)))
      return undefined
    }
  }

  #tellGivenUp(problem: string): void {
    this.record.noteFailure([problem])
    this.#parts.log.say(ERR, `${problem}: the old one goes on`)
  }

  #makeGeneration(
    loaded: Loaded,
    bound: readonly (BoundListener | undefined)[],
    present: Generation | undefined,
  ): Generation {
    const { log, system } = this.#parts
    const generation: Generation = new Generation(loaded, bound, present, {
      serial: ++this.#serial,
      calls: system.calls,
      say: log.say,
      ...this.services.forGeneration(loaded),
      hasFront: this.#workers.hasChildren,
      counters: this.counters,
      shapeOf: (configuration) => this.#workers.shapeOf(configuration),
      mechanism: this.#parts.loaded.mechanism,
      onListen: (slot, listener) => this.#workers.onListen(slot, listener),
      onState: (change) => this.#workers.onState(generation, change),
    })
    return generation
  }

  async #putInForce(next: Generation, kept: KeptListeners): Promise<void> {
    const old = this.#present
    const { spawnd, tcprelay } = next.loaded
    // From here on what workers report concerns the next one.
    this.#present = next
    this.services.follow(next, this.#stateFileOf(next.loaded))
    watchTlsFiles(this.#tlsFiles, next.loaded)
    // Before the switch: the reactor has slots for a limited number of generations.
    this.#endOldest()
    next.applyLimits()
    // Not awaited here: listeners are handed on as commands behind `reload`, so no time passes between them.
    const isInForce = this.#workers.putInForce(next, kept)
    next.listeners.start(kept)
    old.listeners.close(kept)
    // The reactor closes abandoned listeners within a turn; until then a new one may get EADDRINUSE.
    next.listeners.bindSoon()
    old.retire()
    this.access.replace(tcprelay)
    const timeoutMs = spawnd.oldGenerationTimeoutMs
    if (timeoutMs > 0) this.#parts.alarms.after(timeoutMs, () => this.#workers.end(old))
    await isInForce
    // Only now: until `reloaded` the master's reactor counts in it.
    old.closeFront()
    this.record.noteSuccess()
    this.#parts.onInForce()
    this.#parts.log.say(INFO, `the new configuration is in force: ${this.#summary()}`)
  }

  /** Those that run, the present one and the one that is being prepared. */
  #generations(): ReadonlySet<Generation> {
    const next = this.#next === undefined ? [] : [this.#next.generation]
    return new Set([this.#present, ...this.#workers.running(), ...next])
  }

  /** Logs that clients are served from now on. */
  tellServing(): void {
    this.#parts.log.say(INFO, `serving ${this.#summary()}`)
  }

  /** Children of a foreign master would all write to the same one. */
  #stateFileOf({ tcprelay }: Loaded): string | undefined {
    return this.#parts.hasForeignMaster ? undefined : tcprelay.stateFile
  }

  #summary(): string {
    return servingLine(this.#parts.configurationFile, this.#present, this.#workers.hasChildren)
  }

  /** Sessions may keep an old generation for days, so the number of generations is limited. */
  #endOldest(): void {
    const old = this.#workers.running().filter((generation) => generation !== this.#present)
    const surplus = Math.max(0, old.length - OLD_GENERATIONS_MAX)
    for (const generation of old.slice(0, surplus)) this.#workers.end(generation)
  }
}

/** For a configuration without errors for which this machine lacks something. */
export function cannotBeUsed(why: string): string {
  return `the new configuration cannot be used: ${why}`
}
