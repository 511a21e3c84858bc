/** The limits of one session: its lifetime, the client's first byte, slow peers, and the rates of both directions. */
import type { Limiter } from '../../admission/limiter.js'
import { UNTRACKED } from '../../base/limit-taking.js'
import { Timer, type TimerOwner } from '../../reactor/timers.js'
import { closeInOrder } from '../opening/close-in-order.js'
import type { Session } from '../session.js'
import { type SessionLimits, UNLIMITED } from '../session-limits.js'
import type { Direction } from './direction.js'
import { Pacing } from './pacing.js'

/** A session without data for this long is between two requests: in most protocols its peers take an end well. */
const QUIET_MS = 500

/**
 * At the end of its lifetime a session may be in the middle of a transfer, which a FIN would make look complete. It has
 * this time to become quiet, and is then reset.
 */
const BUSY_MAX_MS = 5_000

/** How often a busy session is looked at in that time. */
const LOOK_EVERY_MS = 100

/** The golden ratio: its multiples, without their whole part, are spread evenly, however many there are. */
const SPREAD = 0.6180339887498949

const NO_LIMITERS: readonly Limiter[] = []

/** Allocated for the first session of a record with limits, and reused. */
export class SessionGuard implements TimerOwner {
  readonly #session: Session
  readonly #timer: Timer = new Timer(this)
  readonly #toRemote: Pacing
  readonly #toClient: Pacing
  #limits: SessionLimits = UNLIMITED
  /** Of the loop. */
  #endsAtMs = Number.POSITIVE_INFINITY
  #firstByteUntilMs = Number.POSITIVE_INFINITY

  constructor(session: Session) {
    this.#session = session
    this.#toRemote = new Pacing(session.toRemote)
    this.#toClient = new Pacing(session.toClient)
  }

  /** The options of the session are known. */
  begin(limits: SessionLimits): void {
    const { acceptedAtMs, sequence } = this.#session
    this.#limits = limits
    this.#firstByteUntilMs = Number.POSITIVE_INFINITY
    const jitter = limits.lifetimeJitter * ((sequence * SPREAD) % 1)
    this.#endsAtMs = acceptedAtMs + limits.maxLifetimeMs * (1 - jitter)
    this.#wait(this.#endsAtMs)
  }

  /** The session starts to relay. The first bytes of the client may have been sent. */
  startRelaying(): void {
    this.#limitRates(this.#session.toRemote.bytes)
  }

  /** The session goes on after it was frozen. */
  resumeRelaying(): void {
    this.#limitRates(0)
  }

  /** The session is closed or frozen. */
  end(): void {
    const { loop } = this.#session.relay
    loop.timers.unset(this.#timer)
    this.#toRemote.end(loop.nowMs)
    this.#toClient.end(loop.nowMs)
  }

  /** Bytes begin to wait for the sink of a direction. */
  fellBehind(way: Direction, pacing: Pacing): void {
    const { minBytesPerS, minRateWindowMs } = this.#limits
    if (minBytesPerS === 0) return
    pacing.behindSinceMs = this.#session.relay.loop.nowMs
    pacing.takenBefore = taken(way)
    this.#wait(pacing.behindSinceMs + minRateWindowMs)
  }

  onTimer(): void {
    const session = this.#session
    const { nowMs } = session.relay.loop
    const isOpening = session.phase === 'dialling' || session.phase === 'queued'
    // A session with a failed side ends by itself, within seconds.
    if (session.broken !== undefined) return
    if (nowMs >= this.#firstByteUntilMs) this.#firstByteDue()
    if (nowMs >= this.#endsAtMs && session.phase !== 'closed') {
      if (isOpening) this.#endUnserved()
      else this.#endLifetime(nowMs)
    }
    this.#checkProgress(session.toRemote, this.#toRemote, nowMs)
    this.#checkProgress(session.toClient, this.#toClient, nowMs)
    if (session.phase === 'closed') return
    const againMs = nowMs >= this.#endsAtMs ? nowMs + LOOK_EVERY_MS : this.#endsAtMs
    this.#wait(Math.min(againMs, this.#firstByteUntilMs))
  }

  /** `unpaidBytes`: what was sent to the remote before. */
  #limitRates(unpaidBytes: number): void {
    const { bytesInPerS, bytesOutPerS, firstByteTimeoutMs } = this.#limits
    const { relay, toClient, toRemote } = this.#session
    this.#shareRates()
    this.#limitRate(toRemote, this.#toRemote, bytesInPerS, unpaidBytes)
    this.#limitRate(toClient, this.#toClient, bytesOutPerS, 0)
    if (!this.#isSilent) return
    this.#firstByteUntilMs = relay.loop.nowMs + firstByteTimeoutMs
    this.#wait(this.#firstByteUntilMs)
  }

  /** The buckets of its keys. */
  #shareRates(): void {
    const { limitPlaces, relay } = this.#session
    for (const limiter of relay.limits?.limits.ofBytes ?? NO_LIMITERS) {
      const entry = limitPlaces?.entryOf(limiter) ?? UNTRACKED
      const { paidUntilMs, plan } = limiter
      if (entry === UNTRACKED || paidUntilMs === undefined || plan.bytes === undefined) continue
      const { inPerS, outPerS } = plan.bytes
      if (inPerS < Number.POSITIVE_INFINITY) this.#toRemote.share(inPerS, paidUntilMs, 2 * entry)
      if (outPerS < Number.POSITIVE_INFINITY) this.#toClient.share(outPerS, paidUntilMs, 2 * entry + 1)
    }
  }

  #limitRate(way: Direction, pacing: Pacing, bytesPerS: number, unpaidBytes: number): void {
    const { nowMs } = this.#session.relay.loop
    if (bytesPerS < Number.POSITIVE_INFINITY) pacing.limit(bytesPerS, nowMs)
    if (!pacing.isLimited && this.#limits.minBytesPerS === 0) return
    way.pacing = pacing
    pacing.begin(unpaidBytes, nowMs)
  }

  get #isSilent(): boolean {
    const { bytes, hasEnded, isAsleep, waitingBytes } = this.#session.toRemote
    return bytes === 0 && waitingBytes === 0 && !hasEnded && !isAsleep
  }

  #firstByteDue(): void {
    this.#firstByteUntilMs = Number.POSITIVE_INFINITY
    if (!this.#isSilent) return
    if (this.#session.isIdleSince(this.#session.relay.loop.nowMs)) this.#session.endIdle('first-byte-timeout')
    else this.#session.cut('first-byte-timeout')
  }

  /** The client has no remote yet. */
  #endUnserved(): void {
    const { client } = this.#session
    client.transport.sendEnd(client)
    closeInOrder(this.#session, 'max-lifetime')
  }

  #endLifetime(nowMs: number): void {
    if (this.#session.isIdleSince(nowMs - QUIET_MS)) this.#session.endIdle('max-lifetime')
    else if (nowMs >= this.#endsAtMs + BUSY_MAX_MS) this.#session.cut('max-lifetime')
  }

  /** Ends the session if the sink of a direction has taken too little in the last window. */
  #checkProgress(way: Direction, pacing: Pacing, nowMs: number): void {
    const { minBytesPerS, minRateWindowMs } = this.#limits
    const forMs = nowMs - pacing.behindSinceMs
    if (forMs < 0 || this.#session.phase === 'closed') return
    if (forMs >= minRateWindowMs) {
      const bytesPerS = ((taken(way) - pacing.takenBefore) / forMs) * 1_000
      if (bytesPerS < minBytesPerS) {
        this.#endSlow(way, bytesPerS)
        return
      }
      this.fellBehind(way, pacing)
    } else this.#wait(pacing.behindSinceMs + minRateWindowMs)
  }

  #endSlow({ sink }: Direction, bytesPerS: number): void {
    const side = sink.isClient ? 'client' : 'remote'
    sink.noteCause(`the ${side} took ${Math.floor(bytesPerS)} bytes/s`)
    this.#session.cut('min-rate')
  }

  /** Sets the timer, unless it is due before that. */
  #wait(untilMs: number): void {
    const { timers } = this.#session.relay.loop
    if (untilMs === Number.POSITIVE_INFINITY) return
    if (!this.#timer.isSet || this.#timer.dueMs > untilMs) timers.set(this.#timer, untilMs)
  }
}

/** Bytes that the peer has taken: what its kernel has acknowledged, because ours takes megabytes for a peer that reads nothing. */
function taken({ bytes, sink, source }: Direction): number {
  const { calls } = source.session.relay.system
  return bytes - Math.max(0, sink.transport.unsentBytes(calls, sink.fd))
}

/** The options of a session are known: what it is limited by, if anything. */
export function guardSession(session: Session): void {
  const { options, relay } = session
  const isOfBytes = relay.limits !== undefined && relay.limits.limits.ofBytes.length > 0
  if (options.limits === undefined && !isOfBytes) return
  session.guard ??= new SessionGuard(session)
  session.guard.begin(options.limits ?? UNLIMITED)
  session.isGuarded = true
}
