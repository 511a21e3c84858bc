/** Decides which remotes are down: by their health checks, or else from the evidence of all children. */
import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { ProbePlan, ProbeResult } from './probe-plan.js'
import type { Pace } from './prober.js'

/** A connection that succeeds sooner than this after a failure does not end the outage: the verdict would flap. */
const OUTAGE_MIN_MS = 500

/** What the workers read of a remote. */
export interface Verdict {
  readonly isDown: boolean
  /** It is down and gets no clients. Otherwise the workers go by their own back-off. */
  readonly isExcluded: boolean
  /** When its last outage ended, CLOCK_MONOTONIC; 0: it has not had one. */
  readonly upAtMs: number
}

const NO_OUTAGE: Verdict = { isDown: false, isExcluded: false, upAtMs: 0 }

/** Results in a row that end an outage, and that begin one; the first result of all decides alone. */
type Thresholds = Pick<ProbePlan, 'fall' | 'rise'>

/** State of one remote; times are those of the evidence. */
interface Health {
  isDown: boolean
  /** Times of the connection that ended the last outage, and of the failed attempt that began it. */
  upAtMs: number
  downAtMs: number
  /** Duration of its slow start; 0: it has none. */
  slowStartMs: number
  /** Undefined: it has no health check, and its clients are the evidence. */
  thresholds: Thresholds | undefined
  /** A check has had a result. */
  isChecked: boolean
  /** Results in a row that contradict `isDown`. */
  contrary: number
}

export interface WatchedRemote {
  readonly name: string
  /** @default 0 */
  readonly slowStartMs?: number
  /** Of its health check; undefined: it has none. */
  readonly thresholds?: Thresholds | undefined
}

/** Logs each outage and its end once, regardless of the number of children and reloads. Lives in the head. */
export class RemoteVerdicts {
  readonly #say: Say
  readonly #onVerdict: (name: string, verdict: Verdict) => void
  readonly #nowMs: () => number
  #remotes = new Map<string, Health>()

  /** `nowMs`: CLOCK_MONOTONIC. */
  constructor(say: Say, onVerdict: (name: string, verdict: Verdict) => void, nowMs: () => number) {
    this.#say = say
    this.#onVerdict = onVerdict
    this.#nowMs = nowMs
  }

  /** Sets the remotes of the configuration in force. The state of known remotes is kept. */
  watch(remotes: readonly WatchedRemote[]): void {
    const before = this.#remotes
    this.#remotes = new Map(remotes.map((remote) => [remote.name, healthOf(remote, before.get(remote.name))]))
    for (const [name, health] of this.#remotes) {
      const old = before.get(name)
      // A health check that is new, or is gone, changes what a remote that is down gets.
      if (old !== undefined && verdictOf(old).isExcluded !== verdictOf(health).isExcluded)
        this.#onVerdict(name, verdictOf(health))
    }
  }

  of(name: string): Verdict {
    const health = this.#remotes.get(name)
    return health === undefined ? NO_OUTAGE : verdictOf(health)
  }

  /** A health check has ended. Returns how soon the next one is due. */
  check(name: string, { isUp, text }: Pick<ProbeResult, 'isUp' | 'text'>): Pace {
    const health = this.#remotes.get(name)
    if (health?.thresholds === undefined) return 'up'
    health.contrary = health.isDown === isUp ? health.contrary + 1 : 0
    const { fall, rise } = health.thresholds
    const needed = health.isChecked ? (isUp ? rise : fall) : 1
    health.isChecked = true
    if (health.contrary >= needed) {
      health.contrary = 0
      this.#change(name, health, isUp, this.#nowMs(), text)
    }
    if (health.contrary > 0) return 'changing'
    return health.isDown ? 'down' : 'up'
  }

  /** What a session has seen of a remote. A health check knows better. */
  record({ isUp, name, startedMs, why, ...evidence }: RemoteEvidence): void {
    const health = this.#remotes.get(name)
    // Evidence that agrees with the verdict, as from several children at once, changes nothing.
    if (health === undefined || health.thresholds !== undefined || health.isDown !== isUp) return
    // A compromised child may have written any time.
    const atMs = Math.min(evidence.atMs, this.#nowMs())
    // It is served again too soon, or the attempt began before it was up again and belongs to the last outage.
    if (isUp ? atMs < health.downAtMs + OUTAGE_MIN_MS : startedMs <= health.upAtMs) return
    this.#change(name, health, isUp, atMs, why)
  }

  #change(name: string, health: Health, isUp: boolean, atMs: number, why: string): void {
    health.isDown = !isUp
    if (isUp) {
      health.upAtMs = atMs
      const ramp = health.slowStartMs > 0 ? `, slow start over ${health.slowStartMs / 1_000} s` : ''
      this.#say(NOTICE, `remote ${name} is up again${ramp}`)
    } else {
      health.downAtMs = atMs
      const by = health.thresholds === undefined ? '' : 'health check: '
      this.#say(WARNING, `remote ${name} is down: ${by}${why}`)
    }
    this.#onVerdict(name, verdictOf(health))
  }
}

function healthOf({ slowStartMs = 0, thresholds }: WatchedRemote, before: Health | undefined): Health {
  const known = before ?? { isDown: false, upAtMs: 0, downAtMs: 0, isChecked: false, contrary: 0 }
  const isChecked = known.isChecked && thresholds !== undefined
  return { ...known, slowStartMs, thresholds, isChecked }
}

function verdictOf({ isDown, thresholds, upAtMs }: Health): Verdict {
  return { isDown, isExcluded: isDown && thresholds !== undefined, upAtMs }
}
