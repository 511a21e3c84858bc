/** The limits of a configuration in one worker: which of them apply to a client, and when. */
import type { Limiter } from './limiter.js'

/** What limits depend on of a listener. */
export interface LimitedListener {
  /** `ListenerPlan.block`. */
  readonly block: number
}

/** More than there are slots of listeners: makes one number of a pool and a slot. */
const SLOTS_MAX = 2 ** 20

export class Limits {
  readonly all: readonly Limiter[]
  /** By slot of the listener. */
  readonly #early: readonly (readonly Limiter[])[]
  readonly #late: readonly (readonly Limiter[])[]
  /** By listener and pool. */
  readonly #ofPools = new Map<number, readonly Limiter[]>()
  /** For clients whose listener is not known: those of a classic master. */
  readonly #earlyOfSection: readonly Limiter[]
  readonly #lateOfSection: readonly Limiter[]
  readonly #needsPool: boolean
  /** Those that limit bytes. */
  readonly ofBytes: readonly Limiter[]

  constructor(all: readonly Limiter[], listeners: readonly LimitedListener[]) {
    this.all = all
    this.ofBytes = all.filter(({ plan }) => plan.bytes !== undefined)
    const early = all.filter(isEarly)
    const late = all.filter((limiter) => !isEarly(limiter) && limiter.plan.scope.of !== 'pool')
    this.#early = listeners.map(({ block }) => early.filter((limiter) => isOf(limiter, block)))
    this.#late = listeners.map(({ block }) => late.filter((limiter) => isOf(limiter, block)))
    this.#earlyOfSection = early.filter(({ plan }) => plan.scope.of === 'section')
    this.#lateOfSection = late.filter(({ plan }) => plan.scope.of === 'section')
    this.#needsPool = all.some(({ plan }) => plan.scope.of === 'pool' || plan.key.by === 'pool')
  }

  /** Those that need the address of a client only. */
  early(listenerSlot: number): readonly Limiter[] {
    return this.#early[listenerSlot] ?? this.#earlyOfSection
  }

  /** Whether limits apply when the facts are there. */
  hasLate(listenerSlot: number): boolean {
    return this.#needsPool || (this.#late[listenerSlot] ?? this.#lateOfSection).length > 0
  }

  /** Whether those that apply then depend on the pool. */
  get needsPool(): boolean {
    return this.#needsPool
  }

  /** Those that apply when the facts are there. `pool`: the index of the pool of the client; undefined: it is not needed. */
  late(listenerSlot: number, pool: number | undefined): readonly Limiter[] {
    const late = this.#late[listenerSlot] ?? this.#lateOfSection
    if (pool === undefined) return late
    const key = pool * SLOTS_MAX + listenerSlot
    let found = this.#ofPools.get(key)
    if (found === undefined) {
      found = [
        ...late,
        ...this.all.filter(({ plan: { scope } }) => scope.of === 'pool' && scope.pool === pool),
      ]
      this.#ofPools.set(key, found)
    }
    return found
  }
}

function isEarly({ plan: { key, scope } }: Limiter): boolean {
  return scope.of !== 'pool' && (key.by === 'all' || key.by === 'listener' || key.by === 'source')
}

function isOf({ plan: { scope } }: Limiter, block: number): boolean {
  return scope.of === 'section' || (scope.of === 'listener' && scope.block === block)
}
