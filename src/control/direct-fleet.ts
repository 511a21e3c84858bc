/** Children that accept by themselves: how many there are and which of them listen. */
import { CHILDREN_MAX } from '../accept/dispatcher.js'
import type { PlacementLimits } from '../accept/placement.js'
import type { AcceptorCommand, AcceptorReport } from '../engine/acceptor-settings.js'
import { INFO } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { ToChild } from '../services/link-messages.js'
import type { Fleet } from './fleet.js'

/** How often the load of the children is looked at: a crowd fills a child in seconds. */
const LOOK_EVERY_MS = 250

/** Idle children above the minimum go at this rhythm, as the original's. */
const LOOKS_PER_SHRINK = 32

export interface DirectParts {
  readonly limits: PlacementLimits
  tell(slot: number, message: Extract<ToChild<never>, { kind: 'accept' | 'drain' }>): void
  /** Sessions that a child has now, and that it takes at most: zero while it does not accept. */
  loadOf(slot: number): { readonly sessions: number; readonly places: number }
  /** Tells the children of the configuration in force whether there may be more of them. */
  setMayGrow(mayGrow: boolean): void
  report(report: AcceptorReport): void
  closeFd(fd: number): void
  /** Lets the children look whether somebody waits at the listeners. */
  wakeChildren(): void
  readonly say: Say
}

interface DirectChild {
  readonly slot: number
  /** It has started. */
  isServing: boolean
  /** Of the configuration that is being prepared: it has the listeners, and does not accept yet. */
  isFresh: boolean
  /** It accepts no more. */
  isRetiring: boolean
}

/**
 * Children that accept by themselves, on listeners that the master holds: no client passes through the master, which
 * only says how many children there are. Nobody is lost with a child: those who wait, wait in the master's sockets.
 */
export class DirectFleet implements Fleet {
  readonly #parts: DirectParts
  readonly #children = new Map<number, DirectChild>()
  /** By slot; they belong to the fleet. */
  #listeners = new Map<number, number>()
  #limits: PlacementLimits
  #looks = 0
  #timer: NodeJS.Timeout | undefined
  #isDraining = false

  constructor(parts: DirectParts) {
    this.#parts = parts
    this.#limits = parts.limits
  }

  start(): void {
    this.#parts.report({ kind: 'serving' })
    this.#fill()
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS)
  }

  post(command: AcceptorCommand): void {
    switch (command.kind) {
      case 'ping':
        this.#parts.report({ kind: 'pong' })
        return
      case 'listen':
        this.#listeners.set(command.slot, command.fd)
        return
      case 'gone':
        this.#gone(command.slot)
        return
      case 'prepare':
        for (let i = 0; i < command.count; i++) this.#open(true)
        this.#checkPrepared()
        return
      case 'forget':
        for (const child of this.#fresh()) this.#retire(child, [])
        return
      case 'reload':
        this.#limits = command.settings.plan.workers.placement
        this.#reload(command.kept)
        return
      case 'drain':
        this.#drain()
        return
      case 'cut':
        return // nobody waits here for a child
      case 'stop':
        return // `end` says it all
    }
  }

  /** What a child says of itself. */
  hear(slot: number, what: 'serving' | 'retiring'): void {
    const child = this.#children.get(slot)
    if (child === undefined) return
    if (what === 'serving') this.#onServing(child)
    else if (!child.isRetiring) this.#retire(child, [])
    this.#fill()
  }

  end(ended: () => void): void {
    clearInterval(this.#timer)
    this.#closeListeners()
    ended()
  }

  /** Children that do not accept yet, or have not started, are expected to take what the configuration allows. */
  get places(): number {
    const { instancesMax, usersMax } = this.#limits
    const crew = this.#crew()
    const known = crew.map(({ slot }) => this.#parts.loadOf(slot).places || usersMax)
    const retiring = [...this.#children.values()].filter(({ isRetiring }) => isRetiring)
    const toCome = Math.max(0, instancesMax - crew.length) * usersMax
    return known.reduce((sum, places) => sum + places, toCome + this.#sessionsOf(retiring))
  }

  #onServing(child: DirectChild): void {
    child.isServing = true
    if (child.isFresh) this.#checkPrepared()
    else if (!child.isRetiring) this.#parts.tell(child.slot, { kind: 'accept' })
  }

  #gone(slot: number): void {
    const child = this.#children.get(slot)
    this.#children.delete(slot)
    if (child?.isFresh && !child.isRetiring) this.#checkPrepared()
    // The kernel may have told this child alone of a client.
    this.#parts.wakeChildren()
    this.#fill()
    this.#reportIdle()
  }

  #fresh(): DirectChild[] {
    return [...this.#children.values()].filter(({ isFresh, isRetiring }) => isFresh && !isRetiring)
  }

  /** Children that serve, or will when they have started. */
  #crew(): DirectChild[] {
    return [...this.#children.values()].filter(({ isFresh, isRetiring }) => !isFresh && !isRetiring)
  }

  #checkPrepared(): void {
    const fresh = this.#fresh()
    if (fresh.every(({ isServing }) => isServing))
      this.#parts.report({ kind: 'prepared', isOk: fresh.length > 0 })
  }

  #open(isFresh: boolean): boolean {
    for (let slot = 0; slot < CHILDREN_MAX; slot++) {
      if (this.#children.has(slot)) continue
      this.#children.set(slot, { slot, isServing: false, isFresh, isRetiring: false })
      this.#parts.report({ kind: 'wanted', slot, fd: undefined, isFresh })
      return true
    }
    return false
  }

  /** Starts children until the minimum runs. */
  #fill(): void {
    while (!this.#isDraining && this.#crew().length < this.#limits.instancesMin && this.#open(false));
    this.#tellMayGrow()
  }

  /** A child that has not begun to accept is one more to come. */
  #tellMayGrow(): void {
    const crew = this.#crew()
    const isGrowing = crew.some(({ slot }) => this.#parts.loadOf(slot).places === 0)
    this.#parts.setMayGrow(!this.#isDraining && (isGrowing || crew.length < this.#limits.instancesMax))
  }

  /** One more child while those that are there have their share of clients; fewer when there is little to do. */
  #look(): void {
    if (this.#isDraining) return
    const crew = this.#crew()
    const { instancesMax, usersMin } = this.#limits
    const isFilled = this.#sessionsOf(crew) >= usersMin * crew.length
    if (isFilled && crew.length < instancesMax && crew.every(({ isServing }) => isServing)) this.#open(false)
    this.#looks = (this.#looks + 1) % LOOKS_PER_SHRINK
    if (this.#looks === 0) this.#shrink(crew)
    this.#tellMayGrow()
  }

  #sessionsOf(children: readonly DirectChild[]): number {
    return children.reduce((sum, { slot }) => sum + this.#parts.loadOf(slot).sessions, 0)
  }

  /** The rule of the original, for idle children above the minimum. */
  #shrink(crew: readonly DirectChild[]): void {
    if (this.#sessionsOf(crew) >= this.#limits.usersMin * (crew.length + 1)) return
    let surplus = crew.length - this.#limits.instancesMin
    for (const child of crew) {
      if (surplus <= 0) return
      if (!child.isServing || this.#parts.loadOf(child.slot).sessions > 0) continue
      surplus--
      this.#parts.say(INFO, `child ${child.slot} is no longer needed`)
      this.#retire(child, [])
    }
  }

  /** `abandoned`: listeners that nobody else takes clients from; the child takes who has connected already. */
  #retire(child: DirectChild, abandoned: readonly number[]): void {
    child.isRetiring = true
    this.#parts.tell(child.slot, { kind: 'drain', abandoned })
  }

  #reload(kept: readonly (readonly [oldSlot: number, newSlot: number])[]): void {
    const newSlots = new Map(kept)
    const abandoned: number[] = []
    const stays = new Map<number, number>()
    for (const [slot, fd] of this.#listeners) {
      const newSlot = newSlots.get(slot)
      if (newSlot === undefined) abandoned.push(slot)
      else stays.set(newSlot, fd)
    }
    for (const slot of abandoned) this.#parts.closeFd(this.#listeners.get(slot) as number)
    this.#listeners = stays
    const old = this.#crew()
    for (const child of this.#fresh()) {
      child.isFresh = false
      this.#parts.tell(child.slot, { kind: 'accept' })
    }
    for (const child of old) this.#retire(child, abandoned)
    this.#fill()
    this.#parts.report({ kind: 'reloaded' })
  }

  /** The master's copies are closed first: what the children find in the queues then is all there is. */
  #drain(): void {
    this.#isDraining = true
    clearInterval(this.#timer)
    const slots = [...this.#listeners.keys()]
    this.#closeListeners()
    for (const child of this.#children.values()) {
      if (!child.isRetiring) this.#retire(child, child.isFresh ? [] : slots)
    }
    this.#reportIdle()
  }

  #closeListeners(): void {
    for (const fd of this.#listeners.values()) this.#parts.closeFd(fd)
    this.#listeners.clear()
  }

  #reportIdle(): void {
    if (this.#isDraining && this.#children.size === 0) this.#parts.report({ kind: 'idle' })
  }
}
