/**
 * Decides which remotes are down: by their health checks, and by what the sessions of all children have seen. Lives in
 * the head.
 */
import { formatDuration } from '../base/duration.js'
import type { FailAfter } from '../base/fail-after.js'
import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { ProbeResult } from './probe-plan.js'
import type { Pace } from './prober.js'
import {
  type KnownState,
  mergedRemotes,
  NO_OUTAGE,
  nextState,
  type RemoteState,
  trialFrom,
  type Verdict,
  verdictOf,
  type WatchedRemote,
} from './remote-state.js'

/** A connection that succeeds sooner than this after a failure does not end the outage: the verdict would flap. */
const OUTAGE_MIN_MS = 500

/** With these a millisecond exceeds the longest time that can be configured. */
const DOUBLINGS_MAX = 41

/** A remote on trial is up if it has not failed for the time of `fail after`, but no longer than this. */
const TRIAL_MAX_MS = 10_000

export interface VerdictEvents {
  /** The verdict on a remote has changed. */
  onVerdict(name: string): void
  /** It went down or came up. */
  onFlip(name: string, flip: { readonly isUp: boolean; readonly atMs: number; readonly reason: string }): void
}

/** Logs each outage and its end once, regardless of the number of children and reloads. */
export class RemoteVerdicts {
  readonly #say: Say
  readonly #events: VerdictEvents
  readonly #nowMs: () => number
  #remotes = new Map<string, RemoteState>()
  /** Those with an ejection. */
  readonly #ejected = new Map<string, RemoteState>()

  /** `nowMs`: CLOCK_MONOTONIC. */
  constructor(say: Say, events: VerdictEvents, nowMs: () => number) {
    this.#say = say
    this.#events = events
    this.#nowMs = nowMs
  }

  /** Sets the remotes of the configuration in force. The state of known remotes is kept; `saved`: that of others. */
  watch(remotes: readonly WatchedRemote[], saved?: ReadonlyMap<string, KnownState>): void {
    const before = this.#remotes
    this.#remotes = new Map()
    for (const [name, remote] of mergedRemotes(remotes))
      this.#remotes.set(name, nextState(remote, before.get(name), saved?.get(name), this.#nowMs()))
    this.#ejected.clear()
    for (const [name, health] of this.#remotes) {
      if (health.ejection !== undefined) this.#ejected.set(name, health)
      const old = before.get(name)
      // Only after a restart a new remote is down.
      if (old === undefined && health.isDown)
        this.#say(WARNING, `remote ${name} is down: it was when the program stopped`)
      const wasExcluded = old !== undefined && verdictOf(old).isExcluded
      // A health check that is new, or is gone, changes what a remote that is down gets.
      if (verdictOf(health).isExcluded !== wasExcluded || (old === undefined && health.isDown))
        this.#events.onVerdict(name)
    }
  }

  of(name: string): Verdict {
    const health = this.#remotes.get(name)
    return health === undefined ? NO_OUTAGE : verdictOf(health)
  }

  get names(): Iterable<string> {
    return this.#remotes.keys()
  }

  /** Of the state file. Undefined: nothing is known of the remote yet. */
  stateOf(name: string): KnownState | undefined {
    const { isDown = false, sinceMs } = this.#remotes.get(name) ?? {}
    return sinceMs === undefined ? undefined : { isDown, sinceMs }
  }

  /** A health check has ended. Returns how soon the next one is due. */
  check(name: string, { isUp, text }: Pick<ProbeResult, 'isUp' | 'text'>): Pace {
    const health = this.#remotes.get(name)
    if (health?.thresholds === undefined) return 'up'
    health.streak = health.isPassing === isUp ? health.streak + 1 : 1
    health.isPassing = isUp
    const { fall, rise } = health.thresholds
    const isEnough = !health.isChecked || health.streak >= (isUp ? rise : fall)
    health.isChecked = true
    if (isEnough) this.#decideByCheck(name, health, isUp, text)
    if (isUp === health.isDown) return 'changing'
    return health.isDown ? 'down' : 'up'
  }

  #decideByCheck(name: string, health: RemoteState, isUp: boolean, text: string): void {
    const { ejection, isDown } = health
    if (isUp) {
      const isOver = ejection === undefined || this.#nowMs() >= ejection.untilMs
      if (isDown && isOver) this.#comeUp(name, health, this.#nowMs())
    } else if (!isDown) this.#goDown(name, health, this.#nowMs(), `health check: ${text}`)
    else if (ejection !== undefined) {
      // The limits of ejection no longer apply.
      this.#endEjection(name, health)
      this.#events.onVerdict(name)
    }
    if (health.sinceMs === undefined) health.sinceMs = this.#nowMs()
  }

  /** What a session has seen of a remote. */
  record({ isUp, name, startedMs, why, ...evidence }: RemoteEvidence): void {
    const health = this.#remotes.get(name)
    if (health === undefined) return
    // A compromised child may have written any time.
    const atMs = Math.min(evidence.atMs, this.#nowMs())
    if (health.failAfter !== undefined)
      this.#weigh(name, health, health.failAfter, { isUp, startedMs, atMs, why })
    // A check knows better; evidence that agrees with the verdict, as from several children at once, changes nothing.
    else if (health.thresholds !== undefined || health.isDown !== isUp) return
    else if (isUp) {
      // It is served again too soon.
      if (atMs >= health.downAtMs + OUTAGE_MIN_MS) this.#comeUp(name, health, atMs)
    }
    // Otherwise the attempt began before it was up again and belongs to the last outage.
    else if (startedMs > health.upAtMs) this.#goDown(name, health, atMs, why)
  }

  /** Ends exclusions and trials whose time is over. To be called several times a second while `hasEjected`. */
  expire(): void {
    const nowMs = this.#nowMs()
    for (const [name, health] of this.#ejected) {
      const { ejection } = health
      if (ejection === undefined || health.thresholds !== undefined) continue
      if (ejection.isOnTrial) {
        const provenMs = Math.min(health.failAfter?.withinMs ?? 0, TRIAL_MAX_MS)
        if (ejection.provenAtMs > 0 && nowMs >= ejection.provenAtMs + provenMs)
          this.#comeUp(name, health, nowMs)
      } else if (nowMs >= ejection.untilMs) {
        health.ejection = trialFrom(nowMs)
        health.window?.clear()
        this.#events.onVerdict(name)
      }
    }
  }

  get hasEjected(): boolean {
    return this.#ejected.size > 0
  }

  /** Evidence about a remote with `fail after`. */
  #weigh(
    name: string,
    health: RemoteState,
    { count, withinMs }: FailAfter,
    { atMs, isUp, startedMs, why }: Omit<RemoteEvidence, 'name'>,
  ): void {
    const { ejection } = health
    if (!health.isDown) {
      if (isUp || startedMs <= health.upAtMs || health.window?.note(atMs) !== true) return
      const failures = count === 1 ? '' : `${count} failures in ${formatDuration(withinMs)}: `
      this.#eject(name, health, atMs)
      this.#goDown(name, health, atMs, `${failures}${why}`)
    } else if (ejection?.isOnTrial === true && startedMs >= ejection.trialAtMs) {
      if (isUp) {
        if (ejection.provenAtMs === 0) ejection.provenAtMs = this.#nowMs()
      } else if (ejection.provenAtMs === 0 || health.window?.note(atMs) === true) {
        // The same outage: nothing is logged.
        this.#eject(name, health, atMs)
        this.#events.onVerdict(name)
      }
    }
  }

  #eject(name: string, health: RemoteState, atMs: number): void {
    const { firstMs, maxMs } = health.backOff
    const isSoon = health.isDown || atMs - health.upAtMs < maxMs
    health.ejections = isSoon && health.ejections > 0 ? health.ejections + 1 : 1
    const backOffMs = Math.min(firstMs * 2 ** Math.min(health.ejections - 1, DOUBLINGS_MAX), maxMs)
    const untilMs = this.#nowMs() + backOffMs
    health.ejection = { untilMs, isOnTrial: false, trialAtMs: 0, provenAtMs: 0 }
    this.#ejected.set(name, health)
    // Checks from before do not count.
    health.streak = 0
  }

  #endEjection(name: string, health: RemoteState): void {
    health.ejection = undefined
    this.#ejected.delete(name)
  }

  #goDown(name: string, health: RemoteState, atMs: number, reason: string): void {
    const lasted =
      health.sinceMs === undefined ? '' : ` (it was up for ${formatDuration(atMs - health.sinceMs)})`
    health.isDown = true
    health.downAtMs = atMs
    health.sinceMs = atMs
    this.#say(WARNING, `remote ${name} is down: ${reason}${lasted}`)
    this.#events.onFlip(name, { isUp: false, atMs, reason })
    this.#events.onVerdict(name)
  }

  #comeUp(name: string, health: RemoteState, atMs: number): void {
    const lasted =
      health.sinceMs === undefined ? '' : ` (it was down for ${formatDuration(atMs - health.sinceMs)})`
    const ramp = health.slowStartMs > 0 ? `, slow start over ${health.slowStartMs / 1_000} s` : ''
    health.isDown = false
    health.upAtMs = atMs
    health.sinceMs = atMs
    health.window?.clear()
    this.#endEjection(name, health)
    this.#say(NOTICE, `remote ${name} is up again${lasted}${ramp}`)
    this.#events.onFlip(name, { isUp: true, atMs, reason: '' })
    this.#events.onVerdict(name)
  }
}
