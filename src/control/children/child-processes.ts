/** The children of a master and their links. */
import { closeSync } from 'node:fs'
import type { StateChange } from '../../engine/live-state.js'
import { descriptorLimit } from '../../kernel/limits.js'
import { COUNT, countIn } from '../../observe/counters.js'
import type { RemoteEvidence } from '../../observe/remote-evidence.js'
import { ERR, WARNING } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import { isOwnProgram } from '../../plan/compile/worker-plans.js'
import type { Loaded, LoadOptions } from '../../plan/load/load.js'
import { type HostAnswer, LOOKUPS_OPEN_MAX } from '../../relay/host-answer.js'
import { Heartbeat } from '../../services/heartbeat.js'
import type { ToMaster } from '../../services/link-messages.js'
import { LogDrain } from '../../services/log-drain.js'
import type { Generation } from '../generations/generation.js'
import type { WantedHost } from '../generations/host-service.js'
import { checkLimitMemories } from '../generations/limit-memories.js'
import type { ChildFacts } from '../generations/workers.js'
import { type ChildProgram, programOf, type StartProcess } from './child-program.js'
import { ChildStarter, type Extras } from './child-starter.js'
import type { ChildTable } from './child-table.js'
import { type ChildLinkParts, openChildLink } from './open-child-link.js'
import type { ToOurChild } from './our-link.js'
import { newChild, type OwnedChild, sendTo } from './owned-child.js'

export interface ChildProcessesParts extends ChildLinkParts {
  /** Entries are added at the start of a child and deleted when it is gone. */
  readonly table: ChildTable<OwnedChild>
  readonly options: LoadOptions
  /** How our own children are started; the configuration and the section that they read follow. */
  readonly ownProgram: Pick<ChildProgram, 'command' | 'words'>
  readonly say: Say
  /** By default a process of the system. */
  readonly startProcess?: StartProcess | undefined
  /** A line of a child's access log. */
  writeAccess(line: string): void
  /** The addresses of a host that a client asks for; undefined: no route of the generation allows it. */
  findHost(of: Generation, wanted: WantedHost): Promise<HostAnswer> | undefined
  /** Evidence of a remote that a child has seen. */
  hearRemote(evidence: RemoteEvidence): void
  /** A child reports over its link; its entry in the table is up to date. */
  onNews(slot: number, news: 'serving' | 'retiring'): void
  /** No child can be started: this process may not change to the configured user or group. */
  onForbidden(generation: Generation | undefined): void
  /** The process has ended, or could not be started; what it held has been given back. */
  onGone(slot: number): void
}

/** Owns process, link and log ring of each child, of all generations. */
export class ChildProcesses {
  readonly #parts: ChildProcessesParts
  readonly #starter: ChildStarter
  /** Pings of children of ours: one that hangs would otherwise keep its clients for ever. */
  readonly #heartbeat = new Heartbeat({
    ask: (slot) => this.tell(slot, { kind: 'ping' }),
    onHanging: (slot) => this.condemn(slot, 'it does not answer any more'),
    pidOf: (slot) => this.#starter.pidOf(slot),
  })
  /** Limit of a child's sessions: each has a descriptor for its client, and children inherit our limit. */
  readonly #sessionsMax = descriptorLimit()
  /** That of the parts, shared with the pool, which changes the phases. */
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
      // The drain is opened when the process has started: one that only waits for its start has none.
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
    // Written by the child, which may be compromised: `countIn` limits the values.
    const counters = this.#table.get(slot)?.generation.memory.cells.countersOf(slot)
    if (counters === undefined) return { sessions: 0, places: 0 }
    const max = this.#sessionsMax
    return {
      sessions: countIn(counters, COUNT.sessionsNow, max),
      places: countIn(counters, COUNT.placesNow, max),
    }
  }

  facts(): readonly ChildFacts[] {
    return this.#table.all.map(({ generation, link, phase, slot }) => ({
      pid: this.#starter.pidOf(slot),
      phase,
      generation,
      sessions: link === undefined ? undefined : this.loadOf(slot).sessions,
    }))
  }

  /** Sessions of all children of ours. */
  get sessions(): number {
    return this.#table.all.reduce((sum, { slot }) => sum + this.loadOf(slot).sessions, 0)
  }

  tell(slot: number, message: ToOurChild): void {
    sendTo(this.#table.get(slot), message)
  }

  /** Sends a change of the live state to the children of a generation; `start` carries it to the others. */
  tellState(generation: Generation, change: StateChange): void {
    for (const child of this.#table.all) {
      // Otherwise `start` is still to be sent, with a live state that includes the change.
      const hasStarted = child.unsent === undefined
      if (child.generation === generation && hasStarted) sendTo(child, { kind: 'state', change })
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
    // Generations may share their memory.
    const memories = new Set(this.generations().map(({ memory }) => memory))
    for (const { cells } of memories) {
      const corrected = cells.checkUse(this.#sessionsMax)
      if (corrected > 0)
        this.#parts.say(
          WARNING,
          `corrected ${corrected} numbers of sessions in shared memory: a child died while it changed them, or is compromised`,
        )
    }
    const limits = checkLimitMemories(this.generations().map((generation) => generation.limits))
    if (limits > 0)
      this.#parts.say(
        WARNING,
        `corrected ${limits} numbers of sessions of limits: a child died while it changed them, or is compromised`,
      )
  }

  /** Ends a child with its sessions: ours resets them; the classic protocol has no such message, so SIGTERM. */
  cut(slot: number): void {
    const child = this.#table.get(slot)
    if (child?.link === undefined) this.#starter.killOne(slot, 'SIGTERM')
    else sendTo(child, { kind: 'cut' })
  }

  cutAll(): void {
    for (const { slot } of this.#table.all) this.cut(slot)
  }

  /** Asks a child to end when it is idle. */
  retire(slot: number): void {
    this.#starter.killOne(slot, 'SIGTERM')
  }

  /** Cancels starts that wait for the back-off, and from now on those that would have to. */
  stopWaiting(): void {
    this.#starter.stopWaiting()
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

  #openExtras(slot: number): Extras {
    const child = this.#table.get(slot)
    // Other programs have the wire only: they use neither link nor cells.
    if (child === undefined || !isOwnProgram(child.generation.loaded.spawnd.spawn)) return NO_EXTRAS
    return openChildLink(child, this.#parts, {
      onMessage: (message) => this.#onMessage(slot, child, message),
      onViolation: (what) => this.#condemn(slot, child, `it sent ${what} on its link`),
      onException: () => this.#starter.killOne(slot, 'SIGKILL'),
    })
  }

  #onMessage(slot: number, child: OwnedChild, message: ToMaster): void {
    // A late message: the slot may belong to another child by now.
    if (this.#table.get(slot) !== child || child.isCondemned) return
    switch (message.kind) {
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
        if (this.#table.retired(slot)) this.#parts.onNews(slot, message.kind)
        return
      case 'resolve':
        this.#findHost(slot, child, message)
        return
    }
  }

  /** A child of ours asks for names that its routes allow only, and for a limited number at a time. */
  #findHost(
    slot: number,
    child: OwnedChild,
    { token, ...wanted }: Extract<ToMaster, { kind: 'resolve' }>,
  ): void {
    const answer = this.#parts.findHost(child.generation, wanted)
    if (answer === undefined) this.#condemn(slot, child, 'it asked for a host that no route allows')
    else if (++child.openHosts > LOOKUPS_OPEN_MAX)
      this.#condemn(slot, child, 'it asked for too many hosts at a time')
    else {
      void answer.then((found) => {
        child.openHosts--
        sendTo(child, { kind: 'host', token, answer: found })
      })
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
    // Before the drain: the rows of the slot are given to this child.
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
      // In this order: lines and counts are read before the rows are free for another child.
      child.drain.close()
      child.generation.leave(slot)
    }
    this.#parts.onGone(slot)
  }
}

/** Rate limit of a child's log lines, far above what its throttled messages reach. Traces are not limited. */
const LOG_LINES_PER_SECOND = 1_000

const NO_EXTRAS: Extras = { fds: [], release: () => {} }
