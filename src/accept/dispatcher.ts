/** Distributes a master's clients over its children. */
import type { Fd } from '../kernel/calls.js'
import { SO_RCVBUF, SO_SNDBUF, SOL_SOCKET } from '../kernel/constants.js'
import { errorText } from '../kernel/errno.js'
import { INFO, WARNING } from '../observe/severity.js'
import { Timer, type TimerOwner } from '../reactor/timers.js'
import { BrokerChild, type BrokerEvents, type BrokerParts, type Delivery } from './broker-child.js'
import { ALL_FULL, hasRoom, NEW_CHILD, type PlacementLimits, place } from './placement.js'
import type { StickyCache } from './sticky-cache.js'

/** Slots for children in shared memory: those of the current and of older configurations together. */
export const CHILDREN_MAX = 256

/** How often surplus idle children are retired; the value of the original. */
const SHRINK_EVERY_MS = 8_000

/** Back-off after no socket pair could be opened for lack of descriptors. */
const SHORTAGE_PAUSE_MS = 250

export interface DispatcherOptions {
  readonly limits: PlacementLimits
  /** Clients that a child gets in total before it retires. Zero: no limit. */
  readonly retireLimit: number
  /** Socket buffer size of the wire. Zero: the kernel's default. */
  readonly wireBufferBytes: number
  /** The sticky caches of all listeners. */
  readonly stickyCaches: readonly StickyCache[]
}

export interface DispatcherEvents {
  /**
   * Start a process for `slot`; `fd` is its end of the wire and belongs to the receiver. `isFresh`: with the
   * configuration that is being prepared.
   */
  onWanted(slot: number, fd: Fd, isFresh: boolean): void
  /** The child of a slot takes clients. */
  onStarted(slot: number): void
  /** A client was sent to the child of a slot. */
  onSent(slot: number, delivery: Delivery): void
  /** The child of a slot has reported ended connections. */
  onDone(slot: number): void
  /** There is room for a client again. */
  onRoom(): void
  /** All children that `prepare` opened have started (`isOk`), or none of them could. */
  onPrepared(isOk: boolean): void
  /** The child of a slot rejected its configuration. */
  onBadConfiguration(slot: number): void
  /** The child of a slot violated the protocol. */
  onViolation(slot: number, what: string): void
}

/**
 * The master's children as far as its reactor handles them: chooses the child for each client, and decides
 * when children are started and retired. Their processes belong to the control thread.
 */
export class Dispatcher implements TimerOwner {
  readonly #parts: BrokerParts
  readonly #events: DispatcherEvents
  /** In the order of their slots. */
  readonly #children: BrokerChild[] = []
  #options: DispatcherOptions
  readonly #timer = new Timer(this)
  /** Children opened by `prepare`, and whether they have started. */
  readonly #prepared = new Map<BrokerChild, boolean>()
  /** Clients without a child, while no socket pair can be opened. */
  readonly #waiting: Delivery[] = []
  /** Runs while no socket pair can be opened. */
  readonly #shortage = new Timer({ onTimer: () => this.#endShortage() })
  #isShortageLogged = false
  /** `stop` was called: a child that is still started for a waiting client retires after it. */
  #isStopped = false
  /** `cut` was called: clients without a child are reset. */
  #isCut = false

  constructor(parts: Omit<BrokerParts, 'events'>, options: DispatcherOptions, events: DispatcherEvents) {
    this.#parts = { ...parts, events: this.#brokerEvents() }
    this.#options = options
    this.#events = events
  }

  /** Clients of all children, queued ones included, and clients without a child. */
  get users(): number {
    return this.#children.reduce((sum, { users }) => sum + users, this.#waiting.length)
  }

  /** The same without retiring children. */
  get servingUsers(): number {
    const { length: waiting } = this.#waiting
    return this.#children.reduce((sum, { isRetiring, users }) => sum + (isRetiring ? 0 : users), waiting)
  }

  /** The capacity in clients: of serving children and of those that may still be started, not of retiring ones. */
  get servingPlaces(): number {
    const { instancesMax, usersMax } = this.#options.limits
    let serving = 0
    let spoken = 0
    let places = 0
    for (const { isRetiring, ownMax } of this.#children) {
      if (isRetiring) continue
      serving++
      if (ownMax === Number.POSITIVE_INFINITY) continue
      spoken++
      places += Math.min(usersMax, ownMax)
    }
    // Children that have not sent MAX yet are assumed to take as many as the others.
    const expected = spoken === 0 ? usersMax : Math.ceil(places / spoken)
    return places + (Math.max(serving, instancesMax) - spoken) * expected
  }

  get childCount(): number {
    return this.#children.length
  }

  /** There are no children and no waiting clients. */
  get isIdle(): boolean {
    return this.childCount === 0 && this.#waiting.length === 0
  }

  /** Starts the minimum of children. */
  start(): void {
    this.#fill()
    this.#parts.loop.timers.set(this.#timer, this.#parts.loop.nowMs + SHRINK_EVERY_MS)
  }

  hasRoom(): boolean {
    return place(this.#children, this.#limits()) !== ALL_FULL
  }

  /** Delivers a client to a child. Call it only while `hasRoom()`. */
  deliver(delivery: Delivery): void {
    const child = this.#stickyChild(delivery) ?? this.#choose()
    if (child === undefined) {
      this.#waiting.push(delivery)
      return
    }
    delivery.sticky?.cache.note(delivery.sticky.key, child.slot, this.#parts.loop.nowMs)
    child.deliver(delivery)
    if (child.delivered !== this.#options.retireLimit) return
    child.retire()
    this.#fill()
  }

  /** The process of a child has ended, or could not be started. */
  removeChild(slot: number): void {
    const index = this.#children.findIndex((child) => child.slot === slot)
    const [child] = index < 0 ? [] : this.#children.splice(index, 1)
    if (child === undefined) return
    for (const cache of this.#options.stickyCaches) cache.forgetChild(slot)
    // It failed to start: the preparation ends when the others have started.
    if (this.#prepared.delete(child)) this.#checkPrepared()
    const left = child.close()
    this.#fill()
    this.#deliverAgain([...this.#waiting.splice(0), ...left])
  }

  /**
   * Opens children of a new configuration beside the current ones. `onPrepared` is called when all of them have
   * started or failed. They get no clients before `replaceAll`.
   */
  prepare(count: number): void {
    for (let i = 0; i < count; i++) {
      const child = this.#open(true)
      if (child === undefined) break
      // Excludes it from placement until `replaceAll`.
      child.isRetiring = true
      this.#prepared.set(child, false)
    }
    this.#checkPrepared()
  }

  /** Replaces all children by the prepared ones, under new options; the old ones retire. */
  replaceAll(options: DispatcherOptions): void {
    this.#options = options
    for (const child of this.#children) {
      if (this.#prepared.has(child)) child.isRetiring = false
      else if (!child.isRetiring) child.retire()
    }
    this.#prepared.clear()
    this.#fill()
    this.#events.onRoom()
  }

  /** Retires the prepared children. */
  forgetPrepared(): void {
    for (const child of this.#prepared.keys()) child.retire()
    this.#prepared.clear()
  }

  #checkPrepared(): void {
    const ready = [...this.#prepared.values()]
    if (ready.every((isReady) => isReady)) this.#events.onPrepared(ready.length > 0)
  }

  /** Retires all children. */
  stop(): void {
    this.#isStopped = true
    this.#parts.loop.timers.unset(this.#timer)
    for (const child of this.#children) child.retire()
  }

  /** Resets the clients that have no child, now and later. */
  cut(): void {
    this.#isCut = true
    this.#deliverAgain(this.#waiting.splice(0))
  }

  onTimer(): void {
    this.#shrink()
    this.#parts.loop.timers.set(this.#timer, this.#parts.loop.nowMs + SHRINK_EVERY_MS)
  }

  /** Delivers clients that their child did not get to other children; others may then have room as well. */
  #deliverAgain(left: readonly Delivery[]): void {
    for (const delivery of left) {
      if (this.#isCut) this.#reset(delivery)
      else this.deliver(delivery)
    }
    if (this.#isStopped)
      this.stop() // children started for these clients retire too
    else this.#events.onRoom()
  }

  #reset({ fd }: Delivery): void {
    this.#parts.calls.resetOnClose(fd)
    this.#parts.calls.close(fd)
  }

  #brokerEvents(): BrokerEvents {
    return {
      onReady: (child) => this.#onReady(child),
      onSent: ({ slot }, delivery) => this.#events.onSent(slot, delivery),
      onDone: ({ slot }) => {
        this.#events.onDone(slot)
        this.#onDone()
      },
      onDying: () => this.#fill(),
      onBadConfiguration: (child) => this.#events.onBadConfiguration(child.slot),
      onViolation: (child, what) => this.#events.onViolation(child.slot, what),
      onBroken: (_child, queued) => this.#deliverAgain(queued),
    }
  }

  /** Waiting clients come before new ones. */
  #onDone(): void {
    if (this.#waiting.length > 0) this.#deliverAgain(this.#waiting.splice(0))
    else this.#events.onRoom()
  }

  #onReady(child: BrokerChild): void {
    this.#events.onStarted(child.slot)
    if (this.#prepared.get(child) === false) {
      this.#prepared.set(child, true)
      this.#checkPrepared()
    }
    // Clients queued beyond the child's own maximum go to other children, or wait.
    this.#deliverAgain(child.takeSurplus())
  }

  #stickyChild({ sticky }: Delivery): BrokerChild | undefined {
    const slot = sticky?.cache.find(sticky.key, this.#parts.loop.nowMs)
    if (slot === undefined) return undefined
    const child = this.#children.find((candidate) => candidate.slot === slot)
    return child !== undefined && hasRoom(child, this.#options.limits) ? child : undefined
  }

  #choose(): BrokerChild | undefined {
    const choice = place(this.#children, this.#limits())
    if (choice !== NEW_CHILD) return this.#children[choice]
    // A failed `#open` leaves only the existing children; ALL_FULL is no index, so that the client waits.
    return this.#open() ?? this.#children[place(this.#children, this.#limits())]
  }

  /** The limits for placement; while no child can be opened, only existing ones count. */
  #limits(): PlacementLimits {
    const { limits } = this.#options
    const mayOpen = !this.#shortage.isSet && this.#children.length < CHILDREN_MAX
    return mayOpen ? limits : { ...limits, instancesMax: 0 }
  }

  /** Starts children up to the minimum. */
  #fill(): void {
    if (this.#isStopped) return
    const serving = () => this.#children.filter(({ isRetiring }) => !isRetiring).length
    while (serving() < this.#options.limits.instancesMin && this.#open() !== undefined);
  }

  #open(isFresh = false): BrokerChild | undefined {
    const slot = this.#freeSlot()
    if (slot === undefined || this.#shortage.isSet) return undefined
    const pair = this.#parts.messages.socketPair('datagram')
    if (typeof pair === 'number') {
      this.#beginShortage(-pair)
      return undefined
    }
    this.#isShortageLogged = false
    const [ours, theirs] = pair
    this.#parts.messages.refuseDescriptors(ours)
    for (const fd of pair) this.#sizeBuffers(fd)
    const child = new BrokerChild(this.#parts, slot, ours)
    this.#children.push(child)
    // Placement prefers the first ones: when the load is low, the same few children remain in use.
    this.#children.sort((a, b) => a.slot - b.slot)
    this.#events.onWanted(slot, theirs, isFresh)
    return child
  }

  #beginShortage(errno: number): void {
    const { log, loop } = this.#parts
    loop.timers.set(this.#shortage, loop.nowMs + SHORTAGE_PAUSE_MS)
    if (this.#isShortageLogged) return
    this.#isShortageLogged = true
    log(WARNING, `cannot make a socket for a child: ${errorText(errno)}; clients wait`)
  }

  #endShortage(): void {
    this.#fill()
    this.#deliverAgain(this.#waiting.splice(0))
  }

  #sizeBuffers(fd: Fd): void {
    const { wireBufferBytes } = this.#options
    if (wireBufferBytes === 0) return
    this.#parts.calls.setOption(fd, SOL_SOCKET, SO_SNDBUF, wireBufferBytes)
    this.#parts.calls.setOption(fd, SOL_SOCKET, SO_RCVBUF, wireBufferBytes)
  }

  #freeSlot(): number | undefined {
    for (let slot = 0; slot < CHILDREN_MAX; slot++) {
      if (!this.#children.some((child) => child.slot === slot)) return slot
    }
    return undefined
  }

  /** Retires surplus idle children while the load is low, by the rule of the original. */
  #shrink(): void {
    const serving = this.#children.filter(({ isRetiring }) => !isRetiring)
    if (this.users >= this.#options.limits.usersMin * (serving.length + 1)) return
    let surplus = serving.length - this.#options.limits.instancesMin
    for (const child of serving) {
      if (surplus <= 0) return
      if (child.users > 0) continue
      surplus--
      this.#parts.log(INFO, `child ${child.slot} is no longer needed`)
      child.retire()
    }
  }
}
