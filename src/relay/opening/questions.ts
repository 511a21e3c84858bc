/** Questions to MAVIS, which runs on the control thread. */
import type { Question, Verdict } from '../../base/authorization.js'
import type { Loop, TurnTaker } from '../../reactor/loop.js'
import type { Session } from '../session.js'

/** Maximum of open questions: each takes some hundred bytes on both threads. */
const OPEN_MAX = 10_000

/** The questions and withdrawals of one turn, for the control thread. */
export interface QuestionNews {
  readonly asked: readonly Question[]
  /** Tokens of questions whose sessions have ended. */
  readonly withdrawn: readonly number[]
}

/** An answer, by the token of its question. */
export type Answer = readonly [token: number, verdict: Verdict]

/** The open questions of a reactor. Tokens are never reused, so a late answer matches no session. */
export class Questions implements TurnTaker {
  isQueued = false
  readonly #loop: Loop
  readonly #post: (news: QuestionNews) => void
  readonly #open = new Map<number, Session>()
  #lastToken = 0
  #asked: Question[] = []
  #withdrawn: number[] = []

  constructor(loop: Loop, post: (news: QuestionNews) => void) {
    this.#loop = loop
    this.#post = post
  }

  get openCount(): number {
    return this.#open.size
  }

  /** Asks on behalf of a session, which `take` finds by the answer's token. False: too many are open. */
  ask(session: Session, question: Omit<Question, 'token'>): boolean {
    if (this.#open.size >= OPEN_MAX) return false
    const token = ++this.#lastToken
    this.#open.set(token, session)
    session.questionToken = token
    this.#asked.push({ ...question, token })
    this.#loop.later(this)
    return true
  }

  /** Withdraws the question of a session. */
  withdraw(session: Session): void {
    const token = session.questionToken
    session.questionToken = 0
    if (!this.#open.delete(token)) return
    const unsent = this.#asked.findIndex((question) => question.token === token)
    if (unsent >= 0) this.#asked.splice(unsent, 1)
    else {
      this.#withdrawn.push(token)
      this.#loop.later(this)
    }
  }

  /** The session that asked; undefined if it has withdrawn. Closes the question. */
  take(token: number): Session | undefined {
    const session = this.#open.get(token)
    this.#open.delete(token)
    if (session !== undefined) session.questionToken = 0
    return session
  }

  /** Sends the questions of one turn in one message. */
  onTurn(): void {
    const news = { asked: this.#asked, withdrawn: this.#withdrawn }
    this.#asked = []
    this.#withdrawn = []
    if (news.asked.length + news.withdrawn.length > 0) this.#post(news)
  }
}
