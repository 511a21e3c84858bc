/** Children that accept by themselves: how many there are and which of them listen. */
import { CHILDREN_MAX } from '../../accept/dispatcher.js'
import { type KeptListeners, splitListeners } from '../../accept/kept-listeners.js'
import type { PlacementLimits } from '../../accept/placement.js'
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from '../../engine/acceptor-settings.js'
import { INFO } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import type { ToChild } from '../../services/link-messages.js'
import { OpenAsks } from '../reactors/open-asks.js'
import type { ChildPool } from './child-pool.js'
import type { ChildTable, TrackedChild } from './child-table.js'

/** Interval between checks of the children's load: a burst of clients fills a child in seconds. */
const LOOK_EVERY_MS = 250

/** Checks between two removals of idle children, as in the original. */
const LOOKS_PER_SHRINK = 32

/** Limits before the start. */
const NO_CHILDREN: PlacementLimits = { instancesMin: 0, instancesMax: 0, usersMin: 0, usersMax: 0 }

export interface DirectChildPoolParts {
  /** Must contain a child as soon as it is reported as `wanted`, and no more when it is `gone`. */
  readonly children: ChildTable
  tell(slot: number, message: Extract<ToChild<never>, { kind: 'accept' | 'drain' }>): void
  /** Sessions of a child, and its maximum: zero while it does not accept. */
  loadOf(slot: number): { readonly sessions: number; readonly places: number }
  /** Whether more children may start, for the children of the configuration in force. */
  setMayGrow(mayGrow: boolean): void
  report(report: AcceptorReport): void
  closeFd(fd: number): void
  /** Makes the children check their listeners for waiting clients. */
  wakeChildren(): void
  readonly say: Say
}

/**
 * The pool of a master whose children accept by themselves, on listeners that the master holds: it only decides how many
 * children there are. No client is lost with a child, because clients wait in the backlog of the master's sockets.
 */
export class DirectChildPool implements ChildPool {
  readonly #parts: DirectChildPoolParts
  /** Commands that wait for `prepared` or `reloaded`. */
  readonly #asks = new OpenAsks<AcceptorReport>()
  /** By slot; they belong to the pool. */
  #listeners = new Map<number, number>()
  /** Of the configuration in force. */
  #limits: PlacementLimits = NO_CHILDREN
  /** Checks since the last removal of idle children. */
  #looks = 0
  /** Runs `#look` from the start until the drain. */
  #timer: NodeJS.Timeout | undefined
  /** Children of another configuration are starting. */
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
    // After `open`: most commands are answered from within `post`.
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
      // Children that accept get it as live state.
      case 'access':
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
        return // no client waits for a child in this pool
      case 'stop':
        return // handled by `end`
    }
  }

  onNews(slot: number, news: 'serving' | 'retiring'): void {
    if (news === 'serving') this.#onServing(slot)
    // It has suspended its listeners, and its siblings take the clients in their queues.
    else this.#parts.tell(slot, { kind: 'drain', abandoned: [] })
    this.#fill()
  }

  end(ended: () => void): void {
    clearInterval(this.#timer)
    this.#closeListeners()
    this.#asks.close()
    ended()
  }

  /** Children that do not accept yet count with the limit of the configuration. */
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
    // A child of the configuration that is being prepared waits for `reload`.
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
    // True also without any child: all of them have failed.
    if (!fresh.every(({ phase }) => phase === 'serving')) return
    this.#isPreparing = false
    this.#report({ kind: 'prepared', isOk: fresh.length > 0 })
  }

  /** Returns whether another child was started. */
  #open(isFresh: boolean): boolean {
    const { children, report } = this.#parts
    for (let slot = 0; slot < CHILDREN_MAX; slot++) {
      if (children.get(slot) !== undefined) continue
      report({ kind: 'wanted', slot, fd: undefined, isFresh })
      // False while the process ends and the start would have to wait: it was reported as gone at once.
      return children.get(slot) !== undefined
    }
    return false
  }

  /** Starts children until the minimum runs. */
  #fill(): void {
    const isShort = () => this.#parts.children.active.length < this.#limits.instancesMin
    // Also ends when no child can be opened.
    while (!this.#isDraining && isShort() && this.#open(false));
    this.#setMayGrow()
  }

  /** A child that does not accept yet adds capacity soon, so its siblings need not report overload. */
  #setMayGrow(): void {
    const { active } = this.#parts.children
    const isGrowing = active.some(({ slot }) => this.#parts.loadOf(slot).places === 0)
    this.#parts.setMayGrow(!this.#isDraining && (isGrowing || active.length < this.#limits.instancesMax))
  }

  /** Starts one more child when the others have their minimum of clients, and ends surplus idle ones. */
  #look(): void {
    if (this.#isDraining) return
    const { active } = this.#parts.children
    const { instancesMax, usersMin } = this.#limits
    const isFilled = this.#sessionsOf(active) >= usersMin * active.length
    // One at a time: a child that starts will add places.
    const isStarted = active.every(({ phase }) => phase === 'serving')
    if (isFilled && active.length < instancesMax && isStarted) this.#open(false)
    this.#looks = (this.#looks + 1) % LOOKS_PER_SHRINK
    if (this.#looks === 0) this.#shrink(active)
    this.#setMayGrow()
  }

  #sessionsOf(children: readonly TrackedChild[]): number {
    return children.reduce((sum, { slot }) => sum + this.#parts.loadOf(slot).sessions, 0)
  }

  /** Ends idle children above the minimum, by the rule of the original. */
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

  /** `abandoned`: listeners that no other child accepts on; the child empties their backlog. */
  #retire(child: TrackedChild, abandoned: readonly number[]): void {
    child.phase = 'retiring'
    this.#parts.tell(child.slot, { kind: 'drain', abandoned })
  }

  #reload(kept: KeptListeners): void {
    const { abandoned, staying } = splitListeners(this.#listeners, kept)
    // First, as in `#drain`: then only the outdated children still have these listeners.
    for (const fd of abandoned.values()) this.#parts.closeFd(fd)
    this.#listeners = staying
    const { active, outdated } = this.#parts.children
    // The new children accept before the old ones stop: no moment without a listener.
    for (const { phase, slot } of active) if (phase === 'serving') this.#parts.tell(slot, { kind: 'accept' })
    for (const child of outdated) this.#retire(child, [...abandoned.keys()])
    this.#fill()
    this.#report({ kind: 'reloaded' })
  }

  /** Closes the master's copies first, so that no client connects after the children have emptied the backlog. */
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
