/** What decides which children a master has: its own reactor or, with `accept = direct`, the control thread. */
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from '../../engine/acceptor-settings.js'
import { COUNT } from '../../observe/counters.js'
import type { AnswerOf } from '../reactors/open-asks.js'
import type { CommandedThread, ThreadEvents } from '../reactors/reactor-thread.js'

/** Decides how many children run, and how clients get to them; `ChildTable` lists them. */
export interface ChildPool {
  /** Starts the children that always run. */
  start(settings: AcceptorSettings): void
  /** Passes on a command of the head; ignored after `end`. */
  post(command: AcceptorCommand): void
  /** As `CommandedThread.ask`. */
  ask<Kind extends AcceptorReport['kind']>(
    command: AcceptorCommand,
    answer: Kind,
  ): Promise<AnswerOf<AcceptorReport, Kind> | undefined>
  /** A child reports over its link, and its entry in the table has changed. */
  onNews(slot: number, news: 'serving' | 'retiring'): void
  /** Calls `ended` when nothing of the pool is left. */
  end(ended: () => void): void
  /** Connections that it takes at most, those of retiring children included; undefined: not known yet. */
  readonly places: number | undefined
}

export type AcceptorThread = CommandedThread<AcceptorSettings, AcceptorCommand, AcceptorReport>

/** The pool of a master whose own reactor accepts: its dispatcher opens children and places clients. */
export class BrokerChildPool implements ChildPool {
  readonly #thread: AcceptorThread
  readonly #events: ThreadEvents<AcceptorReport>
  readonly #counters: Float64Array

  /** `counters`: those of its reactor. */
  constructor(thread: AcceptorThread, events: ThreadEvents<AcceptorReport>, counters: Float64Array) {
    this.#thread = thread
    this.#events = events
    this.#counters = counters
  }

  start(settings: AcceptorSettings): void {
    this.#thread.start(settings, this.#events)
  }

  post(command: AcceptorCommand): void {
    this.#thread.post(command)
  }

  ask: ChildPool['ask'] = (command, answer) => this.#thread.ask(command, answer)

  /** Children report over the wire, to the dispatcher. */
  onNews(): void {}

  end(ended: () => void): void {
    this.#thread.end({ kind: 'stop' }, ended)
  }

  get places(): number | undefined {
    // Zero: the reactor has not published its load yet.
    return this.#counters[COUNT.placesNow] || undefined
  }
}
