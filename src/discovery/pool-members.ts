/**
 * The members of one pool that discovery has found, and what an answer of its source changes. Pure: time is an argument.
 * Only an answer removes members, and one that would remove too many has to be confirmed: registries that have lost their
 * data, or see a part of the network only, answer like healthy ones.
 */
import type { FoundMember } from './source.js'

/** An answer that removes too many is believed if another one, so much later, removes the same or fewer of them. */
export const CONFIRM_AFTER_MS = 5_000

/** An older doubt is about another time. */
const CONFIRM_WITHIN_MS = 60_000

export interface MemberChanges {
  /** New ones, and those that have changed. */
  readonly joined: readonly FoundMember[]
  readonly changed: readonly FoundMember[]
  /** Names. */
  readonly left: readonly string[]
}

/** An answer that has to be confirmed. */
export interface DoubtedAnswer {
  readonly removed: number
  readonly of: number
  /** It is the first one since an answer that was believed. */
  readonly isFirst: boolean
}

export type Outcome =
  | { readonly kind: 'changes'; readonly changes: MemberChanges }
  | { readonly kind: 'doubted'; readonly doubt: DoubtedAnswer }
  | { readonly kind: 'nothing' }

export class PoolMembers {
  /** Members that an answer may remove at once, as a part of all. */
  maxRemoved: number
  #present: ReadonlyMap<string, FoundMember>
  /** The first answer that has to be confirmed: when it came, and what it would remove; undefined: the last one was believed. */
  #doubted: { readonly atMs: number; readonly removed: ReadonlySet<string> } | undefined

  /** `known`: from a state file, or from before. */
  constructor(maxRemoved: number, known: readonly FoundMember[] = []) {
    this.maxRemoved = maxRemoved
    this.#present = byName(known)
  }

  get present(): readonly FoundMember[] {
    return [...this.#present.values()]
  }

  hear(answer: readonly FoundMember[], nowMs: number): Outcome {
    const next = byName(answer)
    const left = [...this.#present.keys()].filter((name) => !next.has(name))
    const doubt = this.#doubt(left, nowMs)
    if (doubt !== undefined) return { kind: 'doubted', doubt }
    const joined = [...next.values()].filter(({ name }) => !this.#present.has(name))
    const changed = [...next.values()].filter((member) => {
      const before = this.#present.get(member.name)
      return before !== undefined && !isSame(before, member)
    })
    this.#present = next
    this.#doubted = undefined
    if (joined.length + changed.length + left.length === 0) return { kind: 'nothing' }
    return { kind: 'changes', changes: { joined, changed, left } }
  }

  /** The source has failed, or is another one: the next answer confirms nothing. */
  forgetDoubt(): void {
    this.#doubted = undefined
  }

  #doubt(left: readonly string[], nowMs: number): DoubtedAnswer | undefined {
    const of = this.#present.size
    const removed = left.length
    if (removed <= of * this.maxRemoved) return undefined
    const doubted = this.#doubted
    const isSame =
      doubted !== undefined &&
      nowMs - doubted.atMs < CONFIRM_WITHIN_MS &&
      left.every((name) => doubted.removed.has(name))
    if (isSame && nowMs - doubted.atMs >= CONFIRM_AFTER_MS) return undefined
    if (!isSame) this.#doubted = { atMs: nowMs, removed: new Set(left) }
    return { removed, of, isFirst: !isSame }
  }
}

function byName(members: readonly FoundMember[]): ReadonlyMap<string, FoundMember> {
  return new Map(members.map((member) => [member.name, member]))
}

/** Hosts in another order are the same: name servers rotate them. */
function isSame(a: FoundMember, b: FoundMember): boolean {
  return textOf(a) === textOf(b)
}

function textOf({ hosts, port, tier, weight }: FoundMember): string {
  return JSON.stringify([[...hosts].sort(), port, tier, weight])
}
