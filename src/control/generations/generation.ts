/** A generation on the control thread: one configuration with its plan, shared memory and services. */
import { setTimeout as setTimeoutPromise } from 'node:timers/promises'
import type { SocketAddress } from '../../base/address.js'
import type { PollMechanism } from '../../base/poll-mechanism.js'
import type { Shape } from '../../cells/layout.js'
import type { Configuration } from '../../config/load.js'
import type { FrontRows } from '../../engine/acceptor-settings.js'
import { changed, type LiveState, NO_LIVE_STATE, type StateChange } from '../../engine/live-state.js'
import type { Plan } from '../../engine/plan.js'
import type { PoolVerdicts } from '../../health/pool-verdicts.js'
import type { ProbedRemote } from '../../health/probe-plan.js'
import type { Verdict, WatchedRemote } from '../../health/remote-state.js'
import type { Calls } from '../../kernel/calls.js'
import { RateLimitedLog } from '../../observe/rate-limited-log.js'
import { ERR } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import { compilePlan } from '../../plan/compile/compile-plan.js'
import { dynamicNames } from '../../plan/compile/dynamic-plans.js'
import { namedRemotes } from '../../plan/compile/remote-plans.js'
import { listenerNames, remoteKey } from '../../plan/compile/socket-names.js'
import type { Loaded } from '../../plan/load/load.js'
import type { CounterKeeper } from '../../services/counter-keeper.js'
import { appendKeyLine } from '../../services/key-log.js'
import type { NameWatch, Resolver } from '../../services/resolver.js'
import type { TicketKeyRing } from '../../services/ticket-keys.js'
import type { BoundListener } from '../process/listeners.js'
import { GenerationHealth, type Wishes } from './generation-health.js'
import { GenerationMembers } from './generation-members.js'
import { LimitMemories } from './limit-memories.js'
import { ListenerKeeper } from './listener-keeper.js'
import { limitsOf } from './place-limits.js'
import type { PlacedChanges, PlacedMember } from './placed-member.js'
import { SharedCells, type SlotNames } from './shared-cells.js'
import { StateKeeper } from './state-keeper.js'
import { StickyMemories } from './sticky-memories.js'
import { ticketRingFor } from './tls-tickets.js'

/** Limit of the first lookup of all names: other remotes may be usable while a name server does not answer. */
const FIRST_LOOK_MAX_MS = 2_000

export interface GenerationParts extends Wishes {
  /** Counts the generations of a process, from 1. */
  readonly serial: number
  readonly calls: Calls
  readonly say: Say
  /** Common to all generations: addresses of names outlive a reload. */
  readonly resolver: Resolver
  /** Shape of new shared memory, where that of the generation before has no room. */
  shapeOf(configuration: Configuration): Shape
  /** How reactors of this process and its children wait: a reload does not change that. */
  readonly mechanism: PollMechanism
  /** Current OCSP responses, those of other generations included. */
  readonly staples: LiveState['staples']
  /** Undefined: that of the plan. */
  readonly access: LiveState['access']
  /** What is known of a remote of this name. */
  verdictOf(remote: string): Verdict
  /** The verdicts that it applies have changed because of its own live state. */
  onPools(generation: Generation): void
  /** Members that discovery has found for a pool of this name. */
  membersOf(pool: string): readonly PlacedMember[]
  /** Settles when discovery has members of all pools, or the first answers. */
  readonly discovered: Promise<unknown> | undefined
  /** A master accepts for its children. */
  readonly hasFront: boolean
  /** Keeps what children of all generations count. */
  readonly counters: CounterKeeper
  /** A listener is bound; its descriptor is the receiver's. */
  onListen(slot: number, listener: BoundListener): void
  /** The live state has changed: passes the change to the reactors of this generation. */
  onState(change: StateChange): void
}

/**
 * What a head owns for one configuration: memory, listeners, lookups, ticket keys. After a reload the old generation
 * lives on until its last child, or its last session in a single process, has ended.
 */
export class Generation {
  readonly loaded: Loaded
  readonly plan: Plan
  readonly memory: SharedCells
  readonly sticky: StickyMemories
  readonly limits: LimitMemories
  /** The slot of each remote in the memory, in the order of the configuration, then those of dynamic routes. */
  readonly remoteSlots: readonly number[]
  /** The same of each listener. */
  readonly listenerSlots: readonly number[]
  readonly listeners: ListenerKeeper
  readonly members: GenerationMembers
  /** Where the reactor of a master counts for its listeners, until `closeFront`. */
  readonly front: FrontRows | undefined
  /** Sessions that all its children may have together. */
  readonly sessionsMax: number
  /**
   * Settles when each name has been looked up once, or after a limit. Clients are not taken before, because their
   * remotes would have no addresses.
   */
  readonly looked: Promise<unknown>
  /** `looked` has settled. */
  hasLooked: boolean
  /** Shared with the generation before, unless clients are verified differently; undefined without TLS. */
  readonly tickets: TicketKeyRing | undefined
  readonly #parts: GenerationParts
  readonly #health: GenerationHealth
  readonly #state: StateKeeper
  readonly #lookups: NameWatch
  readonly #keyErrors: RateLimitedLog
  /** False after `retire`. */
  #isInForce = true
  /** Users of its rows: running children, the reactor of a single process, or the front of a master. */
  #children = 0

  /** `present`: the generation in force; its memory is shared if it has room, and its ticket keys. */
  constructor(
    loaded: Loaded,
    bound: readonly (BoundListener | undefined)[],
    present: Generation | undefined,
    parts: GenerationParts,
  ) {
    const { access, calls, mechanism, resolver, say, staples } = parts
    this.loaded = loaded
    this.#parts = parts
    this.#keyErrors = new RateLimitedLog(ERR, say)
    this.listeners = new ListenerKeeper({
      listeners: loaded.spawnd.listeners,
      bound,
      calls,
      say,
      onListen: (slot, listener) => parts.onListen(slot, listener),
    })
    const ofListeners = listenerNames(loaded.spawnd.listeners, this.listeners.names)
    const names = slotNames(loaded.tcprelay, ofListeners)
    const slots = present?.memory.enter(this, names)
    this.memory =
      present === undefined || slots === undefined
        ? new SharedCells(parts.shapeOf(loaded), parts.counters)
        : present.memory
    // New memory has room for the names of its configuration.
    const own = slots ?? this.memory.enter(this, names)
    this.remoteSlots = own?.remotes ?? []
    this.listenerSlots = own?.listeners ?? []
    const poolSlots = own?.pools ?? []
    this.front = parts.hasFront ? this.#openFront() : undefined
    this.#health = new GenerationHealth(loaded.tcprelay, loaded.tls.probes, this.remoteSlots)
    this.tickets = ticketRingFor(
      loaded.tls.settings,
      present && [present.loaded.tls.settings, present.tickets],
    )
    const { listenerSlots, remoteSlots } = this
    const { kinds: listenerKinds } = this.listeners
    const listenersAs = { listenerKinds, listenerNames: ofListeners, listenerSlots }
    this.plan = compilePlan(loaded, { ...listenersAs, mechanism, poolSlots, remoteSlots })
    const { limits, pools: poolPlans } = this.plan
    this.sticky = this.#opened(() => new StickyMemories(poolPlans, present?.sticky))
    this.limits = this.#opened(
      () => new LimitMemories(limits, present?.limits),
      () => this.sticky.close(),
    )
    const { instancesMax, usersMax } = this.plan.workers.placement
    this.sessionsMax = instancesMax * usersMax
    const named = namedRemotes(loaded.tcprelay, remoteSlots)
    // Calls back in a later turn, when `#state` exists.
    this.#lookups = resolver.watch(named, (remoteSlot, addresses) =>
      this.applyState({ what: 'addresses', remoteSlot, addresses }),
    )
    const addresses = new Map(this.#lookups.known)
    this.members = new GenerationMembers(this.plan, this.memory, this.#health)
    const joined = this.members.atStart((pool) => parts.membersOf(pool))
    // After the slots have the names of their members.
    if (present !== undefined && slots === undefined) this.memory.rememberFrom(present.memory)
    const members = new Map(joined.map((member) => [member.slot, member]))
    const live = { ...NO_LIVE_STATE, access, addresses, members, ticketKeys: this.#ticketKeys, staples }
    const wanted = this.#health.wantedState(parts, () => true)
    this.#state = new StateKeeper(wanted.reduce(changed, live), (change) => parts.onState(change))
    // Before any worker starts: evidence that agrees with the verdict is not sent, so no outage is logged
    // twice.
    this.applyVerdict()
    this.hasLooked = named.length === 0 && parts.discovered === undefined
    this.looked = this.#look()
  }

  /** Counts the generations of the process, from 1. */
  get serial(): number {
    return this.#parts.serial
  }

  /** What a reactor that starts now begins with. */
  get live(): LiveState {
    return this.#state.present
  }

  /** Changes the live state, for reactors that run and for those that start later. */
  applyState(change: StateChange): void {
    this.#state.applyState(change)
    if (!['weight', 'admin-state', 'members'].includes(change.what)) return
    // Remotes that are out of service do not count for the limits of their pool.
    this.applyVerdict()
    this.#parts.onPools(this)
  }

  /** Members of one of its pools have come, gone or changed. */
  applyMembers(pool: string, changes: PlacedChanges): void {
    const { joined, left } = this.members.place(pool, changes)
    if (joined.length + left.length === 0) return
    this.applyState({ what: 'members', joined, left })
    // What is wanted of a remote is wanted of one that has come back.
    const names = new Set(joined.map(({ healthName }) => healthName))
    this.#applyWishes((name) => names.has(name))
  }

  /** Adds a line to its TLS key log. */
  writeKey(line: string): void {
    const { keylogFile } = this.loaded.tls.settings
    if (keylogFile === undefined) return
    try {
      appendKeyLine(keylogFile, line)
    } catch (error) {
      const why = error instanceof Error ? error.message : error
      this.#keyErrors.log(performance.now(), () => `cannot write the TLS key log: ${why}`)
    }
  }

  /** The addresses that its listeners are bound to, wildcards excepted. */
  get listenerHosts(): readonly string[] {
    return this.loaded.spawnd.listeners.flatMap(({ bind }) =>
      bind.kind === 'address' && bind.address.family !== 'unix' ? [bind.address.host] : [],
    )
  }

  /** Its remotes, in the order of the configuration; those of dynamic routes are not watched. */
  get watchedRemotes(): readonly WatchedRemote[] {
    return this.#health.watched(this.plan.remotes)
  }

  /** Its remotes with health checks. */
  get probedRemotes(): readonly ProbedRemote[] {
    return this.#health.probed((slot) => this.#addressesOf(slot))
  }

  #addressesOf(slot: number): readonly SocketAddress[] {
    const { addresses, members } = this.live
    return members.get(slot)?.addresses ?? addresses.get(slot) ?? this.plan.remotes[slot]?.addresses ?? []
  }

  /** Writes the verdict on a remote, or on all, to the cells, where its workers read it. */
  applyVerdict(remote?: string): void {
    this.#health.applyVerdicts(this.memory.cells, (name) => this.#parts.verdictOf(name), this.live, remote)
  }

  /** What its workers read now, by pool. */
  get poolVerdicts(): ReadonlyMap<string, PoolVerdicts> {
    return this.#health.pools
  }

  /** How long sessions of its remotes that drain may go on, by name; those without a deadline are left out. */
  get drainDeadlines(): ReadonlyMap<string, number> {
    return this.#health.drainDeadlines(this.live)
  }

  /** The remotes whose checks give advice. */
  get advisedRemotes(): ReadonlySet<string> {
    return this.#health.advised
  }

  /** The remote wants another weight or admin state, by its check. */
  followAdvice(remote: string): void {
    this.#applyWishes((name) => name === remote)
  }

  /** An administrator wants something else of the remote with this key. */
  followOverride(remote: string): void {
    this.#applyWishes((_, key) => key === remote)
  }

  #applyWishes(isConcerned: (name: string, key: string) => boolean): void {
    for (const change of this.#health.wantedState(this.#parts, isConcerned)) this.applyState(change)
  }

  /** Puts its limits of sessions in force, also for workers of older generations. */
  applyLimits(): void {
    const { cells } = this.memory
    for (const [place, max] of limitsOf(this.plan, this.memory.shape)) Atomics.store(cells.useMax, place, max)
  }

  /** A child of this generation has started, or the reactor of a single process with it. */
  enter(slot: number): void {
    this.#children++
    this.memory.startCounting(this, slot)
  }

  /** The reactor of a master takes clients for another generation. */
  closeFront(): void {
    if (this.front !== undefined) this.leave(this.front.childSlot)
  }

  /** Throws when the system has no memory. */
  #openFront(): FrontRows {
    const { memory } = this
    const childSlot = memory.frontSlot()
    try {
      this.enter(childSlot)
    } catch (error) {
      // The caller gets no generation that could leave later.
      memory.leave(this)
      throw error
    }
    const cells = { fds: memory.fdsOf(childSlot), shape: memory.shape }
    return { cells, childSlot, listenerSlots: this.listenerSlots }
  }

  /** That child has ended: returns what it held. */
  leave(slot: number): void {
    this.#children--
    this.memory.giveBack(slot)
    this.limits.giveBack(slot)
    this.#leaveMemory()
  }

  /** Replaced, or given up before it was in force: only children that still run need its memory. Idempotent. */
  retire(): void {
    if (!this.#isInForce) return
    this.#isInForce = false
    // Sessions that are left need no new addresses.
    this.#lookups.close()
    this.#leaveMemory()
  }

  get #ticketKeys(): LiveState['ticketKeys'] {
    return this.tickets?.keys ?? []
  }

  /** `open` throws when the system has no memory: then what has been opened before is closed. */
  #opened<T>(open: () => T, close = () => {}): T {
    try {
      return open()
    } catch (error) {
      close()
      this.closeFront()
      this.memory.leave(this)
      throw error
    }
  }

  #leaveMemory(): void {
    if (this.#isInForce || this.#children > 0) return
    this.memory.leave(this)
    this.sticky.close()
    this.limits.close()
  }

  async #look(): Promise<void> {
    if (this.hasLooked) return
    const tooLong = new AbortController()
    const { signal } = tooLong
    const pause = setTimeoutPromise(FIRST_LOOK_MAX_MS, undefined, { ref: false, signal })
    const looked = Promise.all([this.#lookups.looked, this.#parts.discovered])
    await Promise.race([looked, pause.catch(() => {})])
    tooLong.abort()
    this.hasLooked = true
  }
}

function slotNames(tcprelay: Loaded['tcprelay'], listeners: readonly string[]): SlotNames {
  const dynamic = dynamicNames(tcprelay)
  return {
    remotes: [...tcprelay.remotes.map(remoteKey), ...dynamic],
    listeners,
    pools: [...tcprelay.pools.map(({ name }) => name), ...dynamic],
  }
}
