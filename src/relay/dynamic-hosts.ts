/** The hosts that clients of a dynamic route may ask for, and the answers about them that are still valid. */
import { NamePatterns } from '../admission/name-patterns.js'
import { BoundedTable } from '../base/bounded-table.js'
import type { Network } from '../base/cidr.js'
import { DynamicHost, TargetMemory } from './dynamic-host.js'
import type { HostAnswer } from './host-answer.js'

/** Names that are kept on a reactor; the head keeps more. */
const KNOWN_MAX = 1_000
const PURGE_MS = 60_000

/** A dynamic route as plain data. */
export interface DynamicPlan {
  /** Patterns of the names that clients may ask for. */
  readonly names: readonly string[]
  /** Zero: the port that the client connected to. */
  readonly port: number
  /** Time limit for the addresses of a name. */
  readonly timeoutMs: number
  /** Addresses in them are used although they are not public. */
  readonly networks: readonly Network[]
}

/** A host, or the reason why there is none. */
export type Resolution = DynamicHost | Pick<HostAnswer, 'cause' | 'reason'>

export class DynamicHosts {
  readonly childSlot: number
  readonly pool: number
  readonly timeoutMs: number
  readonly #names = new NamePatterns<true>()
  readonly #port: number
  readonly #memory = new TargetMemory()
  readonly #known = new BoundedTable<Resolution>(PURGE_MS, KNOWN_MAX)

  /** `pool`: index of its pool in the plan. */
  constructor({ names, port, timeoutMs }: DynamicPlan, pool: number, childSlot: number) {
    for (const pattern of names) this.#names.set(pattern, true)
    this.#port = port
    this.timeoutMs = timeoutMs
    this.pool = pool
    this.childSlot = childSlot
  }

  /** `name`: as `clientServerName` returns it; '' is not allowed. */
  allows(name: string): boolean {
    return this.#names.collect(name)
  }

  known(name: string, nowMs: number): Resolution | undefined {
    return this.#known.get(name, nowMs)?.value
  }

  /** Keeps the answer of a lookup. */
  settle(name: string, { addresses, cause, reason, ttlMs }: HostAnswer, nowMs: number): Resolution {
    const found =
      addresses.length === 0 ? { cause, reason } : new DynamicHost(name, addresses, this.#port, this.#memory)
    this.#known.set(name, found, nowMs + ttlMs)
    return found
  }

  /** Frees native memory when no session is left. */
  close(): void {
    this.#memory.close()
  }
}
