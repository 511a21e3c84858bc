/** The control thread's end of authorization questions from the reactor. */
import { setImmediate } from 'node:timers'
import type { Question, Verdict } from '../../base/authorization.js'
import type { Authorizer } from '../../mavis/authorizer.js'
import type { ModuleServices } from '../../mavis/module.js'
import type { MavisSettings } from '../../mavis/settings.js'
import { ERR } from '../../observe/severity.js'
import type { Answer, QuestionNews } from '../../relay/opening/questions.js'
import type { Started } from '../process/start-up.js'

/** The verdict when the modules could not be loaded, or an exception prevents a query. `mavis default` does not apply. */
const FAILED: Verdict = { isPermitted: false, refusal: 'error', comment: '' }

/** For authorizers that could not be created, which was logged. */
const IGNORED = () => {}

/**
 * Passes each question to the authorizer of the generation that asks, and the answers back to the reactor, in one batch
 * per turn.
 */
export class MavisService {
  readonly #services: Omit<ModuleServices, 'timeoutMs'>
  readonly #post: (answers: readonly Answer[]) => void
  /** By the cell slot of the generation. Promises, because their code is loaded only when MAVIS is configured. */
  readonly #authorizers = new Map<number, Promise<Authorizer>>()
  /** Answers of this turn of Node's loop. */
  #answers: Answer[] = []

  constructor(
    parts: Pick<Started, 'boundary' | 'system'> & { readonly log: Pick<Started['log'], 'say'> },
    post: (answers: readonly Answer[]) => void,
  ) {
    const { boundary, log, system } = parts
    this.#services = { say: log.say, boundary, nowMs: () => system.clock.monotonicMs() }
    this.#post = post
  }

  /** Creates the authorizer of a generation. */
  open(childSlot: number, settings: MavisSettings): void {
    if (settings.authorization === 'none') return
    const opened = import('../../mavis/authorizer.js').then(
      ({ Authorizer }) => new Authorizer(settings, this.#services),
    )
    // Logged once; the questions are answered by `FAILED`.
    opened.catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      this.#services.say(ERR, `mavis: cannot load the modules: ${why}; rejecting all clients`)
    })
    this.#authorizers.set(childSlot, opened)
  }

  /** Settles when the code of all authorizers is loaded, or has failed to. */
  async opened(): Promise<void> {
    await Promise.allSettled(this.#authorizers.values())
  }

  /** Takes new and withdrawn questions of the reactor. */
  receive({ asked, withdrawn }: QuestionNews): void {
    for (const question of asked) {
      const { childSlot, token } = question
      // Without an authorizer the generation has ended, and the sessions that asked with it.
      void this.#authorizers.get(childSlot)?.then(
        (authorizer) => this.#ask(authorizer, question),
        () => this.#answer([token, FAILED]),
      )
    }
    if (withdrawn.length === 0) return
    // A withdrawal does not name its generation. Tokens are unique, so the others ignore it.
    for (const opened of this.#authorizers.values()) {
      void opened.then((authorizer) => {
        for (const token of withdrawn) this.#withdraw(authorizer, token)
      }, IGNORED)
    }
  }

  /** Another generation has replaced this one: only clients accepted before may still ask. */
  retire(childSlot: number): void {
    void this.#authorizers.get(childSlot)?.then((authorizer) => authorizer.retire(), IGNORED)
  }

  /** Retires all generations: no more clients are accepted. */
  retireAll(): void {
    for (const childSlot of this.#authorizers.keys()) this.retire(childSlot)
  }

  /** Ends a generation; settles when its helpers have ended. */
  async close(childSlot: number): Promise<void> {
    const opened = this.#authorizers.get(childSlot)
    this.#authorizers.delete(childSlot)
    await opened?.then((authorizer) => authorizer.close(), IGNORED)
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#authorizers.keys()].map((childSlot) => this.close(childSlot)))
  }

  /** An exception rejects this client and does not affect others. */
  #ask(authorizer: Authorizer, question: Question): void {
    const { token } = question
    this.#services.boundary.run(
      'a question about a client',
      () => authorizer.ask(question, (verdict) => this.#answer([token, verdict])),
      () => {
        this.#answer([token, FAILED])
        // The authorizer may have kept the question, and would answer a second time.
        authorizer.withdraw(token)
      },
    )
  }

  #withdraw(authorizer: Authorizer, token: number): void {
    this.#services.boundary.run(
      'a question about a client',
      () => authorizer.withdraw(token),
      () => {},
    )
  }

  #answer(answer: Answer): void {
    this.#answers.push(answer)
    // The first answer schedules the batch.
    if (this.#answers.length > 1) return
    setImmediate(() => {
      const answers = this.#answers
      this.#answers = []
      this.#post(answers)
    })
  }
}
