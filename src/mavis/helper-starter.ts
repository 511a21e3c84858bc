import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { ERR, INFO, WARNING } from '../observe/severity.js'
import { type HelperEvents, type HelperOptions, HelperProcess } from './helper-process.js'
import type { ModuleServices } from './module.js'
import { RespawnLimit } from './respawn-limit.js'

/** Of what helpers write to their standard error: a stack trace is whole. */
const LINES_PER_SECOND = 50

/**
 * How a helper has come to its end. `died`: by itself. `misbehaved`: what it sent was no answer. `late`: it did not
 * answer in time. `dismissed`: it was not needed any more.
 */
export type HelperEnd = 'died' | 'misbehaved' | 'late' | 'dismissed'

/** Starts the processes of one module, says in the log what becomes of them, and stops those that die too soon. */
export class HelperStarter {
  readonly #moduleName: string
  readonly #options: HelperOptions
  readonly #services: ModuleServices
  readonly #deaths = new RespawnLimit()
  readonly #lines: RateLimitedLog
  readonly #ends: RateLimitedLog
  readonly #failures: RateLimitedLog
  /** The log knows that none is started. */
  #isThrottlingLogged = false

  constructor(moduleName: string, options: HelperOptions, services: ModuleServices) {
    this.#moduleName = moduleName
    this.#options = options
    this.#services = services
    this.#lines = new RateLimitedLog(INFO, services.say, LINES_PER_SECOND)
    this.#ends = new RateLimitedLog(WARNING, services.say)
    this.#failures = new RateLimitedLog(ERR, services.say)
  }

  /** False: too many have died too soon. */
  mayStart(): boolean {
    const waitMs = this.#deaths.waitMs(this.#services.nowMs())
    if (waitMs > 0) this.#logThrottling(waitMs)
    else this.#isThrottlingLogged = false
    return waitMs <= 0
  }

  start(events: Omit<HelperEvents, 'onLine'>): HelperProcess {
    const all: HelperEvents = {
      onBytes: (bytes) => events.onBytes(bytes),
      onDrain: () => events.onDrain(),
      onEnd: (failure) => {
        if (failure !== undefined) this.#failed(failure)
        events.onEnd(failure)
      },
      onLine: (text) => this.#lines.log(this.#nowMs(), () => this.#about(helper, text())),
    }
    const helper: HelperProcess = new HelperProcess(this.#options, all, this.#services.boundary)
    return helper
  }

  /** What is wrong with it. */
  logProblem(helper: HelperProcess, what: string): void {
    this.#ends.log(this.#nowMs(), () => this.#about(helper, what))
  }

  /** In the words of the original. How long a question is may be up to a client. */
  logTooLong(): void {
    this.#ends.log(this.#nowMs(), () => `${this.#moduleName}: query too long, ignoring`)
  }

  ended(helper: HelperProcess, end: HelperEnd, answeredCount: number): void {
    if (end === 'died' && helper.pid !== undefined) void this.#logDeath(helper, answeredCount)
    // The pace of those that are late is that of their time limit.
    const isEarly = answeredCount === 0 && (end === 'died' || end === 'misbehaved')
    if (isEarly) this.#deaths.note(this.#nowMs())
  }

  /** In the words of the original, and how. Early ones are few: no more are started soon. */
  async #logDeath(helper: HelperProcess, answeredCount: number): Promise<void> {
    await helper.gone
    const how = helper.ending === undefined ? '' : ` (${helper.ending})`
    if (answeredCount === 0)
      this.#services.say(WARNING, this.#about(helper, `terminated before finishing first request${how}`))
    else this.logProblem(helper, `terminated after processing ${answeredCount} requests${how}`)
  }

  #failed(failure: string): void {
    const { path } = this.#options.program
    this.#failures.log(this.#nowMs(), () => `${this.#moduleName}: ${path} ${failure}`)
  }

  #logThrottling(waitMs: number): void {
    if (this.#isThrottlingLogged) return
    this.#isThrottlingLogged = true
    const { path } = this.#options.program
    const waitS = Math.ceil(waitMs / 1_000)
    this.#services.say(
      ERR,
      `${this.#moduleName}: ${path} respawning too fast; throttling for ${waitS} seconds.`,
    )
  }

  #about(helper: HelperProcess, what: string): string {
    const { path, words } = this.#options.program
    return `${words[0] ?? path}: ${helper.pid}: ${what}`
  }

  #nowMs(): number {
    return this.#services.nowMs()
  }
}
