/** The members of one pool: from the answers of its source to the slots of generations, and to one log line for each change. */
import { parseHostLiteral, type SocketAddress, withPort } from '../../base/address.js'
import type { DiscoverPlan } from '../../discovery/discover-plan.js'
import {
  CONFIRM_AFTER_MS,
  type DoubtedAnswer,
  type MemberChanges,
  PoolMembers,
} from '../../discovery/pool-members.js'
import { SlotTable } from '../../discovery/slot-table.js'
import type { FoundMember, Source } from '../../discovery/source.js'
import { openSource } from '../../discovery/source-types.js'
import type { Boundary } from '../../observe/boundary.js'
import { NOTICE, WARNING } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import type { NameWatch, Resolver } from '../../services/resolver.js'
import { changesText } from './member-changes-text.js'
import type { PlacedChanges, PlacedMember } from './placed-member.js'

/** How often a slot is looked for while a member has none. */
const RETRY_SLOTS_MS = 1_000

export interface DiscoveredPoolParts {
  readonly say: Say
  readonly boundary: Boundary
  readonly resolver: Pick<Resolver, 'watch'>
  /** CLOCK_MONOTONIC. */
  nowMs(): number
  /** Whether sessions use the slot, in any worker. */
  isInUse(pool: string, index: number): boolean
  /** Members have changed: generations and the state file have to know. */
  onChanges(pool: string, changes: PlacedChanges): void
  readonly open?: typeof openSource
}

export class DiscoveredPool {
  /** Settles with the first answer or problem of the source. */
  readonly heard: Promise<void>
  readonly #parts: DiscoveredPoolParts
  #plan: DiscoverPlan
  readonly #members: PoolMembers
  readonly #slots: SlotTable
  readonly #placed = new Map<string, PlacedMember>()
  /** Of members with a host name. */
  readonly #names = new Map<string, NameWatch>()
  /** Members that found no slot. */
  #waiting: readonly FoundMember[] = []
  #source: Source | undefined
  /** Sources are opened and may be replaced before they are loaded: only the last one is heard. */
  #opened = 0
  #hasProblem = false
  /** Of the last answer, as it has been told. */
  #lack: string | undefined
  #onHeard: () => void = () => {}
  #again: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #isClosed = false

  /** `known`: the last answer before a restart. */
  constructor(plan: DiscoverPlan, known: readonly FoundMember[], parts: DiscoveredPoolParts) {
    this.#parts = parts
    this.#plan = plan
    this.#members = new PoolMembers(plan.maxRemoved, known)
    this.#slots = new SlotTable(plan.slots)
    this.heard = new Promise((resolve) => {
      this.#onHeard = resolve
    })
    this.#placeAll(known)
    this.#open()
  }

  get placed(): readonly PlacedMember[] {
    return [...this.#placed.values()]
  }

  /** The last answer that was believed. */
  get members(): readonly FoundMember[] {
    return this.#members.present
  }

  /** The plan of the generation in force. Members stay until another source answers. */
  use(plan: DiscoverPlan): void {
    const before = this.#plan
    this.#plan = plan
    this.#members.maxRemoved = plan.maxRemoved
    if (plan.slots !== before.slots) this.#resize(plan.slots)
    if (JSON.stringify(plan.source) === JSON.stringify(before.source)) return
    this.#source?.close()
    this.#open()
  }

  close(): void {
    this.#isClosed = true
    this.#source?.close()
    clearTimeout(this.#again)
    clearTimeout(this.#retry)
    for (const watch of this.#names.values()) watch.close()
    this.#onHeard()
  }

  #open(): void {
    const number = ++this.#opened
    const isCurrent = () => !this.#isClosed && number === this.#opened
    const { boundary, open = openSource } = this.#parts
    this.#source = undefined
    const events = {
      known: this.members,
      onAnswer: (members: readonly FoundMember[], lack?: string) => {
        if (isCurrent()) this.#onAnswer(members, lack)
      },
      onProblem: (text: string) => {
        if (isCurrent()) this.#onProblem(text)
      },
    }
    open(this.#plan.source, events).then(
      (source) => {
        if (isCurrent()) this.#source = source
        else source.close()
      },
      (error) =>
        boundary.failed('a source of members', error, () => events.onProblem('the source itself failed')),
    )
  }

  #onAnswer(answer: readonly FoundMember[], lack: string | undefined): void {
    if (this.#hasProblem) this.#tell(NOTICE, 'the source of members answers again')
    this.#hasProblem = false
    if (lack !== this.#lack) this.#tellLack(lack)
    const outcome = this.#members.hear(answer, this.#parts.nowMs())
    if (outcome.kind === 'doubted') this.#doubt(outcome.doubt)
    else clearTimeout(this.#again)
    if (outcome.kind === 'changes') this.#apply(outcome.changes)
    this.#onHeard()
  }

  #onProblem(text: string): void {
    if (!this.#hasProblem) this.#tell(WARNING, `cannot find members: ${text}`)
    this.#hasProblem = true
    this.#onHeard()
  }

  #tellLack(lack: string | undefined): void {
    this.#lack = lack
    if (lack === undefined) this.#tell(NOTICE, 'all of the answer can be used again')
    else this.#tell(WARNING, `a part of the answer cannot be used: ${lack}`)
  }

  #doubt({ isFirst, of, removed }: DoubtedAnswer): void {
    if (!isFirst) return
    this.#tell(
      WARNING,
      `an answer would remove ${removed} of ${of} members: they stay until another answer says the same`,
    )
    clearTimeout(this.#again)
    this.#again = setTimeout(() => this.#source?.askAgain(), CONFIRM_AFTER_MS)
  }

  #apply(changes: MemberChanges): void {
    const { changed, joined, left } = changes
    this.#tell(NOTICE, changesText(changes, this.#members.present.length))
    const gone = left.flatMap((name) => this.#remove(name))
    this.#waiting = this.#waiting.filter(({ name }) => !left.includes(name))
    this.#change([...joined, ...changed], gone)
  }

  /** Places these members, and tells which have changed. */
  #change(members: readonly FoundMember[], left: readonly number[]): void {
    const joined = this.#placeAll(members)
    if (joined.length + left.length > 0) this.#parts.onChanges(this.#plan.pool, { joined, left })
  }

  /** Those that find no slot wait. */
  #placeAll(members: readonly FoundMember[]): readonly PlacedMember[] {
    const names = new Set(members.map(({ name }) => name))
    const late: FoundMember[] = []
    const placed = members.flatMap((member) => {
      const found = this.#place(member)
      if (found === undefined) late.push(member)
      return found ?? []
    })
    const [first] = late
    if (first !== undefined && this.#waiting.length === 0)
      this.#tell(
        WARNING,
        `no slot is free for the member ${first.name}: it waits (slots = ${this.#plan.slots})`,
      )
    this.#waiting = [...this.#waiting.filter(({ name }) => !names.has(name)), ...late]
    if (this.#waiting.length > 0) this.#retry ??= setTimeout(() => this.#retrySlots(), RETRY_SLOTS_MS)
    return placed
  }

  #retrySlots(): void {
    this.#retry = undefined
    this.#change(this.#waiting, [])
  }

  #remove(name: string): readonly number[] {
    this.#names.get(name)?.close()
    this.#names.delete(name)
    this.#placed.delete(name)
    const index = this.#slots.leave(name)
    return index === undefined ? [] : [index]
  }

  /** Undefined: there is no slot for it now. */
  #place(member: FoundMember): PlacedMember | undefined {
    const { name, tier, weight } = member
    const { isInUse } = this.#parts
    const index = this.#slots.enter(name, (slot) => isInUse(this.#plan.pool, slot))
    if (index === undefined) return undefined
    const placed = { index, name, addresses: this.#addressesOf(member), weight, tier }
    this.#placed.set(name, placed)
    return placed
  }

  #resize(slots: number): void {
    const lost = new Set(this.#slots.resize(slots))
    // Generations with more slots have them there still.
    const left = [...lost].flatMap((name) => this.#placed.get(name)?.index ?? [])
    for (const name of lost) this.#placed.delete(name)
    const members = this.#members.present.filter(({ name }) => lost.has(name))
    this.#change(members, left)
  }

  #addressesOf(member: FoundMember): readonly SocketAddress[] {
    const { hosts, name, port } = member
    const literals = hosts.flatMap((host) => {
      const literal = parseHostLiteral(host)
      return literal === undefined ? [] : [withPort(literal, port)]
    })
    const [host] = hosts
    this.#names.get(name)?.close()
    this.#names.delete(name)
    if (literals.length > 0 || host === undefined) return literals
    const watch = this.#parts.resolver.watch([{ slot: 0, host, family: 0, port }], (_, addresses) => {
      const placed = this.#placed.get(name)
      if (placed === undefined) return
      const found = { ...placed, addresses }
      this.#placed.set(name, found)
      this.#parts.onChanges(this.#plan.pool, { joined: [found], left: [] })
    })
    this.#names.set(name, watch)
    return watch.known.get(0) ?? []
  }

  #tell(severity: number, text: string): void {
    this.#parts.say(severity, `pool ${this.#plan.pool}: ${text}`)
  }
}
