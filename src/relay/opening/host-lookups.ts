/** Questions about the names of hosts, which the head resolves; they are asked and answered like those to MAVIS. */
import type { HostLiteral } from '../../base/address.js'
import type { Loop, TurnTaker } from '../../reactor/loop.js'
import type { DynamicHosts } from '../dynamic-hosts.js'
import type { Session } from '../session.js'

/** Maximum of open lookups of a reactor. */
export const LOOKUPS_OPEN_MAX = 250

/** Clients choose the names: the master ends children that send it more than a thousand messages in a second. */
const LOOKUPS_PER_SECOND_MAX = 500
const SECOND_MS = 1_000

export interface HostQuestion {
  readonly token: number
  /** Slot of the generation's rows in the cells. */
  readonly childSlot: number
  /** Index of the dynamic route's pool in the plan. */
  readonly pool: number
  /** As `clientServerName` returns it. */
  readonly name: string
}

/** What the head says about a name. */
export interface HostAnswer {
  /** Those that may be connected to, in the order of attempts; empty: `reason` says why. */
  readonly addresses: readonly HostLiteral[]
  readonly reason: 'name-not-resolved' | 'address-not-allowed' | undefined
  /** Details of the reason for the access log; '' without one. */
  readonly cause: string
  /** How long the answer may be used. */
  readonly ttlMs: number
}

/** An answer, by the token of its question. */
export type HostReply = readonly [token: number, answer: HostAnswer]

/** A name that is being resolved, with the sessions that wait for it. */
export interface Lookup {
  readonly hosts: DynamicHosts
  readonly name: string
  readonly waiting: Set<Session>
}

/** The open lookups of a reactor. Tokens are never reused. */
export class HostLookups implements TurnTaker {
  isQueued = false
  readonly #loop: Loop
  readonly #post: (asked: readonly HostQuestion[]) => void
  readonly #open = new Map<number, Lookup>()
  #asked: HostQuestion[] = []
  #lastToken = 0
  #sinceMs = Number.NEGATIVE_INFINITY
  #askedThisSecond = 0

  constructor(loop: Loop, post: (asked: readonly HostQuestion[]) => void) {
    this.#loop = loop
    this.#post = post
  }

  get openCount(): number {
    return this.#open.size
  }

  /** Undefined: too many names are asked for. */
  ask(hosts: DynamicHosts, name: string): Lookup | undefined {
    if (this.#open.size >= LOOKUPS_OPEN_MAX || !this.#isWithinRate()) return undefined
    const token = ++this.#lastToken
    const lookup = { hosts, name, waiting: new Set<Session>() }
    this.#open.set(token, lookup)
    this.#asked.push({ token, childSlot: hosts.childSlot, pool: hosts.pool, name })
    this.#loop.later(this)
    return lookup
  }

  /** Closes a lookup; undefined: there is none with this token. */
  take(token: number): Lookup | undefined {
    const lookup = this.#open.get(token)
    this.#open.delete(token)
    return lookup
  }

  /** Sends the questions of one turn in one message. */
  onTurn(): void {
    const asked = this.#asked
    this.#asked = []
    if (asked.length > 0) this.#post(asked)
  }

  #isWithinRate(): boolean {
    const { nowMs } = this.#loop
    if (nowMs - this.#sinceMs >= SECOND_MS) {
      this.#sinceMs = nowMs
      this.#askedThisSecond = 0
    }
    return ++this.#askedThisSecond <= LOOKUPS_PER_SECOND_MAX
  }
}
