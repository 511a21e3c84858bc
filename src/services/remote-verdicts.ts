import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** A remote that takes connections again so soon has refused some, and is not up again: the log would flap. */
const OUTAGE_MIN_MS = 500

/** What is known of one remote; times are those of the evidence. */
interface Health {
  isDown: boolean
  /** The last connection that ended an outage, and the failed attempt that began one. */
  upAtMs: number
  downAtMs: number
}

/**
 * Which remotes are down, by what the sessions of all children see: the head logs an outage once, and its end once,
 * whatever the number of children and reloads.
 */
export class RemoteVerdicts {
  readonly #say: Say
  readonly #onVerdict: (name: string, isDown: boolean) => void
  #remotes = new Map<string, Health>()

  constructor(say: Say, onVerdict: (name: string, isDown: boolean) => void) {
    this.#say = say
    this.#onVerdict = onVerdict
  }

  /** The remotes of the configuration in force. What is known of those that stay is kept. */
  watch(names: readonly string[]): void {
    const before = this.#remotes
    const unknown = () => ({ isDown: false, upAtMs: Number.NEGATIVE_INFINITY, downAtMs: 0 })
    this.#remotes = new Map(names.map((name) => [name, before.get(name) ?? unknown()]))
  }

  isDown(name: string): boolean {
    return this.#remotes.get(name)?.isDown === true
  }

  hear({ atMs, isUp, name, startedMs, why }: RemoteEvidence): void {
    const health = this.#remotes.get(name)
    if (health === undefined || health.isDown !== isUp) return
    if (isUp) {
      if (atMs < health.downAtMs + OUTAGE_MIN_MS) return
      health.upAtMs = atMs
      this.#say(NOTICE, `remote ${name} is up again`)
    } else {
      // An attempt that began before the remote was back says nothing new.
      if (startedMs <= health.upAtMs) return
      health.downAtMs = atMs
      this.#say(WARNING, `remote ${name} is down: ${why}`)
    }
    health.isDown = !isUp
    this.#onVerdict(name, health.isDown)
  }
}
