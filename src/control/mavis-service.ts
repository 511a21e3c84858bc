import { setImmediate } from 'node:timers'
import type { Question, Verdict } from '../base/authorization.js'
import type { Authorizer } from '../mavis/authorizer.js'
import type { ModuleServices } from '../mavis/module.js'
import type { MavisSettings } from '../mavis/settings.js'
import { ERR } from '../observe/severity.js'
import type { Answer, QuestionNews } from '../relay/opening/questions.js'
import type { Started } from './start-up.js'

/** The answer where the modules could not be opened: whatever `mavis default` says. */
const NOT_OPENED: Verdict = { isPermitted: false, refusal: 'error', comment: '' }

/** The log knows that an authority could not be opened. */
const NOTHING_TO_TELL = () => {}

/**
 * The control thread's end of a reactor's questions: hands each to the authority of the generation that asks, and
 * the answers back, those of one turn together.
 */
export class MavisService {
  readonly #services: Omit<ModuleServices, 'timeoutMs'>
  readonly #post: (answers: readonly Answer[]) => void
  /** By the slot of the generation's rows in the cells. Their code is loaded where there is something to ask. */
  readonly #authorities = new Map<number, Promise<Authorizer>>()
  #answers: Answer[] = []

  constructor(
    parts: Pick<Started, 'boundary' | 'system'> & { readonly log: Pick<Started['log'], 'say'> },
    post: (answers: readonly Answer[]) => void,
  ) {
    const { boundary, log, system } = parts
    this.#services = { say: log.say, boundary, nowMs: () => system.clock.monotonicMs() }
    this.#post = post
  }

  /** A generation may ask from now on. */
  open(childSlot: number, settings: MavisSettings): void {
    if (settings.authorization === 'none') return
    const opened = import('../mavis/authorizer.js').then(
      ({ Authorizer }) => new Authorizer(settings, this.#services),
    )
    opened.catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      this.#services.say(ERR, `mavis: the modules cannot be asked, every client is refused: ${why}`)
    })
    this.#authorities.set(childSlot, opened)
  }

  hear({ asked, withdrawn }: QuestionNews): void {
    for (const question of asked) {
      const { childSlot, token } = question
      void this.#authorities.get(childSlot)?.then(
        (authority) => this.#ask(authority, question),
        () => this.#answer([token, NOT_OPENED]),
      )
    }
    if (withdrawn.length === 0) return
    for (const opened of this.#authorities.values()) {
      void opened.then((authority) => {
        for (const token of withdrawn) this.#withdraw(authority, token)
      }, NOTHING_TO_TELL)
    }
  }

  /** Another generation has taken its place, and only clients that were there before still ask. */
  retire(childSlot: number): void {
    void this.#authorities.get(childSlot)?.then((authority) => authority.retire(), NOTHING_TO_TELL)
  }

  /** No generation takes clients any more. */
  retireAll(): void {
    for (const childSlot of this.#authorities.keys()) this.retire(childSlot)
  }

  /** A generation has ended; settles when its helpers have. */
  async close(childSlot: number): Promise<void> {
    const opened = this.#authorities.get(childSlot)
    this.#authorities.delete(childSlot)
    await opened?.then((authority) => authority.close(), NOTHING_TO_TELL)
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#authorities.keys()].map((childSlot) => this.close(childSlot)))
  }

  /** A client whose question cannot be asked is refused; the others are not affected. */
  #ask(authority: Authorizer, question: Question): void {
    const { token } = question
    this.#services.boundary.run(
      'a question about a client',
      () => authority.ask(question, (verdict) => this.#answer([token, verdict])),
      () => {
        this.#answer([token, NOT_OPENED])
        authority.withdraw(token)
      },
    )
  }

  #withdraw(authority: Authorizer, token: number): void {
    this.#services.boundary.run(
      'a question about a client',
      () => authority.withdraw(token),
      () => {},
    )
  }

  #answer(answer: Answer): void {
    this.#answers.push(answer)
    if (this.#answers.length > 1) return
    setImmediate(() => {
      const answers = this.#answers
      this.#answers = []
      this.#post(answers)
    })
  }
}
