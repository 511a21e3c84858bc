/** What remotes want by their checks: a part of their weight, an admin state. Lives in the head, for all generations. */
import { NOTICE } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { ProbeAdvice } from './probe-checks.js'

/** What a remote wants. */
export interface Advice extends Required<ProbeAdvice> {
  /** When its admin state ceased to be `ready`, CLOCK_MONOTONIC; 0: it is ready. */
  readonly drainsSinceMs: number
}

/** Until a remote has advised something. */
const CONFIGURED: Advice = { weightPercent: 100, adminState: 'ready', drainsSinceMs: 0 }

export class RemoteAdvice {
  readonly #say: Say
  readonly #nowMs: () => number
  readonly #onChange: (name: string, advice: Advice) => void
  /** Those that differ, or have differed, from the configuration. */
  #known = new Map<string, Advice>()

  /** `nowMs`: CLOCK_MONOTONIC. */
  constructor(say: Say, onChange: (name: string, advice: Advice) => void, nowMs: () => number) {
    this.#say = say
    this.#nowMs = nowMs
    this.#onChange = onChange
  }

  /** Sets the remotes of the configuration in force that give advice; what others have said is forgotten. */
  watch(names: ReadonlySet<string>): void {
    this.#known = new Map([...this.#known].filter(([name]) => names.has(name)))
  }

  of(name: string): Advice | undefined {
    return this.#known.get(name)
  }

  /** A check has ended. What it does not mention is as before. Each change is logged once. */
  hear(name: string, said: ProbeAdvice | undefined): void {
    if (said === undefined) return
    const before = this.#known.get(name) ?? CONFIGURED
    const { adminState, weightPercent } = { ...before, ...said }
    // From `drain` to `maint` the time goes on.
    const drainsSinceMs = adminState === 'ready' ? 0 : before.drainsSinceMs || this.#nowMs()
    const advice = { adminState, weightPercent, drainsSinceMs }
    const changes = [
      ...(weightPercent === before.weightPercent ? [] : [`${weightPercent} % of its weight`]),
      ...(adminState === before.adminState ? [] : [`the admin state ${adminState}`]),
    ]
    if (changes.length === 0) return
    this.#known.set(name, advice)
    this.#say(NOTICE, `remote ${name}: its agent sets ${changes.join(' and ')}`)
    this.#onChange(name, advice)
  }
}
