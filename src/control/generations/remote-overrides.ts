/** What administrators want of remotes, instead of what is configured. In the memory of the head, so it survives reloads. */
import type { AdminState } from '../../balance/remote-health.js'
import { NOTICE } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'

export interface RemoteOverride {
  readonly adminState: AdminState
  /** When its admin state ceased to be `ready`, CLOCK_MONOTONIC; 0: it is ready. */
  readonly drainsSinceMs: number
  /** Undefined: that of the configuration. */
  readonly weight: OverriddenWeight | undefined
}

export interface OverriddenWeight {
  readonly value: number
  /** In the configuration at that time: one that changes it counts from then on. */
  readonly insteadOf: number
}

const NOTHING: RemoteOverride = { adminState: 'ready', drainsSinceMs: 0, weight: undefined }

/** By pool and name. What is wanted of a remote that has gone is kept: it may come back. */
export class RemoteOverrides {
  readonly #say: Say
  readonly #nowMs: () => number
  readonly #known = new Map<string, RemoteOverride>()

  /** `nowMs`: CLOCK_MONOTONIC. */
  constructor(say: Say, nowMs: () => number) {
    this.#say = say
    this.#nowMs = nowMs
  }

  /** Undefined: nothing was ever wanted of it. */
  of(key: string): RemoteOverride | undefined {
    return this.#known.get(key)
  }

  setAdminState(key: string, adminState: AdminState): void {
    const before = this.of(key) ?? NOTHING
    // From `drain` to `maint` the time goes on.
    const drainsSinceMs = adminState === 'ready' ? 0 : before.drainsSinceMs || this.#nowMs()
    this.#known.set(key, { ...before, adminState, drainsSinceMs })
  }

  setWeight(key: string, weight: OverriddenWeight | undefined): void {
    this.#known.set(key, { ...(this.of(key) ?? NOTHING), weight })
  }

  /** A configuration with these weights is in force. */
  review(configured: Iterable<{ readonly key: string; readonly configuredWeight: number }>): void {
    for (const { configuredWeight, key } of configured) {
      const { weight } = this.of(key) ?? NOTHING
      if (weight === undefined || weight.insteadOf === configuredWeight) continue
      this.setWeight(key, undefined)
      this.#say(
        NOTICE,
        `remote ${key}: the configuration changes its weight to ${configuredWeight}, which replaces the weight ${weight.value} of an administrator`,
      )
    }
  }
}
