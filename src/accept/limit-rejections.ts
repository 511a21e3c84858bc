/** What happens when a limit rejects a client, with a session or without: log, bans, and how its connection ends. */
import type { Limiter, LimitFacts } from '../admission/limiter.js'
import type { Limits } from '../admission/limits.js'
import { ruleName } from '../admission/rule-name.js'
import type { BanCause, LimitAction, LimitEnd } from '../base/limit-words.js'
import type { Fd } from '../kernel/calls.js'
import { IPPROTO_TCP, TCP_REPAIR } from '../kernel/constants.js'
import type { System } from '../kernel/system.js'
import { add, COUNT } from '../observe/counters.js'
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Loop } from '../reactor/loop.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'

export interface LimitRejectionsParts {
  readonly limits: Limits
  /** As in `ClientLimits` (`relay/context.ts`). */
  readonly areJudged: boolean
  readonly loop: Loop
  readonly system: System
  readonly counters: Float64Array
  readonly log: Say
  /** Limit of connections that are held, of all limits, because they take descriptors of this process. */
  readonly heldMax: number
  /** The client's name in log lines. */
  describeClient(peer: Uint8Array): string
  /** Frees the memory of the limits. */
  close(): void
}

const WHY: Readonly<Record<LimitEnd, string>> = {
  'limit-connections': 'too many connections',
  'limit-rate': 'connects too often',
  'limit-timeout': 'waited too long',
  banned: 'banned',
}

/** What a ban counts it as. */
const CAUSES: Readonly<Partial<Record<LimitEnd, BanCause>>> = {
  'limit-connections': 'connections',
  'limit-rate': 'rate',
  'limit-timeout': 'connections',
}

export class LimitRejections {
  readonly limits: Limits
  readonly areJudged: boolean
  readonly #parts: LimitRejectionsParts
  /** Clients can cause these lines at will; the counters include all. */
  readonly #rejections: RateLimitedLog
  readonly #bans: RateLimitedLog
  #held = 0

  constructor(parts: LimitRejectionsParts) {
    this.limits = parts.limits
    this.areJudged = parts.areJudged
    this.#parts = parts
    this.#rejections = new RateLimitedLog(NOTICE, parts.log)
    this.#bans = new RateLimitedLog(WARNING, parts.log)
  }

  /** `limiter` has been aimed at the client, whose socket address is `client`. `listener`: a name. */
  report(limiter: Limiter, end: LimitEnd, client: Uint8Array, listener: string): void {
    const { describeClient, loop } = this.#parts
    const { name, position } = limiter.plan
    this.#rejections.log(loop.nowMs, () => {
      const where = `listener ${listener}, limit ${name}, rule ${ruleName(position)}`
      // The words of access rules.
      return `connection attempt from ${describeClient(client)} rejected (${where}): ${WHY[end]}`
    })
    const cause = CAUSES[end]
    if (cause !== undefined) this.#count(limiter, cause, client)
  }

  /** Something else than a limit has rejected the client. */
  countRejection(cause: BanCause, facts: LimitFacts, client: Uint8Array): void {
    for (const limiter of this.limits.early(facts.listenerSlot))
      if (limiter.counts(cause) && limiter.aim(facts)) this.#count(limiter, cause, client)
  }

  /** Ends the connection of a rejected client that has no session. Owns `fd`. */
  dispose(fd: Fd, limiter: Limiter, end: LimitEnd): void {
    const { calls } = this.#parts.system
    const action = this.actionOf(limiter, end)
    if (action === 'tarpit' && this.hold(fd, limiter)) return
    this.prepareClose(fd, action)
    calls.close(fd)
  }

  /** Waiting was in vain, or not possible. A ban is to cost as little as possible. */
  actionOf({ plan: { action } }: Limiter, end: LimitEnd): LimitAction {
    return action === 'queue' || (action === 'tarpit' && end === 'banned') ? 'close' : action
  }

  /** Sets how close(2) ends the connection. */
  prepareClose(fd: Fd, action: LimitAction): void {
    const { calls } = this.#parts.system
    if (action !== 'reset' && action !== 'drop') return
    // Sockets of other kinds than TCP have no such mode.
    if (action === 'drop' && calls.setOption(fd, IPPROTO_TCP, TCP_REPAIR, 1) >= 0) return
    calls.resetOnClose(fd)
  }

  /** Keeps the connection open for a while; false, without owning it, if as many are held as may be. */
  hold(fd: Fd, limiter: Limiter): boolean {
    const { counters, heldMax, loop } = this.#parts
    const { heldMax: ofLimit, holdMs } = limiter.plan
    if (this.#held >= heldMax || limiter.holding >= ofLimit) return false
    this.#held++
    limiter.holding++
    add(counters, COUNT.tarpitNow, 1)
    const held = new HeldClient(() => this.#release(fd, limiter))
    loop.timers.set(held.timer, loop.nowMs + holdMs)
    return true
  }

  /** Frees its memory. Connections that are held are closed at their time. */
  close(): void {
    this.#parts.close()
  }

  #release(fd: Fd, limiter: Limiter): void {
    this.#held--
    limiter.holding--
    add(this.#parts.counters, COUNT.tarpitNow, -1)
    this.#parts.system.calls.close(fd)
  }

  #count(limiter: Limiter, cause: BanCause, client: Uint8Array): void {
    const { counters, describeClient, loop } = this.#parts
    const { ban, name, position } = limiter.plan
    if (!limiter.countRejection(cause, loop.nowMs) || ban === undefined) return
    add(counters, COUNT.bans, 1)
    this.#bans.log(loop.nowMs, () => {
      const after = `${ban.after} rejections within ${ban.withinMs / 1_000} s`
      const where = `limit ${name}, rule ${ruleName(position)}`
      return `banned ${describeClient(client)} for ${ban.forMs / 1_000} s after ${after} (${where})`
    })
  }
}

/** Closed at its time, whatever the client does. */
class HeldClient implements TimerOwner {
  readonly timer = new Timer(this)
  readonly #release: () => void

  constructor(release: () => void) {
    this.#release = release
  }

  onTimer(): void {
    this.#release()
  }
}
