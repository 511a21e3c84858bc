import type { Configuration } from '../config/load.js'
import type { Link } from '../master/link.js'
import { CELLS_FD, type ChildStart, type ToChild, type ToMaster } from '../master/link-messages.js'
import { ReactorThread } from '../master/reactor-thread.js'
import { ERR, INFO } from '../observe/severity.js'
import { closeInspector } from './close-inspector.js'
import { EXIT_OK, EXIT_SOFTWARE } from './exit-codes.js'
import type { Loaded } from './load.js'
import type { Command, ReactorSettings, Report } from './reactor-settings.js'
import { NO_ACCEPTING, relaySettings, sessionsMax } from './settings.js'
import type { Started } from './start-up.js'

/** The wire to the master: descriptor 0, as with the original. */
export const WIRE_FD = 0

type Snapshot = ReturnType<Loaded['sources']['snapshot']>

export interface ChildParts extends Started {
  readonly configuration: Configuration
  readonly start: ChildStart<Snapshot>
  readonly link: Link<ToChild<Snapshot>, ToMaster>
}

/**
 * The control thread of a child of ours: its reactor relays what the master accepts. Names, log files and
 * everything else that exists once are the master's.
 */
export class Child {
  readonly #parts: ChildParts
  readonly #thread: ReactorThread<ReactorSettings, Command, Report>
  #isEnding = false

  constructor(parts: ChildParts) {
    this.#parts = parts
    const { configuration, log, start, traceMask, way } = parts
    const settings: ReactorSettings = {
      ...relaySettings(configuration),
      cells: { fd: CELLS_FD, shape: start.shape },
      childSlot: start.slot,
      listenerNames: start.listenerNames,
      ...NO_ACCEPTING,
      sessionsMax: sessionsMax(),
      inlet: { master: 'ours', fd: WIRE_FD, unixListeners: start.unixListeners },
      traceMask,
    }
    this.#thread = new ReactorThread(new URL('./reactor-entry.js', import.meta.url), settings, {
      onReport: (report) => this.#onReport(report),
      onFailure: (error) => {
        log.say(ERR, `reactor: ${error.stack ?? error.message}`)
        way.leave(EXIT_SOFTWARE)
      },
    })
    way.add({ leave: (done) => this.#leave(done) })
    for (const [remoteSlot, addresses] of start.addresses) {
      this.#thread.post({ kind: 'addresses', remoteSlot, addresses })
    }
    for (const signal of ['SIGHUP', 'SIGTERM'] as const) process.on(signal, () => this.#retire(signal))
  }

  onMessage(message: ToChild<Snapshot>): void {
    if (message.kind === 'addresses') this.#thread.post(message)
    else if (message.kind === 'cut') this.#thread.post({ kind: 'cut' })
  }

  /** The master is gone: serves what there is, and ends. */
  onMasterGone(): void {
    if (!this.#isEnding) this.#retire('the master is gone')
  }

  #leave(done: () => void): void {
    // Whatever ends the process, no peer may take it for the end of a transfer.
    this.#thread.post({ kind: 'cut' })
    this.#thread.end({ kind: 'stop' }, done)
  }

  #onReport(report: Report): void {
    const { link, log, way } = this.#parts
    switch (report.kind) {
      case 'log':
        link.send({ kind: 'log' })
        return
      case 'serving':
        closeInspector()
        link.send({ kind: 'serving' })
        return
      case 'retired':
        log.say(INFO, 'Retire limit reached. Told parent about this.')
        this.#thread.post({ kind: 'drain' })
        return
      case 'may-die':
        this.#isEnding = true
        return
      case 'idle':
        way.leave(EXIT_OK)
        return
    }
  }

  #retire(why: string): void {
    this.#isEnding = true
    this.#parts.log.say(INFO, `${why}: No longer accepting new connections.`)
    this.#thread.post({ kind: 'drain' })
  }
}
