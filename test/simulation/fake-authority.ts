import { answered } from '../../src/relay/opening/asking.js'
import type { Answer, QuestionNews, Questions } from '../../src/relay/opening/questions.js'
import type { Asking } from '../../src/relay/options.js'
import type { Session } from '../../src/relay/session.js'
import type { Chance } from './chance.js'

const TIMEOUT_MS = 2_000

const PERMITTED = { isPermitted: true } as const
const DENIED = { isPermitted: false, refusal: 'denied', comment: 'by chance' } as const

/** Simulates the MAVIS modules: each question is answered once, twice, too late or never. */
export class FakeAuthority {
  readonly asks: Asking | undefined
  /** Clients that waited for an answer and were denied, by the sequence number of their session. */
  readonly refused = new Set<number>()
  readonly #chance: Chance
  readonly #open: number[] = []

  constructor(chance: Chance) {
    this.#chance = chance
    this.asks = chance.is(0.4) ? { about: 'host', timeoutMs: TIMEOUT_MS } : undefined
  }

  hear({ asked, withdrawn }: QuestionNews): void {
    for (const { token } of asked) this.#open.push(token)
    for (const token of withdrawn) {
      // The answer may already be on its way.
      if (this.#chance.is(0.8)) this.#forget(token)
    }
  }

  /** Answers one of the open questions, or none. */
  settle(questions: Questions, sessions: readonly Session[]): void {
    if (this.#open.length === 0) return
    const token = this.#chance.pick(this.#open)
    const answer: Answer = [token, this.#chance.is(0.8) ? PERMITTED : DENIED]
    const isDoubled = this.#chance.is(0.1)
    if (!isDoubled) this.#forget(token)
    if (this.#chance.is(0.05)) return
    const session = sessions.find(({ questionToken }) => questionToken === token)
    if (answer[1] === DENIED && session !== undefined) this.refused.add(session.sequence)
    answered(questions, isDoubled ? [answer, answer] : [answer])
  }

  #forget(token: number): void {
    const at = this.#open.indexOf(token)
    if (at >= 0) this.#open.splice(at, 1)
  }
}
