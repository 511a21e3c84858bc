/** Children that accept by themselves: how many there are and which of them listen. */
import { CHILDREN_MAX } from '../accept/dispatcher.js'
import { type KeptListeners, splitListeners } from '../accept/kept-listeners.js'
import type { PlacementLimits } from '../accept/placement.js'
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from '../engine/acceptor-settings.js'
import { INFO } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { ToChild } from '../services/link-messages.js'
import type { ChildPool } from './child-pool.js'
import type { ChildTable, TrackedChild } from './child-table.js'
import { OpenAsks } from './open-asks.js'

/** How often the load of the children is looked at: a crowd fills a child in seconds. */
const LOOK_EVERY_MS = 250

/** Idle children above the minimum go at this rhythm, as the original's. */
const LOOKS_PER_SHRINK = 32

/** Until it starts. */
const NO_CHILDREN: PlacementLimits = { instancesMin: 0, instancesMax: 0, usersMin: 0, usersMax: 0 }

export interface DirectChildPoolParts {
  /** A child that is reported as `wanted` is in it at once, one that is `gone` no more. */
  readonly children: ChildTable
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

/**
 * The pool of a master whose children accept by themselves, on listeners that the master holds: it only decides how many
 * children there are. No client is lost with a child, because clients wait in the backlog of the master's sockets.
 */
export class DirectChildPool implements ChildPool {
  readonly #parts: DirectChildPoolParts
  readonly #asks = new OpenAsks<AcceptorReport>()
  /** By slot; they belong to the pool. */
  #listeners = new Map<number, number>()
  #limits: PlacementLimits = NO_CHILDREN
  #looks = 0
  #timer: NodeJS.Timeout | undefined
  #isPreparing = false
  #isDraining = false

  constructor(parts: DirectChildPoolParts) {
    this.#parts = parts
  }

  start({ plan }: AcceptorSettings): void {
    this.#limits = plan.workers.placement
    this.#parts.report({ kind: 'serving' })
    this.#fill()
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS)
  }

  ask: ChildPool['ask'] = (command, answer) => {
    const answered = this.#asks.open(answer)
    this.post(command)
    return answered
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
        this.#gone()
        return
      case 'prepare':
        this.#prepare(command.count)
        return
      case 'forget':
        this.#isPreparing = false
        for (const child of this.#parts.children.fresh) this.#retire(child, [])
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

  onNews(slot: number, news: 'serving' | 'retiring'): void {
    if (news === 'serving') this.#onServing(slot)
    this.#fill()
  }

  end(ended: () => void): void {
    clearInterval(this.#timer)
    this.#closeListeners()
    this.#asks.close()
    ended()
  }

  /** Children that do not accept yet, or have not started, are expected to take what the configuration allows. */
  get places(): number {
    const { instancesMax, usersMax } = this.#limits
    const { active, retiring } = this.#parts.children
    const known = active.map(({ slot }) => this.#parts.loadOf(slot).places || usersMax)
    const toCome = Math.max(0, instancesMax - active.length) * usersMax
    return known.reduce((sum, places) => sum + places, toCome + this.#sessionsOf(retiring))
  }

  #report(report: AcceptorReport): void {
    if (!this.#asks.answered(report)) this.#parts.report(report)
  }

  #onServing(slot: number): void {
    const { active } = this.#parts.children
    if (this.#isPreparing) this.#checkPrepared()
    if (active.some((child) => child.slot === slot)) this.#parts.tell(slot, { kind: 'accept' })
  }

  #gone(): void {
    if (this.#isPreparing) this.#checkPrepared()
    // The kernel may have woken this child alone for a client.
    this.#parts.wakeChildren()
    this.#fill()
    this.#reportIdle()
  }

  #prepare(count: number): void {
    this.#isPreparing = true
    for (let i = 0; i < count; i++) this.#open(true)
    this.#checkPrepared()
  }

  #checkPrepared(): void {
    const { fresh } = this.#parts.children
    if (!fresh.every(({ phase }) => phase === 'serving')) return
    this.#isPreparing = false
    this.#report({ kind: 'prepared', isOk: fresh.length > 0 })
  }

  /** Whether there is one more child now. */
  #open(isFresh: boolean): boolean {
    const { children, report } = this.#parts
    for (let slot = 0; slot < CHILDREN_MAX; slot++) {
      if (children.get(slot) !== undefined) continue
      report({ kind: 'wanted', slot, fd: undefined, isFresh })
      return children.get(slot) !== undefined
    }
    return false
  }

  /** Starts children until the minimum runs. */
  #fill(): void {
    const isShort = () => this.#parts.children.active.length < this.#limits.instancesMin
    while (!this.#isDraining && isShort() && this.#open(false));
    this.#setMayGrow()
  }

  /** A child that has not begun to accept is one more to come. */
  #setMayGrow(): void {
    const { active } = this.#parts.children
    const isGrowing = active.some(({ slot }) => this.#parts.loadOf(slot).places === 0)
    this.#parts.setMayGrow(!this.#isDraining && (isGrowing || active.length < this.#limits.instancesMax))
  }

  /** One more child while those that are there have their share of clients; fewer when there is little to do. */
  #look(): void {
    if (this.#isDraining) return
    const { active } = this.#parts.children
    const { instancesMax, usersMin } = this.#limits
    const isFilled = this.#sessionsOf(active) >= usersMin * active.length
    const isStarted = active.every(({ phase }) => phase === 'serving')
    if (isFilled && active.length < instancesMax && isStarted) this.#open(false)
    this.#looks = (this.#looks + 1) % LOOKS_PER_SHRINK
    if (this.#looks === 0) this.#shrink(active)
    this.#setMayGrow()
  }

  #sessionsOf(children: readonly TrackedChild[]): number {
    return children.reduce((sum, { slot }) => sum + this.#parts.loadOf(slot).sessions, 0)
  }

  /** The rule of the original, for idle children above the minimum. */
  #shrink(active: readonly TrackedChild[]): void {
    if (this.#sessionsOf(active) >= this.#limits.usersMin * (active.length + 1)) return
    let surplus = active.length - this.#limits.instancesMin
    for (const child of active) {
      if (surplus <= 0) return
      if (child.phase !== 'serving' || this.#parts.loadOf(child.slot).sessions > 0) continue
      surplus--
      this.#parts.say(INFO, `child ${child.slot} is no longer needed`)
      this.#retire(child, [])
    }
  }

  /** `abandoned`: listeners that nobody else takes clients from; the child takes who has connected already. */
  #retire(child: TrackedChild, abandoned: readonly number[]): void {
    child.phase = 'retiring'
    this.#parts.tell(child.slot, { kind: 'drain', abandoned })
  }

  #reload(kept: KeptListeners): void {
    const { abandoned, staying } = splitListeners(this.#listeners, kept)
    for (const fd of abandoned.values()) this.#parts.closeFd(fd)
    this.#listeners = staying
    const { active, outdated } = this.#parts.children
    for (const { phase, slot } of active) if (phase === 'serving') this.#parts.tell(slot, { kind: 'accept' })
    for (const child of outdated) this.#retire(child, [...abandoned.keys()])
    this.#fill()
    this.#report({ kind: 'reloaded' })
  }

  /** The master's copies are closed first: what the children find in the queues then is all there is. */
  #drain(): void {
    this.#isDraining = true
    clearInterval(this.#timer)
    const slots = [...this.#listeners.keys()]
    this.#closeListeners()
    const { active, fresh } = this.#parts.children
    for (const child of active) this.#retire(child, slots)
    for (const child of fresh) this.#retire(child, [])
    this.#reportIdle()
  }

  #closeListeners(): void {
    for (const fd of this.#listeners.values()) this.#parts.closeFd(fd)
    this.#listeners.clear()
  }

  #reportIdle(): void {
    if (this.#isDraining && this.#parts.children.size === 0) this.#parts.report({ kind: 'idle' })
  }
}
