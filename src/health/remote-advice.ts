/** What remotes want by their checks: a part of their weight, an admin state. Lives in the head, for all generations. */
import { NOTICE } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { ProbeAdvice } from './probe-checks.js'

/** Until a remote has advised something. */
const CONFIGURED: Required<ProbeAdvice> = { weightPercent: 100, adminState: 'ready' }

export class RemoteAdvice {
  readonly #say: Say
  readonly #onChange: (name: string, advice: Required<ProbeAdvice>) => void
  /** Those that differ, or have differed, from the configuration. */
  #known = new Map<string, Required<ProbeAdvice>>()

  constructor(say: Say, onChange: (name: string, advice: Required<ProbeAdvice>) => void) {
    this.#say = say
    this.#onChange = onChange
  }

  /** Sets the remotes of the configuration in force that give advice; what others have said is forgotten. */
  watch(names: ReadonlySet<string>): void {
    this.#known = new Map([...this.#known].filter(([name]) => names.has(name)))
  }

  of(name: string): Required<ProbeAdvice> | undefined {
    return this.#known.get(name)
  }

  /** A check has ended. What it does not mention is as before. Each change is logged once. */
  hear(name: string, said: ProbeAdvice | undefined): void {
    if (said === undefined) return
    const before = this.#known.get(name) ?? CONFIGURED
    const advice = { ...before, ...said }
    const { adminState, weightPercent } = advice
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
