/** Decides which remotes are down, from the evidence of all children. */
import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** A connection that succeeds sooner than this after a failure does not end the outage: the verdict would flap. */
const OUTAGE_MIN_MS = 500

/** What the workers read of a remote. */
export interface Verdict {
  readonly isDown: boolean
  /** When its last outage ended, CLOCK_MONOTONIC; 0: it has not had one. */
  readonly upAtMs: number
}

const NO_OUTAGE: Verdict = { isDown: false, upAtMs: 0 }

/** State of one remote; times are those of the evidence. */
interface Health {
  isDown: boolean
  /** Times of the connection that ended the last outage, and of the failed attempt that began it. */
  upAtMs: number
  downAtMs: number
  /** Duration of its slow start; 0: it has none. */
  slowStartMs: number
}

export interface WatchedRemote {
  readonly name: string
  /** @default 0 */
  readonly slowStartMs?: number
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
    const unknown = () => ({ ...NO_OUTAGE, downAtMs: 0 })
    this.#remotes = new Map(
      remotes.map(({ name, slowStartMs = 0 }) => [name, { ...(before.get(name) ?? unknown()), slowStartMs }]),
    )
  }

  of(name: string): Verdict {
    return this.#remotes.get(name) ?? NO_OUTAGE
  }

  record({ isUp, name, startedMs, why, ...evidence }: RemoteEvidence): void {
    const health = this.#remotes.get(name)
    // Evidence that agrees with the verdict, as from several children at once, changes nothing.
    if (health === undefined || health.isDown !== isUp) return
    // A compromised child may have written any time.
    const atMs = Math.min(evidence.atMs, this.#nowMs())
    if (isUp) {
      if (atMs < health.downAtMs + OUTAGE_MIN_MS) return
      health.upAtMs = atMs
      const ramp = health.slowStartMs > 0 ? `, slow start over ${health.slowStartMs / 1_000} s` : ''
      this.#say(NOTICE, `remote ${name} is up again${ramp}`)
    } else {
      // The attempt began before the remote was up again: it belongs to the last outage.
      if (startedMs <= health.upAtMs) return
      health.downAtMs = atMs
      this.#say(WARNING, `remote ${name} is down: ${why}`)
    }
    health.isDown = !isUp
    this.#onVerdict(name, health)
  }
}
