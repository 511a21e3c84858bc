/** Starts the helper processes of one module, and logs how they end. */
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { ERR, INFO, WARNING } from '../observe/severity.js'
import { type HelperEvents, type HelperOptions, HelperProcess } from './helper-process.js'
import type { ModuleServices } from './module.js'
import { RespawnLimit } from './respawn-limit.js'

/** Logged lines of standard error, of all helpers of a module: enough for a whole stack trace. */
const LINES_PER_SECOND = 50

/**
 * Why a helper ended. `died`: by itself. `misbehaved`: it sent something else than an answer. `late`: it did not answer in
 * time. `dismissed`: it was not needed any more.
 */
export type HelperEnd = 'died' | 'misbehaved' | 'late' | 'dismissed'

/** Starts no helpers for a while when too many have died early. */
export class HelperStarter {
  readonly #moduleName: string
  readonly #options: HelperOptions
  readonly #services: ModuleServices
  /** Early deaths of all helpers of the module: the program is the same. */
  readonly #deaths = new RespawnLimit()
  /** Three limits, so that one kind of line does not suppress the others. */
  readonly #lines: RateLimitedLog
  readonly #ends: RateLimitedLog
  readonly #failures: RateLimitedLog
  /** The present throttling is in the log. */
  #isThrottlingLogged = false

  constructor(moduleName: string, options: HelperOptions, services: ModuleServices) {
    this.#moduleName = moduleName
    this.#options = options
    this.#services = services
    this.#lines = new RateLimitedLog(INFO, services.say, LINES_PER_SECOND)
    this.#ends = new RateLimitedLog(WARNING, services.say)
    this.#failures = new RateLimitedLog(ERR, services.say)
  }

  /** False while starts are throttled because too many helpers have died early. */
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
      onLine: (text) => this.#lines.log(this.#nowMs(), () => this.#lineOf(helper, text())),
    }
    // `helper` is used by `onLine` only, which is called later.
    const helper: HelperProcess = new HelperProcess(this.#options, all, this.#services.boundary)
    return helper
  }

  /** Logs, at a limited rate, what is wrong with a helper. */
  logProblem(helper: HelperProcess, what: string): void {
    this.#ends.log(this.#nowMs(), () => this.#lineOf(helper, what))
  }

  /** In the words of the original; at a limited rate, because clients can cause long queries. */
  logTooLong(): void {
    this.#ends.log(this.#nowMs(), () => `${this.#moduleName}: query too long, ignoring`)
  }

  ended(helper: HelperProcess, end: HelperEnd, answeredCount: number): void {
    if (end === 'died' && helper.pid !== undefined) void this.#logDeath(helper, answeredCount)
    // Late ones do not count: their time limit already limits how often they are restarted.
    const isEarly = answeredCount === 0 && (end === 'died' || end === 'misbehaved')
    if (isEarly) this.#deaths.recordDeath(this.#nowMs())
  }

  /** In the words of the original, with the exit code or signal. Early deaths need no rate limit: starts are throttled. */
  async #logDeath(helper: HelperProcess, answeredCount: number): Promise<void> {
    await helper.gone
    const how = helper.ending === undefined ? '' : ` (${helper.ending})`
    if (answeredCount === 0)
      this.#services.say(WARNING, this.#lineOf(helper, `terminated before finishing first request${how}`))
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

  #lineOf(helper: HelperProcess, what: string): string {
    const { path, words } = this.#options.program
    return `${words[0] ?? path}: ${helper.pid}: ${what}`
  }

  #nowMs(): number {
    return this.#services.nowMs()
  }
}
