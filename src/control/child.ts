/** The control thread of a child of our own. */
import { EXIT_OK, EXIT_SOFTWARE } from '../base/exit-codes.js'
import { openCells } from '../cells/cells.js'
import type { Command, ReactorSettings, Report } from '../engine/reactor-settings.js'
import { COUNT } from '../observe/counters.js'
import { ERR, INFO } from '../observe/severity.js'
import { pipeOptions, sessionsMax } from '../plan/limits.js'
import { WIRE_FD } from '../services/handed-over.js'
import { CELLS_FDS, WAKEUP_FD } from '../services/link-messages.js'
import { MavisService } from './mavis-service.js'
import type { ChildLink, Start, ToOurChild } from './our-link.js'
import { keepTitle, type Load } from './process-title.js'
import { ReactorThread } from './reactor-thread.js'
import type { Started } from './start-up.js'

export interface ChildParts extends Started {
  readonly start: Start
  readonly link: ChildLink
}

/**
 * The control thread of a child of ours: its reactor relays what the master accepts, or what it accepts itself from
 * the master's listeners. Names, log files and everything else that exists once are the master's.
 */
export class Child {
  readonly #parts: ChildParts
  readonly #thread: ReactorThread<ReactorSettings, Command, Report>
  readonly #mavis: MavisService
  #isAccepting = false
  #isEnding = false
  /** Its reactor closes the listeners, or has closed them. */
  #isDraining = false

  constructor(parts: ChildParts) {
    this.#parts = parts
    const { log, start, traceMask, way } = parts
    const { live, plan, shape, slot } = start
    const settings: ReactorSettings = {
      plan,
      live,
      cells: { fds: CELLS_FDS, shape },
      childSlot: slot,
      ...waysIn(start),
      pipes: pipeOptions(),
      traceMask,
    }
    this.#thread = new ReactorThread(new URL('../engine/reactor-entry.js', import.meta.url), settings, {
      onReport: (report) => this.#onReport(report),
      onFailure: (error) => {
        log.say(ERR, `reactor: ${error.stack ?? error.message}`)
        way.leave(EXIT_SOFTWARE)
      },
    })
    this.#mavis = new MavisService(parts, (answers) => this.#thread.post({ kind: 'answers', answers }))
    this.#mavis.open(slot, plan.mavis)
    way.add({ leave: (done) => this.#leave(done) })
    if (settings.wireEnd !== undefined) this.#thread.post({ kind: 'open-wire-end' })
    const { counters } = openCells(CELLS_FDS, shape, slot).own
    keepTitle(parts, () => this.#load(counters))
    for (const signal of ['SIGHUP', 'SIGTERM'] as const) process.on(signal, () => this.#retire(signal))
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
        this.#mavis.retireAll()
        this.#drain(message.abandoned)
        return
      case 'state':
      case 'ping':
      case 'cut':
        this.#thread.post(message)
        return
    }
  }

  /** On all listeners, or on those of these slots. */
  #listen(slots?: readonly number[]): void {
    for (const listener of this.#parts.start.listeners ?? []) {
      if (slots?.includes(listener.slot) ?? true) this.#thread.post({ kind: 'listen', ...listener })
    }
  }

  /** The master is gone, and who waits at its listeners has nobody else: serves what there is, and ends. */
  onMasterGone(): void {
    if (this.#isDraining) return
    this.#say('the master is gone')
    this.#drain(undefined)
  }

  /** `abandoned`: listeners whose queues are emptied first; undefined for all. */
  #drain(abandoned: readonly number[] | undefined): void {
    this.#isDraining = true
    this.#thread.post({ kind: 'drain', abandoned })
  }

  #load(counters: Float64Array): Load {
    return {
      connections: counters[COUNT.sessionsNow] as number,
      connectionsMax: undefined,
      overload: 'queue',
      isDying: this.#isEnding,
    }
  }

  #leave(done: () => void): void {
    // Whatever ends the process, no peer may take it for the end of a transfer.
    this.#thread.post({ kind: 'cut' })
    const helpersEnded = this.#mavis.closeAll()
    this.#thread.end({ kind: 'stop' }, () => void helpersEnded.then(done))
  }

  #onReport(report: Report): void {
    const { link, log, way } = this.#parts
    switch (report.kind) {
      case 'log':
        link.send({ kind: 'log' })
        return
      case 'pong':
        link.send({ kind: 'pong' })
        return
      case 'questions':
        this.#mavis.receive(report)
        return
      case 'serving':
        link.send({ kind: 'serving' })
        return
      case 'retired':
        log.say(INFO, 'Retire limit reached. Told parent about this.')
        this.#mavis.retireAll()
        link.send({ kind: 'retiring' })
        return
      case 'may-die':
        this.#isEnding = true
        this.#isDraining = true
        this.#mavis.retireAll()
        return
      case 'idle':
        way.leave(EXIT_OK)
        return
    }
  }

  /**
   * Takes no more clients. Whether others take those in the queues of shared listeners only the master knows: they stay
   * open until it answers by `drain`.
   */
  #retire(why: string): void {
    const { link, start } = this.#parts
    this.#say(why)
    link.send({ kind: 'retiring' })
    if (start.listeners === undefined) this.#drain([])
    else this.#thread.post({ kind: 'suspend' })
  }

  #say(why: string): void {
    this.#isEnding = true
    this.#mavis.retireAll()
    this.#parts.log.say(INFO, `${why}: No longer accepting new connections.`)
  }
}

/** How clients come in: over the wire, or from listeners of the master's. */
function waysIn({ listeners, plan }: Start): Pick<ReactorSettings, 'wakeupFd' | 'wireEnd' | 'sessionsMax'> {
  const placesMax = sessionsMax(plan.mavis)
  if (listeners === undefined) {
    return { sessionsMax: placesMax, wakeupFd: undefined, wireEnd: { master: 'ours', fd: WIRE_FD } }
  }
  return {
    sessionsMax: Math.min(placesMax, plan.workers.sessionsMax),
    wakeupFd: WAKEUP_FD,
    wireEnd: undefined,
  }
}
