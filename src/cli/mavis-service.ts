import { setImmediate } from 'node:timers'
import type { Authority } from '../mavis/authority.js'
import type { ModuleServices } from '../mavis/module.js'
import type { MavisSettings } from '../mavis/settings.js'
import type { Answer, QuestionNews } from '../relay/questions.js'
import type { Started } from './start-up.js'

/**
 * The control thread's end of a reactor's questions: hands each to the authority of the generation that asks, and
 * the answers back, those of one turn together.
 */
export class MavisService {
  readonly #services: Omit<ModuleServices, 'timeoutMs'>
  readonly #post: (answers: readonly Answer[]) => void
  /** By the slot of the generation's rows in the cells. Their code is loaded where there is something to ask. */
  readonly #authorities = new Map<number, Promise<Authority>>()
  #answers: Answer[] = []

  constructor({ log, system }: Pick<Started, 'log' | 'system'>, post: (answers: readonly Answer[]) => void) {
    this.#services = { say: log.say, nowMs: () => system.clock.monotonicMs() }
    this.#post = post
  }

  /** A generation may ask from now on. */
  open(childSlot: number, settings: MavisSettings): void {
    if (settings.authorization === 'none') return
    const opened = import('../mavis/authority.js').then(
      ({ Authority }) => new Authority(settings, this.#services),
    )
    this.#authorities.set(childSlot, opened)
  }

  hear({ asked, withdrawn }: QuestionNews): void {
    for (const question of asked) {
      const { childSlot, token } = question
      void this.#authorities.get(childSlot)?.then((authority) => {
        authority.ask(question, (verdict) => this.#answer([token, verdict]))
      })
    }
    if (withdrawn.length === 0) return
    for (const opened of this.#authorities.values()) {
      void opened.then((authority) => {
        for (const token of withdrawn) authority.withdraw(token)
      })
    }
  }

  /** Another generation has taken its place, and only clients that were there before still ask. */
  retire(childSlot: number): void {
    void this.#authorities.get(childSlot)?.then((authority) => authority.retire())
  }

  /** No generation takes clients any more. */
  retireAll(): void {
    for (const childSlot of this.#authorities.keys()) this.retire(childSlot)
  }

  /** A generation has ended; settles when its helpers have. */
  async close(childSlot: number): Promise<void> {
    const opened = this.#authorities.get(childSlot)
    this.#authorities.delete(childSlot)
    await (await opened)?.close()
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#authorities.keys()].map((childSlot) => this.close(childSlot)))
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
