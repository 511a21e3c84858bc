/** The children of a master and their links. */
import { closeSync } from 'node:fs'
import type { StateChange } from '../../engine/live-state.js'
import { errorText } from '../../kernel/errno.js'
import { descriptorLimit } from '../../kernel/limits.js'
import { messageCalls } from '../../kernel/message-calls.js'
import type { SocketKind } from '../../kernel/socket-kind.js'
import type { Boundary } from '../../observe/boundary.js'
import { COUNT, countIn } from '../../observe/counters.js'
import type { RemoteEvidence } from '../../observe/remote-evidence.js'
import { ERR, WARNING } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import { isOwnProgram } from '../../plan/compile/worker-plans.js'
import type { Loaded, LoadOptions } from '../../plan/load/load.js'
import { Heartbeat } from '../../services/heartbeat.js'
import { Link, serialized } from '../../services/link.js'
import { FIRST_LISTENER_FD, FROM_CHILD, type ToMaster } from '../../services/link-messages.js'
import { LogDrain } from '../../services/log-drain.js'
import type { Generation } from '../generations/generation.js'
import { type ChildProgram, programOf, type StartProcess } from './child-program.js'
import { ChildStarter, type Extras } from './child-starter.js'
import type { ChildTable, TrackedChild } from './child-table.js'
import { type MasterLink, planBehindMaster, type ToOurChild } from './our-link.js'

export interface ChildProcessesParts {
  /** Entries are added at the start of a child and deleted when it is gone. */
  readonly table: ChildTable<OwnedChild>
  readonly options: LoadOptions
  /** How our own children are started; the configuration and the section that they read follow. */
  readonly ownProgram: Pick<ChildProgram, 'command' | 'words'>
  readonly say: Say
  /** By default a process of the system. */
  readonly startProcess?: StartProcess | undefined
  readonly boundary: Boundary
  /** Mask of TRACE_BITS. */
  readonly traceMask: number
  /** For children that accept by themselves. */
  readonly wakeupFd: number
  /** A line of a child's access log. */
  writeAccess(line: string): void
  /** Evidence of a remote that a child has seen. */
  hearRemote(evidence: RemoteEvidence): void
  /** A child reports over its link; its entry in the table is up to date. */
  onNews(slot: number, news: 'serving' | 'retiring'): void
  /** No child can be started: this process may not change to the configured user or group. */
  onForbidden(generation: Generation | undefined): void
  /** The process has ended, or could not be started; what it held has been given back. */
  onGone(slot: number): void
}

/** A child of a slot: wanted, or running. */
export interface OwnedChild extends TrackedChild {
  readonly generation: Generation
  /** Undefined for foreign programs. */
  link: MasterLink | undefined
  /** Messages that wait for `start` to be sent; undefined afterwards. */
  unsent: ToOurChild[] | undefined
  /** Undefined until it runs. */
  drain: LogDrain | undefined
  /** It has reported that it serves, which a child does once. */
  hasSaidServing: boolean
  /** It was killed for a violation, or because it hung. */
  isCondemned: boolean
}

/** Owns process, link and log ring of each child, of all generations. */
export class ChildProcesses {
  readonly #parts: ChildProcessesParts
  readonly #starter: ChildStarter
  readonly #heartbeat = new Heartbeat({
    ask: (slot) => this.tell(slot, { kind: 'ping' }),
    onHanging: (slot) => this.condemn(slot, 'it does not answer any more'),
    pidOf: (slot) => this.#starter.pidOf(slot),
  })
  /** Limit of a child's sessions: each has a descriptor for its client, and children inherit our limit. */
  readonly #sessionsMax = descriptorLimit()
  readonly #table: ChildTable<OwnedChild>

  /** `loaded`: the configuration of the first generation. */
  constructor(parts: ChildProcessesParts, loaded: Loaded) {
    this.#parts = parts
    this.#table = parts.table
    const events = {
      openExtras: (slot: number) => this.#openExtras(slot),
      onStarted: (slot: number) => this.#onStarted(slot),
      onForbidden: (slot: number) => parts.onForbidden(this.#table.get(slot)?.generation),
      onGone: (slot: number) => this.#onGone(slot),
    }
    this.#starter = new ChildStarter(
      programOf(loaded, parts.options, parts.ownProgram),
      events,
      closeSync,
      parts.say,
      parts.startProcess,
    )
  }

  /** Starts a child of the generation that is in force; `wireFd` is its end of the wire, undefined for none. */
  start(slot: number, wireFd: number | undefined, generation: Generation): void {
    this.#table.add(newChild(slot, generation))
    this.#starter.start(slot, wireFd)
  }

  /** Starts a child of a generation that is being prepared. */
  startOther(slot: number, wireFd: number | undefined, generation: Generation): void {
    this.#table.add(newChild(slot, generation))
    this.#starter.startOther(slot, wireFd, this.#programOf(generation))
  }

  /** New children belong to this generation. */
  setGeneration(generation: Generation): void {
    this.#starter.setProgram(this.#programOf(generation))
  }

  /** Running children of a generation, in the order of their starts. */
  slotsOf(generation: Generation): number[] {
    return this.#table.all.flatMap((child) =>
      child.generation === generation && child.drain !== undefined ? child.slot : [],
    )
  }

  /** Generations with running children, the oldest first. */
  generations(): Generation[] {
    const running = this.#table.all.filter(({ drain }) => drain !== undefined)
    return [...new Set(running.map(({ generation }) => generation))]
  }

  /** Sessions that a child of ours has, and its maximum while it accepts by itself. */
  loadOf(slot: number): { readonly sessions: number; readonly places: number } {
    const counters = this.#table.get(slot)?.generation.memory.cells.countersOf(slot)
    if (counters === undefined) return { sessions: 0, places: 0 }
    const max = this.#sessionsMax
    return {
      sessions: countIn(counters, COUNT.sessionsNow, max),
      places: countIn(counters, COUNT.placesNow, max),
    }
  }

  /** Sessions of all children of ours. */
  get sessions(): number {
    return this.#table.all.reduce((sum, { slot }) => sum + this.loadOf(slot).sessions, 0)
  }

  tell(slot: number, message: ToOurChild): void {
    send(this.#table.get(slot), message)
  }

  /** Sends a change of the live state to the children of a generation; `start` carries it to the others. */
  tellState(generation: Generation, change: StateChange): void {
    for (const child of this.#table.all) {
      const hasStarted = child.unsent === undefined
      if (child.generation === generation && hasStarted) send(child, { kind: 'state', change })
    }
  }

  /** A child takes clients: if it dies, it may be replaced at once. */
  served(slot: number): void {
    this.#table.served(slot)
    this.#starter.served(slot)
    this.#heartbeat.served(slot)
  }

  /** Kills a child after a violation: it may have been taken over, so none of its state is trusted. */
  condemn(slot: number, what: string): void {
    const child = this.#table.get(slot)
    if (child !== undefined) this.#condemn(slot, child, what)
  }

  #condemn(slot: number, child: OwnedChild, what: string): void {
    if (child.isCondemned) return
    child.isCondemned = true
    this.#parts.say(ERR, `killing child (pid ${this.#starter.pidOf(slot) ?? '-'}): ${what}`)
    this.#starter.killOne(slot, 'SIGKILL')
  }

  /** Undefined: the child is gone. */
  generationOf(slot: number): Generation | undefined {
    return this.#table.get(slot)?.generation
  }

  /** Pings children of ours, and kills those that have left too many pings unanswered. */
  lookForHanging(): void {
    this.#heartbeat.tick()
  }

  /** Corrects sums in shared memory that do not match the children's own counts. */
  checkMemory(): void {
    const memories = new Set(this.generations().map(({ memory }) => memory))
    for (const { cells } of memories) {
      const corrected = cells.checkUse(this.#sessionsMax)
      if (corrected > 0)
        this.#parts.say(WARNING, `a child has spoilt the load of ${corrected} remotes: corrected`)
    }
  }

  /** Ends a child with its sessions: ours resets them; the classic protocol has no such message, so SIGTERM. */
  cut(slot: number): void {
    const child = this.#table.get(slot)
    if (child?.link === undefined) this.#starter.killOne(slot, 'SIGTERM')
    else send(child, { kind: 'cut' })
  }

  cutAll(): void {
    for (const { slot } of this.#table.all) this.cut(slot)
  }

  /** Asks a child to end when it is idle. */
  retire(slot: number): void {
    this.#starter.killOne(slot, 'SIGTERM')
  }

  /** Cancels starts that wait for the back-off. */
  dropWaiting(): void {
    this.#starter.dropWaiting()
  }

  stopStarting(): void {
    this.#starter.stopStarting()
  }

  killAll(): void {
    this.#starter.kill('SIGKILL')
  }

  /** The process exits: children of ours read the end of their links. */
  closeLinks(): void {
    for (const { link } of this.#table.all) link?.close()
  }

  closeLogs(): void {
    for (const { drain } of this.#table.all) drain?.close()
  }

  #programOf({ loaded }: Generation): ChildProgram {
    const { options, ownProgram } = this.#parts
    return programOf(loaded, options, ownProgram)
  }

  /** The far ends of the descriptors that a child of ours gets from 3 on: link, cells, listeners. */
  #openExtras(slot: number): Extras {
    const child = this.#table.get(slot)
    if (child === undefined || !isOwnProgram(child.generation.loaded.spawnd.spawn)) return NO_EXTRAS
    const { generation } = child
    // A child in this slot that could not be started may have left counts.
    generation.memory.giveBack(slot)
    const { common, head, own } = generation.memory.fdsOf(slot)
    const pair = messageCalls().socketPair('stream')
    if (typeof pair === 'number') throw new Error(`cannot open its link: ${errorText(-pair)}`)
    const [ours, theirs] = pair
    messageCalls().refuseDescriptors(ours)
    const events = {
      onMessage: (message: ToMaster) => this.#onMessage(slot, child, message),
      onViolation: (what: string) => this.#condemn(slot, child, `it sent ${what} on its link`),
      onEnd: () => {
        if (child.link === link) child.link = undefined
      },
    }
    const link: MasterLink = new Link(ours, FROM_CHILD, serialized, events, (handler) =>
      this.#parts.boundary.guard('a message of a child', handler, () => this.#kill(slot, link)),
    )
    child.link = link
    const isDirect = generation.loaded.spawnd.spawn.accept === 'direct'
    const listeners = isDirect ? [...generation.listeners.present] : []
    const start = () => {
      this.#sendStart(slot, link, generation, isDirect, listeners)
      for (const message of child.unsent ?? []) link.send(message)
      child.unsent = undefined
    }
    // A child takes clients soon afterwards, so `start` carries the addresses of its remotes.
    if (generation.hasLooked) start()
    else void generation.looked.then(start)
    const direct = isDirect ? [this.#parts.wakeupFd, ...listeners.map(([, { fd }]) => fd)] : []
    const fds = [theirs, head, common, own, ...direct]
    return {
      fds,
      release() {
        closeSync(theirs)
        generation.memory.cells.handedOver(slot)
      },
    }
  }

  /** Closes the link first: no more bytes of this child are handled. */
  #kill(slot: number, link: MasterLink): void {
    link.close()
    this.#starter.killOne(slot, 'SIGKILL')
  }

  #sendStart(
    slot: number,
    link: MasterLink,
    { live, memory, plan }: Generation,
    isDirect: boolean,
    handed: readonly (readonly [slot: number, listener: { readonly socketKind: SocketKind }])[],
  ): void {
    link.send({
      kind: 'start',
      plan: isDirect ? plan : planBehindMaster(plan),
      live,
      slot,
      shape: memory.shape,
      traceMask: this.#parts.traceMask,
      listeners: isDirect
        ? handed.map(([slot, { socketKind }], i) => ({ slot, fd: FIRST_LISTENER_FD + i, socketKind }))
        : undefined,
    })
  }

  #onMessage(slot: number, child: OwnedChild, { kind }: ToMaster): void {
    if (this.#table.get(slot) !== child || child.isCondemned) return
    switch (kind) {
      case 'log':
        child.drain?.drain()
        return
      case 'pong':
        this.#heartbeat.answered(slot)
        return
      case 'serving':
        if (child.hasSaidServing) this.#condemn(slot, child, 'it said twice that it serves')
        else this.#onServing(slot)
        child.hasSaidServing = true
        return
      case 'retiring':
        this.#table.retired(slot)
        this.#parts.onNews(slot, kind)
        return
    }
  }

  #onServing(slot: number): void {
    this.served(slot)
    this.#parts.onNews(slot, 'serving')
  }

  #onStarted(slot: number): void {
    const child = this.#table.get(slot)
    if (child === undefined) return
    if (child.link !== undefined) this.#heartbeat.started(slot)
    child.generation.enter(slot)
    const cells = child.generation.memory.cells.child(slot)
    const files = {
      access: (line: string) => this.#parts.writeAccess(line),
      key: (line: string) => child.generation.writeKey(line),
      remote: (evidence: RemoteEvidence) => this.#parts.hearRemote(evidence),
    }
    child.drain = new LogDrain(cells, this.#parts.say, files, this.#parts.boundary, {
      writer: `child (pid ${this.#starter.pidOf(slot) ?? '-'})`,
      logLinesPerSecond: this.#parts.traceMask === 0 ? LOG_LINES_PER_SECOND : Number.POSITIVE_INFINITY,
    })
  }

  /** Writes the child's last lines and returns what it held. */
  #onGone(slot: number): void {
    const child = this.#table.get(slot)
    this.#table.delete(slot)
    this.#heartbeat.ended(slot)
    child?.link?.close()
    if (child?.drain !== undefined) {
      child.drain.close()
      child.generation.leave(slot)
    }
    this.#parts.onGone(slot)
  }
}

/** Rate limit of a child's log lines, far above what its throttled messages reach. Traces are not limited. */
const LOG_LINES_PER_SECOND = 1_000

function newChild(slot: number, generation: Generation): OwnedChild {
  return {
    slot,
    generation,
    phase: 'starting',
    link: undefined,
    drain: undefined,
    unsent: [],
    hasSaidServing: false,
    isCondemned: false,
  }
}

/** `start` is the first message of a link; earlier facts are part of it, so messages before the link are dropped. */
function send(child: OwnedChild | undefined, message: ToOurChild): void {
  if (child?.link === undefined) return
  if (child.unsent === undefined) child.link.send(message)
  else child.unsent.push(message)
}

const NO_EXTRAS: Extras = { fds: [], release: () => {} }
