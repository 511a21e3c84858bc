/** Decides which remotes are down, from the evidence of all children. */
import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** A connection that succeeds sooner than this after a failure does not end the outage: the verdict would flap. */
const OUTAGE_MIN_MS = 500

/** State of one remote; times are those of the evidence. */
interface Health {
  isDown: boolean
  /** Times of the connection that ended the last outage, and of the failed attempt that began it. */
  upAtMs: number
  downAtMs: number
}

/** Logs each outage and its end once, regardless of the number of children and reloads. Lives in the head. */
export class RemoteVerdicts {
  readonly #say: Say
  readonly #onVerdict: (name: string, isDown: boolean) => void
  #remotes = new Map<string, Health>()

  constructor(say: Say, onVerdict: (name: string, isDown: boolean) => void) {
    this.#say = say
    this.#onVerdict = onVerdict
  }

  /** Sets the remotes of the configuration in force. The state of known remotes is kept. */
  watch(names: readonly string[]): void {
    const before = this.#remotes
    const unknown = () => ({ isDown: false, upAtMs: Number.NEGATIVE_INFINITY, downAtMs: 0 })
    this.#remotes = new Map(names.map((name) => [name, before.get(name) ?? unknown()]))
  }

  isDown(name: string): boolean {
    return this.#remotes.get(name)?.isDown === true
  }

  record({ atMs, isUp, name, startedMs, why }: RemoteEvidence): void {
    const health = this.#remotes.get(name)
    // Evidence that agrees with the verdict, as from several children at once, changes nothing.
    if (health === undefined || health.isDown !== isUp) return
    if (isUp) {
      if (atMs < health.downAtMs + OUTAGE_MIN_MS) return
      health.upAtMs = atMs
      this.#say(NOTICE, `remote ${name} is up again`)
    } else {
      // The attempt began before the remote was up again: it belongs to the last outage.
      if (startedMs <= health.upAtMs) return
      health.downAtMs = atMs
      this.#say(WARNING, `remote ${name} is down: ${why}`)
    }
    health.isDown = !isUp
    this.#onVerdict(name, health.isDown)
  }
}
