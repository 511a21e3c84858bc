import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { ERR } from '../observe/severity.js'
import { type Code, IGNORE, type ModuleServices, type Query } from './module.js'
import { type Step, StepReporter } from './step.js'
import { type ChainEntry, Traversal } from './traversal.js'

export type { ChainEntry } from './traversal.js'

/**
 * The modules of one configuration, in their order. A question goes down until a module has a final answer, which goes
 * up again through the modules above. What a module answers late is gone on with when it comes; nothing is called from
 * within a call, however many questions are answered at once.
 */
export class Chain {
  readonly entries: readonly ChainEntry[]
  readonly #services: Pick<ModuleServices, 'boundary' | 'nowMs' | 'say'>
  readonly #failures: RateLimitedLog
  readonly #open = new Map<Query, Open>()
  /** Those that can go on. */
  readonly #ready: Traversal[] = []
  #isWorking = false
  #isClosed = false

  /** The entries, and what they hold, are the chain's from now on. */
  constructor(entries: readonly ChainEntry[], services: Pick<ModuleServices, 'boundary' | 'nowMs' | 'say'>) {
    this.entries = entries
    this.#services = services
    this.#failures = new RateLimitedLog(ERR, services.say)
  }

  /** Questions that are not answered yet. */
  get openCount(): number {
    return this.#open.size
  }

  /**
   * Calls `answered` once, before it returns or later, unless the question is withdrawn before; `query.values` has the
   * answer. `query` must not be open already. `steps` is told of everything that happens to it.
   */
  ask(query: Query, answered: (code: Code) => void, steps?: (step: Step) => void): void {
    if (this.#isClosed) {
      answered(IGNORE)
      return
    }
    const reporter = steps === undefined ? undefined : new StepReporter(query.values, steps)
    const traversal = new Traversal(query, this, reporter)
    this.#open.set(query, { traversal, answered })
    this.wake(traversal)
  }

  /** Nobody waits for the answer any more. */
  withdraw(query: Query): void {
    const open = this.#open.get(query)
    this.#open.delete(query)
    open?.traversal.withdraw()
  }

  /** No question is open for now, and none is expected soon. */
  releaseIdle(): void {
    for (const { module, settings } of this.entries) {
      try {
        module.releaseIdle?.()
      } catch (error) {
        this.failed(settings.name, error)
      }
    }
  }

  /** Answers what is open with IGNORE; settles when nothing of the modules runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const [query, { answered }] of this.#open) {
      this.withdraw(query)
      this.#deliver(answered, IGNORE)
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

  /** For flights: this one can go on. */
  wake(traversal: Traversal): void {
    this.#ready.push(traversal)
    if (this.#isWorking) return
    this.#isWorking = true
    for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) this.#step(next)
    this.#isWorking = false
  }

  /** For flights: a module has thrown. Clients may cause that. */
  failed(name: string, error: unknown): void {
    this.#failures.log(this.#services.nowMs(), () => `mavis module ${name} fails: ${wordsOf(error)}`)
  }

  /** A question whose way throws has no answer, and the others go on. */
  #step(traversal: Traversal): void {
    this.#services.boundary.run(
      'a question to the mavis modules',
      () => this.#goOn(traversal, traversal.advance()),
      () => this.#goOn(traversal, IGNORE),
    )
  }

  #goOn(traversal: Traversal, code: Code | undefined): void {
    const open = this.#open.get(traversal.query)
    if (code === undefined || open === undefined) return
    this.#open.delete(traversal.query)
    this.#deliver(open.answered, code)
  }

  /** One that throws must not keep the others from being answered. */
  #deliver(answered: (code: Code) => void, code: Code): void {
    try {
      answered(code)
    } catch (error) {
      this.#services.say(ERR, `mavis: an answer is lost: ${wordsOf(error)}`)
    }
  }
}

interface Open {
  readonly traversal: Traversal
  readonly answered: (code: Code) => void
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
