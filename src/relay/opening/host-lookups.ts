/** Questions about the names of hosts, which the head resolves; they are asked and answered like those to MAVIS. */
import type { Loop, TurnTaker } from '../../reactor/loop.js'
import type { DynamicHosts } from '../dynamic-hosts.js'
import { type HostQuestion, LOOKUPS_OPEN_MAX } from '../host-answer.js'
import type { Session } from '../session.js'

/** Clients choose the names: the master ends children that send it more than a thousand messages in a second. */
const LOOKUPS_PER_SECOND_MAX = 500
const SECOND_MS = 1_000

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
  readonly #byName = new Map<string, Lookup>()
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

  /** Joins the open lookup of the name, or begins one. Undefined: too many names are asked for. */
  lookUp(hosts: DynamicHosts, name: string): Lookup | undefined {
    const key = keyOf(hosts, name)
    const found = this.#byName.get(key)
    if (found !== undefined) return found
    if (this.#open.size >= LOOKUPS_OPEN_MAX || !this.#isWithinRate()) return undefined
    const token = ++this.#lastToken
    const lookup = { hosts, name, waiting: new Set<Session>() }
    this.#open.set(token, lookup)
    this.#byName.set(key, lookup)
    this.#asked.push({ token, childSlot: hosts.childSlot, pool: hosts.pool, name })
    this.#loop.later(this)
    return lookup
  }

  /** Closes a lookup; undefined: there is none with this token. */
  take(token: number): Lookup | undefined {
    const lookup = this.#open.get(token)
    if (lookup === undefined) return undefined
    this.#open.delete(token)
    this.#byName.delete(keyOf(lookup.hosts, lookup.name))
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

/** Answers depend on the route, and generations have routes of their own. */
function keyOf({ childSlot, pool }: DynamicHosts, name: string): string {
  return `${childSlot} ${pool} ${name}`
}
