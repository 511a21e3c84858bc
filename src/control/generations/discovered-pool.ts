/** The members of one pool: from the answers of its source to the slots of generations, and to one log line for each change. */
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
import type { Resolver } from '../../services/resolver.js'
import { MemberAddresses } from './member-addresses.js'
import { changesText } from './member-changes-text.js'
import type { PlacedChanges, PlacedMember } from './placed-member.js'

/** How often a slot is looked for while a member has none. */
const RETRY_SLOTS_MS = 1_000

/** Limits the log lines about failures for the same reason, and about what answers lack. */
const TELL_EVERY_MS = 30_000

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
  /** Settles when there are members whose names have been looked up once, or when the source has answered or failed. */
  readonly ready: Promise<unknown>
  readonly #parts: DiscoveredPoolParts
  #plan: DiscoverPlan
  readonly #members: PoolMembers
  readonly #slots: SlotTable
  readonly #placed = new Map<string, PlacedMember>()
  readonly #addresses: MemberAddresses
  /** Members that found no slot. */
  #waiting: readonly FoundMember[] = []
  #source: Source | undefined
  /** Sources are opened and may be replaced before they are loaded: only the last one is heard. */
  #opened = 0
  #hasProblem = false
  /** The present problem has been told. */
  #isProblemTold = false
  #toldProblem = ''
  #problemToldAtMs = Number.NEGATIVE_INFINITY
  /** Of the last answer, as it has been told. */
  #lack: string | undefined
  #lackToldAtMs = Number.NEGATIVE_INFINITY
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
    this.#addresses = new MemberAddresses(parts.resolver, (names) =>
      parts.boundary.run(
        'addresses of members',
        () => this.#refresh(names),
        () => {},
      ),
    )
    const heard = new Promise<void>((resolve) => {
      this.#onHeard = resolve
    })
    this.#placeAll(known)
    this.ready = known.length > 0 ? this.#addresses.looked : heard.then(() => this.#addresses.looked)
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
    // What was said of the other source does not concern this one.
    this.#hasProblem = false
    this.#problemToldAtMs = Number.NEGATIVE_INFINITY
    this.#lack = undefined
    this.#forgetDoubt()
    this.#open()
  }

  close(): void {
    this.#isClosed = true
    this.#source?.close()
    clearTimeout(this.#again)
    clearTimeout(this.#retry)
    this.#addresses.close()
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
    if (this.#hasProblem && this.#isProblemTold) this.#tell(NOTICE, 'the source of members answers again')
    this.#hasProblem = false
    if (lack !== this.#lack) this.#tellLack(lack)
    const outcome = this.#members.hear(answer, this.#parts.nowMs())
    if (outcome.kind === 'doubted') this.#doubt(outcome.doubt)
    else clearTimeout(this.#again)
    if (outcome.kind === 'changes') this.#apply(outcome.changes)
    this.#onHeard()
  }

  #onProblem(text: string): void {
    this.#forgetDoubt()
    if (!this.#hasProblem) {
      const nowMs = this.#parts.nowMs()
      this.#isProblemTold = text !== this.#toldProblem || nowMs - this.#problemToldAtMs >= TELL_EVERY_MS
      if (this.#isProblemTold) {
        this.#toldProblem = text
        this.#problemToldAtMs = nowMs
        this.#tell(WARNING, `cannot find members: ${text}`)
      }
    }
    this.#hasProblem = true
    this.#onHeard()
  }

  #tellLack(lack: string | undefined): void {
    const nowMs = this.#parts.nowMs()
    if (lack !== undefined && nowMs - this.#lackToldAtMs < TELL_EVERY_MS) return
    this.#lackToldAtMs = nowMs
    this.#lack = lack
    if (lack === undefined) this.#tell(NOTICE, 'all of the answer can be used again')
    else this.#tell(WARNING, `a part of the answer cannot be used: ${lack}`)
  }

  #forgetDoubt(): void {
    this.#members.forgetDoubt()
    clearTimeout(this.#again)
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
    this.#change([...joined, ...changed], gone, joined.length + left.length > 0)
  }

  /** Places these members, and tells which have changed. `areOthers`: some have come or gone. */
  #change(members: readonly FoundMember[], left: readonly number[], areOthers = true): void {
    const joined = this.#placeAll(members)
    if (joined.length + left.length > 0) this.#parts.onChanges(this.#plan.pool, { joined, left, areOthers })
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
    if (this.#waiting.length > 0)
      this.#retry ??= setTimeout(
        () =>
          this.#parts.boundary.run(
            'members without a slot',
            () => this.#retrySlots(),
            () => {},
          ),
        RETRY_SLOTS_MS,
      )
    return placed
  }

  #retrySlots(): void {
    this.#retry = undefined
    this.#change(this.#waiting, [])
  }

  #remove(name: string): readonly number[] {
    this.#addresses.forget(name)
    this.#placed.delete(name)
    const index = this.#slots.leave(name, this.#parts.nowMs())
    return index === undefined ? [] : [index]
  }

  /** Undefined: there is no slot for it now. */
  #place(member: FoundMember): PlacedMember | undefined {
    const { name, tier, weight } = member
    const { isInUse } = this.#parts
    const isTaken = (slot: number) => isInUse(this.#plan.pool, slot)
    const index = this.#slots.enter(name, isTaken, this.#parts.nowMs())
    if (index === undefined) return undefined
    const placed = { index, name, addresses: this.#addresses.of(member), weight, tier }
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

  /** These members have other addresses. */
  #refresh(names: readonly string[]): void {
    const present = new Map(this.#members.present.map((member) => [member.name, member]))
    const members = names.flatMap((name) => (this.#placed.has(name) ? (present.get(name) ?? []) : []))
    this.#change(members, [], false)
  }

  #tell(severity: number, text: string): void {
    this.#parts.say(severity, `pool ${this.#plan.pool}: ${text}`)
  }
}
