import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { ERR } from '../observe/severity.js'
import { type Code, IGNORE, type ModuleServices, type Query } from './module.js'
import { type Step, StepTeller } from './step.js'
import { Flight, type Link } from './traversal.js'

export type { Link } from './traversal.js'

/**
 * The modules of one configuration, in their order. A question goes down until a module has a final answer, which goes
 * up again through the modules above. What a module answers late is gone on with when it comes; nothing is called from
 * within a call, however many questions are answered at once.
 */
export class Chain {
  readonly links: readonly Link[]
  readonly #services: Pick<ModuleServices, 'boundary' | 'nowMs' | 'say'>
  readonly #failures: RateLimitedLog
  readonly #open = new Map<Query, Open>()
  /** Those that can go on. */
  readonly #ready: Flight[] = []
  #isWorking = false
  #isClosed = false

  /** The links, and what they hold, are the chain's from now on. */
  constructor(links: readonly Link[], services: Pick<ModuleServices, 'boundary' | 'nowMs' | 'say'>) {
    this.links = links
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
    const teller = steps === undefined ? undefined : new StepTeller(query.values, steps)
    const flight = new Flight(query, this, teller)
    this.#open.set(query, { flight, answered })
    this.wake(flight)
  }

  /** Nobody waits for the answer any more. */
  withdraw(query: Query): void {
    const open = this.#open.get(query)
    this.#open.delete(query)
    open?.flight.withdraw()
  }

  /** No question is open for now, and none is expected soon. */
  rest(): void {
    for (const { module, settings } of this.links) {
      try {
        module.rest?.()
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
    await Promise.all(this.links.map((link) => this.#close(link)))
  }

  async #close({ module, settings }: Link): Promise<void> {
    try {
      await module.close?.()
    } catch (error) {
      this.failed(settings.name, error)
    }
  }

  /** For flights: this one can go on. */
  wake(flight: Flight): void {
    this.#ready.push(flight)
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
  #step(flight: Flight): void {
    this.#services.boundary.run(
      'a question to the mavis modules',
      () => this.#goOn(flight, flight.advance()),
      () => this.#goOn(flight, IGNORE),
    )
  }

  #goOn(flight: Flight, code: Code | undefined): void {
    const open = this.#open.get(flight.query)
    if (code === undefined || open === undefined) return
    this.#open.delete(flight.query)
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
  readonly flight: Flight
  readonly answered: (code: Code) => void
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
