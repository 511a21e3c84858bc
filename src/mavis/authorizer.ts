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

/** By then helpers that were told to end before have ended (`HelperProcess`). */
const IDLE_RELEASE_DELAY_MS = 2_000

/**
 * Answers the questions of one configuration: makes attributes of them, asks the chain of modules, and says what its
 * answer means. Each question is answered once, unless it is withdrawn before.
 */
export class Authorizer {
  readonly #settings: MavisSettings
  readonly #about: AskedAbout
  readonly #services: ModuleServices
  readonly #chain: Chain
  readonly #cache: VerdictCache | undefined
  /** By token. */
  readonly #open = new Map<number, Query>()
  /** No other process, and no other chain of this one, has the same serials. */
  readonly #serialPrefix = randomBytes(9).toString('base64')
  #lastSerial = 0
  #isRetired = false
  #isClosed = false
  /** Until the modules may rest. */
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

  /** `steps`: told what happens on the way. */
  ask(question: Question, answered: (verdict: Verdict) => void, steps?: (step: Step) => void): void {
    const known = this.#cache?.find(question, this.#services.nowMs())
    if (known !== undefined) {
      answered(known)
      return
    }
    const asked = this.#valuesOf(question)
    steps?.({ module: '', what: 'question', outcome: undefined, changes: new Map(asked.entries()) })
    const query: Query = { values: [...asked], serial: asked[AV.SERIAL] ?? '' }
    this.#open.set(question.token, query)
    const onAnswer = (code: Parameters<typeof verdictFrom>[2]) => {
      this.#open.delete(question.token)
      const verdict = verdictFrom(asked, query.values, code, this.#settings)
      this.#cache?.keep(question, verdict, this.#services.nowMs())
      answered(verdict)
      this.#releaseIfIdle()
    }
    this.#chain.ask(query, onAnswer, steps)
  }

  /** Nobody waits for the answer to this question any more. */
  withdraw(token: number): void {
    const query = this.#open.get(token)
    if (query === undefined) return
    this.#open.delete(token)
    this.#chain.withdraw(query)
    this.#releaseIfIdle()
  }

  /** Another configuration is in force: questions come only of clients that shook hands meanwhile. */
  retire(): void {
    this.#isRetired = true
    this.#releaseIfIdle()
  }

  /** No question comes any more, and no answer is given; settles when nothing of it is left running. */
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

  /** Not at once: another question may follow, and helpers that end are not replaced without limit. */
  #releaseIfIdle(): void {
    if (!this.#isRetired || this.#open.size > 0 || this.#isClosed) return
    this.#idleTimer ??= setTimeout(() => {
      this.#idleTimer = undefined
      if (this.#open.size === 0) this.#chain.releaseIdle()
    }, IDLE_RELEASE_DELAY_MS)
  }
}
