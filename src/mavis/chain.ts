import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { ERR } from '../observe/severity.js'
import { type Code, IGNORE, type ModuleServices, type Query } from './module.js'
import { type Step, StepReporter } from './step.js'
import { type ChainEntry, Traversal } from './traversal.js'

export type { ChainEntry } from './traversal.js'

/**
 * The MAVIS modules of one configuration, in order. A query goes down until a module gives a final answer, which goes up
 * again through the modules above. Modules may answer later. Traversals run from a queue, not recursively, so that any
 * number of immediate answers does not deepen the stack.
 */
export class Chain {
  readonly entries: readonly ChainEntry[]
  readonly #services: Pick<ModuleServices, 'boundary' | 'nowMs' | 'say'>
  /** Exceptions of modules and scripts. */
  readonly #failures: RateLimitedLog
  /** Queries without an answer yet. */
  readonly #open = new Map<Query, Open>()
  /** Traversals that can continue. */
  readonly #ready: Traversal[] = []
  /** `wake` is on the call stack: it also takes traversals that are woken from within. */
  #isRunning = false
  #isClosed = false

  /** Takes ownership of the entries: `close` closes their modules. */
  constructor(entries: readonly ChainEntry[], services: Pick<ModuleServices, 'boundary' | 'nowMs' | 'say'>) {
    this.entries = entries
    this.#services = services
    this.#failures = new RateLimitedLog(ERR, services.say)
  }

  /** Queries without an answer yet. */
  get openCount(): number {
    return this.#open.size
  }

  /**
   * Calls `onAnswer` once, before it returns or later, unless the query is withdrawn first; the answer is in
   * `query.values`. `query` must not be open already. `onStep` receives every step of the query, for `mavis-test`.
   */
  ask(query: Query, onAnswer: (code: Code) => void, onStep?: (step: Step) => void): void {
    if (this.#isClosed) {
      onAnswer(IGNORE)
      return
    }
    const reporter = onStep === undefined ? undefined : new StepReporter(query.values, onStep)
    const traversal = new Traversal(query, this, reporter)
    this.#open.set(query, { traversal, onAnswer })
    this.wake(traversal)
  }

  /** Drops a query whose answer is no longer wanted. */
  withdraw(query: Query): void {
    const open = this.#open.get(query)
    this.#open.delete(query)
    // After the entry is deleted: an answer from within finds nobody.
    open?.traversal.withdraw()
  }

  /** Lets modules release what they hold for queries: none is open, and none is expected soon. */
  releaseIdle(): void {
    for (const { module, settings } of this.entries) {
      try {
        module.releaseIdle?.()
      } catch (error) {
        this.failed(settings.name, error)
      }
    }
  }

  /** Answers open queries with IGNORE and closes the modules; settles when all of them have stopped. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const [query, { onAnswer }] of this.#open) {
      // First: the callback may ask or withdraw other queries.
      this.withdraw(query)
      this.#deliver(onAnswer, IGNORE)
    }
    await Promise.all(this.entries.map((entry) => this.#close(entry)))
  }

  async #close({ module, settings }: ChainEntry): Promise<void> {
    try {
      await module.close?.()
    } catch (error) {
      this.failed(settings.name, error)
    }
  }

  /** Called by a traversal that can continue. */
  wake(traversal: Traversal): void {
    this.#ready.push(traversal)
    if (this.#isRunning) return
    this.#isRunning = true
    for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) this.#advance(next)
    this.#isRunning = false
  }

  /** Logs, at a limited rate, that a module threw: a client may be able to cause that with every query. */
  failed(name: string, error: unknown): void {
    this.#failures.log(this.#services.nowMs(), () => `mavis module ${name} failed: ${messageOf(error)}`)
  }

  /** An exception ends this query without an answer and does not affect the others. */
  #advance(traversal: Traversal): void {
    this.#services.boundary.run(
      'a query to the mavis modules',
      () => this.#finish(traversal, traversal.advance()),
      () => this.#finish(traversal, IGNORE),
    )
  }

  /** Delivers the answer once there is one. */
  #finish(traversal: Traversal, code: Code | undefined): void {
    const open = this.#open.get(traversal.query)
    if (code === undefined || open === undefined) return
    this.#open.delete(traversal.query)
    this.#deliver(open.onAnswer, code)
  }

  /** A callback that throws must not keep other queries from being answered. */
  #deliver(onAnswer: (code: Code) => void, code: Code): void {
    try {
      onAnswer(code)
    } catch (error) {
      this.#services.say(ERR, `mavis: an answer could not be delivered: ${messageOf(error)}`)
    }
  }
}

interface Open {
  readonly traversal: Traversal
  readonly onAnswer: (code: Code) => void
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
