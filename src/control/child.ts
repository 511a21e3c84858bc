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
  #isEnding = false

  constructor(parts: ChildParts) {
    this.#parts = parts
    const { log, start, traceMask, shutdown } = parts
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
        shutdown.exit(EXIT_SOFTWARE)
      },
    })
    this.#mavis = new MavisService(parts, (answers) => this.#thread.post({ kind: 'answers', answers }))
    this.#mavis.open(slot, plan.mavis)
    shutdown.add({ end: (done) => this.#shutDown(done) })
    if (settings.wireEnd !== undefined) this.#thread.post({ kind: 'open-wire-end' })
    const { counters } = openCells(CELLS_FDS, shape, slot).own
    keepTitle(parts, () => this.#load(counters))
    for (const signal of ['SIGHUP', 'SIGTERM'] as const) process.on(signal, () => this.#retire(signal))
  }

  onMessage(message: ToOurChild): void {
    switch (message.kind) {
      case 'accept':
        for (const listener of this.#parts.start.listeners ?? [])
          this.#thread.post({ kind: 'listen', ...listener })
        return
      case 'drain':
        this.#isEnding = true
        this.#mavis.retireAll()
        this.#thread.post(message)
        return
      case 'state':
      case 'ping':
      case 'cut':
        this.#thread.post(message)
        return
    }
  }

  /** The master is gone, and who waits at its listeners has nobody else: serves what there is, and ends. */
  onMasterGone(): void {
    if (this.#isEnding) return
    this.#say('the master is gone')
    this.#thread.post({ kind: 'drain' })
  }

  #load(counters: Float64Array): Load {
    return {
      connections: counters[COUNT.sessionsNow] as number,
      connectionsMax: undefined,
      overload: 'queue',
      isDying: this.#isEnding,
    }
  }

  #shutDown(done: () => void): void {
    // Whatever ends the process, no peer may take it for the end of a transfer.
    this.#thread.post({ kind: 'cut' })
    const helpersEnded = this.#mavis.closeAll()
    this.#thread.end({ kind: 'stop' }, () => void helpersEnded.then(done))
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
        this.#mavis.retireAll()
        return
      case 'idle':
        shutdown.exit(EXIT_OK)
        return
    }
  }

  /** Takes no more clients; those that wait at shared listeners wait for others. */
  #retire(why: string): void {
    this.#say(why)
    this.#parts.link.send({ kind: 'retiring' })
    this.#thread.post({ kind: 'drain', abandoned: [] })
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
