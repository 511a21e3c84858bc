/** Answers the authorization questions of one configuration by its chain of MAVIS modules. */
import { randomBytes } from 'node:crypto'
import type { AskedAbout, Question, Verdict } from '../base/authorization.js'
import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { Chain } from './chain.js'
import type { ModuleServices, Query } from './module.js'
import { openModule } from './open-module.js'
import { queryValues } from './query-values.js'
import type { MavisSettings } from './settings.js'
import type { Step } from './step.js'
import { VerdictCache } from './verdict-cache.js'
import { verdictFrom } from './verdict-from.js'

/** Longer than helpers may take to end (two patience periods of `HelperProcess`, 1 s), so that none pile up. */
const IDLE_RELEASE_DELAY_MS = 2_000

/**
 * Converts each question into attributes, asks the chain and converts its answer into a verdict. Each question is
 * answered once, unless it is withdrawn first.
 */
export class Authorizer {
  readonly #settings: MavisSettings
  readonly #services: ModuleServices
  readonly #chain: Chain
  /** Undefined: `mavis cache timeout` is zero. */
  readonly #cache: VerdictCache | undefined
  /** `mavis authorization`: whether hosts or users are authorized. */
  readonly #about: AskedAbout
  /** Questions without an answer, by token. */
  readonly #open = new Map<number, Query>()
  /** Makes serials unique among all processes and all chains of this one. */
  readonly #serialPrefix = randomBytes(9).toString('base64')
  /** Number of queries so far, which makes serials unique within this authorizer. */
  #lastSerial = 0
  #isRetired = false
  #isClosed = false
  /** Runs until the modules of a retired configuration are released. */
  #idleTimer: NodeJS.Timeout | undefined

  constructor(settings: MavisSettings, services: Omit<ModuleServices, 'timeoutMs'>) {
    const { authorization, cacheTimeoutMs, modules, timeoutMs } = settings
    this.#settings = settings
    this.#about = authorization === 'none' ? 'host' : authorization
    this.#services = { ...services, timeoutMs }
    this.#chain = new Chain(
      modules.map((module) => ({ module: openModule(module, this.#services), settings: module })),
      services,
    )
    this.#cache = cacheTimeoutMs === 0 ? undefined : new VerdictCache(cacheTimeoutMs)
  }

  get openCount(): number {
    return this.#open.size
  }

  /** `onStep` receives every step of the query. */
  ask(question: Question, onVerdict: (verdict: Verdict) => void, onStep?: (step: Step) => void): void {
    const known = this.#cache?.find(question, this.#services.nowMs())
    if (known !== undefined) {
      onVerdict(known)
      return
    }
    // Kept as it was asked: the answer is compared with it (`verdictFrom`).
    const asked = this.#valuesOf(question)
    onStep?.({ module: '', what: 'query', outcome: undefined, changes: new Map(asked.entries()) })
    const query: Query = { values: [...asked], serial: asked[AV.SERIAL] ?? '' }
    this.#open.set(question.token, query)
    const onAnswer = (code: Parameters<typeof verdictFrom>[2]) => {
      this.#open.delete(question.token)
      const verdict = verdictFrom(asked, query.values, code, this.#settings)
      this.#cache?.keep(question, verdict, this.#services.nowMs())
      onVerdict(verdict)
      this.#releaseIfIdle()
    }
    // After `#open` has the query: the chain may answer at once.
    this.#chain.ask(query, onAnswer, onStep)
  }

  /** Drops a question whose answer is no longer wanted. */
  withdraw(token: number): void {
    const query = this.#open.get(token)
    if (query === undefined) return
    this.#open.delete(token)
    this.#chain.withdraw(query)
    this.#releaseIfIdle()
  }

  /** Another configuration is in force: only clients that are still in their handshake may ask. */
  retire(): void {
    this.#isRetired = true
    this.#releaseIfIdle()
  }

  /** Drops open questions and closes the modules; settles when all of them have stopped. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#idleTimer)
    for (const token of [...this.#open.keys()]) this.withdraw(token)
    await this.#chain.close()
  }

  #valuesOf(question: Question): (ByteString | undefined)[] {
    const number = ++this.#lastSerial
    return queryValues(question, this.#about, `${this.#serialPrefix}${number}`, `${process.pid}-${number}`)
  }

  /** Delayed: another question may follow, and helpers are not restarted without limit. */
  #releaseIfIdle(): void {
    if (!this.#isRetired || this.#open.size > 0 || this.#isClosed) return
    this.#idleTimer ??= setTimeout(() => {
      this.#idleTimer = undefined
      if (this.#open.size === 0) this.#chain.releaseIdle()
    }, IDLE_RELEASE_DELAY_MS)
  }
}
