/** The control thread of a child of our own. */
import { EXIT_OK, EXIT_OS } from '../../base/exit-codes.js'
import { openCells } from '../../cells/cells.js'
import type { ReactorSettings, Report } from '../../engine/reactor-settings.js'
import type { SandboxCalls } from '../../kernel/sandbox-calls.js'
import { COUNT } from '../../observe/counters.js'
import { ERR } from '../../observe/severity.js'
import { pipeOptions, sessionsMax } from '../../plan/compile/limits.js'
import { socketFamilies } from '../../plan/compile/sandbox-plan.js'
import { WIRE_FD } from '../../services/handed-over.js'
import { CELLS_FDS, WAKEUP_FD } from '../../services/link-messages.js'
import { keepTitle, type Load } from '../process/process-title.js'
import { reportRetired, reportRetiring, retireOnSignals } from '../process/retiring.js'
import { enterSandbox, usesLandlock } from '../process/sandbox.js'
import type { Started } from '../process/start-up.js'
import { type RelayingThread, RelayThread } from '../reactors/relay-thread.js'
import type { ChildLink, Start, ToOurChild } from './our-link.js'

export interface ChildParts extends Started {
  readonly start: Start
  readonly link: ChildLink
  readonly thread: RelayingThread
  readonly sandbox: SandboxCalls
}

/**
 * The control thread of a child of ours: its reactor relays clients that the master accepts, or that it accepts itself on
 * the master's listeners. Lookups, log files and everything else that exists once belong to the master.
 */
export class Child {
  readonly #parts: ChildParts
  readonly #thread: RelayThread
  /** Clients come over the wire. */
  readonly #hasWire: boolean
  /** The master has sent `accept`: it listens. */
  #isAccepting = false
  /** Shown in the process title. */
  #isEnding = false
  /** Its reactor closes the listeners, or has closed them. */
  #isDraining = false

  constructor(parts: ChildParts) {
    this.#parts = parts
    const { shutdown, start, thread, traceMask } = parts
    const { limits, live, plan, shape, slot, sticky } = start
    const settings: ReactorSettings = {
      plan,
      live,
      cells: { fds: CELLS_FDS, shape },
      sticky,
      limits,
      childSlot: slot,
      ...waysIn(start),
      pipes: pipeOptions(),
      traceMask,
      restrictsFiles: usesLandlock(parts.sandbox, plan.process.sandbox),
    }
    this.#thread = new RelayThread(parts, thread, (report) => this.#onReport(report))
    this.#thread.start(settings)
    // Before the wire is opened: the first client may need a verdict.
    this.#thread.mavis.open(slot, plan.mavis)
    shutdown.add({ end: (done) => this.#thread.shutDown(() => {}, done) })
    this.#hasWire = settings.wireEnd !== undefined
    const { counters } = openCells(CELLS_FDS, shape, slot).own
    keepTitle(parts, () => this.#load(counters))
    retireOnSignals(process, (signal) => this.#retire(signal))
  }

  onMessage(message: ToOurChild): void {
    switch (message.kind) {
      case 'accept':
        this.#isAccepting = true
        this.#listen()
        return
      case 'drain':
        this.#isEnding = true
        // It has just started, and may be the only one that can take the clients of these listeners.
        if (!this.#isAccepting) this.#listen(message.abandoned)
        this.#drain(message.abandoned)
        return
      case 'host':
        this.#thread.post({ kind: 'hosts', replies: [[message.token, message.answer]] })
        return
      case 'state':
      case 'ping':
      case 'cut':
        this.#thread.post(message)
        return
    }
  }

  /** No successor will take clients from the backlog of the master's listeners: takes them, and exits when idle. */
  onMasterGone(): void {
    if (this.#isDraining) return
    this.#isEnding = true
    reportRetiring(this.#parts.log.say, 'the master is gone')
    this.#drain(undefined)
  }

  /** Both threads have loaded what they need: no client comes in before the sandbox is closed. */
  #serve(): void {
    const { link, log, sandbox, shutdown, start } = this.#parts
    const { plan } = start
    const needs = { mode: plan.process.sandbox, families: socketFamilies(plan), writable: undefined }
    const problem = enterSandbox(sandbox, needs)
    if (problem !== undefined) {
      log.say(ERR, problem)
      shutdown.exit(EXIT_OS)
      return
    }
    if (this.#hasWire) this.#thread.post({ kind: 'open-wire-end' })
    link.send({ kind: 'serving' })
  }

  /** On all listeners, or on those of these slots. */
  #listen(slots?: readonly number[]): void {
    for (const listener of this.#parts.start.listeners ?? []) {
      if (slots?.includes(listener.slot) ?? true) this.#thread.post({ kind: 'listen', ...listener })
    }
  }

  /** `abandoned`: listeners whose queues are emptied first; undefined for all. */
  #drain(abandoned: readonly number[] | undefined): void {
    this.#isDraining = true
    this.#thread.drain(abandoned)
  }

  #load(counters: Float64Array): Load {
    return {
      connections: counters[COUNT.sessionsNow] as number,
      connectionsMax: undefined,
      overload: 'queue',
      isDying: this.#isEnding,
    }
  }

  #onReport(report: Report): void {
    const { link, log, shutdown } = this.#parts
    switch (report.kind) {
      case 'log':
        link.send({ kind: 'log' })
        return
      case 'pong':
        link.send({ kind: 'pong' })
        return
      case 'lookups':
        for (const { name, pool, token } of report.asked) link.send({ kind: 'resolve', token, pool, name })
        return
      case 'serving':
        void this.#thread.mavis.opened().then(() => this.#serve())
        return
      case 'retired':
        // The reactor has reached its limit of clients (`retire`) and has stopped accepting by itself.
        reportRetired(log.say, true)
        this.#thread.mavis.retireAll()
        link.send({ kind: 'retiring' })
        return
      case 'may-die':
        this.#isEnding = true
        this.#isDraining = true
        this.#thread.mavis.retireAll()
        return
      case 'idle':
        shutdown.exit(EXIT_OK)
        return
    }
  }

  /**
   * Takes no more clients. Shared listeners stay open until the master answers by `drain`, because only the
   * master can determine whether others take the clients in their queues.
   */
  #retire(signal: NodeJS.Signals): void {
    const { link, log, start } = this.#parts
    this.#isEnding = true
    const tell = () => {
      reportRetiring(log.say, signal)
      link.send({ kind: 'retiring' })
    }
    if (start.listeners !== undefined) {
      // After the reply: the log line and the master rely on it that this child accepts nobody more.
      void this.#thread.suspend().then(tell)
      return
    }
    tell()
    this.#drain([])
  }
}

/** How clients come in: over the wire, or by accepting on the master's listeners. */
function waysIn({ listeners, plan }: Start): Pick<ReactorSettings, 'wakeupFd' | 'wireEnd' | 'sessionsMax'> {
  // Behind a master, the configured limit is applied by the master, which places the clients.
  const placesMax = sessionsMax(plan)
  if (listeners === undefined) {
    return { sessionsMax: placesMax, wakeupFd: undefined, wireEnd: { master: 'ours', fd: WIRE_FD } }
  }
  return {
    sessionsMax: Math.min(placesMax, plan.workers.sessionsMax),
    wakeupFd: WAKEUP_FD,
    wireEnd: undefined,
  }
}
