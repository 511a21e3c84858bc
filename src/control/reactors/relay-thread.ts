/** The thread of a reactor that relays, and the MAVIS modules that it asks. */
import { EXIT_SOFTWARE } from '../../base/exit-codes.js'
import type { Command, ReactorSettings, Report } from '../../engine/reactor-settings.js'
import { ERR } from '../../observe/severity.js'
import { TraceChannel } from '../../observe/trace.js'
import type { Started } from '../process/start-up.js'
import { MavisService } from './mavis-service.js'
import type { AnswerOf } from './open-asks.js'
import type { CommandedThread } from './reactor-thread.js'
import { traceText } from './trace-text.js'

export type RelayingThread = CommandedThread<ReactorSettings, Command, Report>

/** Parts of a process with a reactor that relays. */
export type RelayThreadParts = Pick<Started, 'boundary' | 'log' | 'shutdown' | 'system' | 'traceMask'>

/**
 * A reactor that relays, with the MAVIS modules that it asks: the same in a single process, in a child of ours and in a
 * child of a foreign master.
 */
export class RelayThread {
  /** Authorizers by generation: the owner opens and closes them. */
  readonly mavis: MavisService
  readonly #parts: RelayThreadParts
  readonly #thread: RelayingThread
  readonly #trace: TraceChannel
  /** Gets all reports but questions. */
  readonly #onReport: (report: Exclude<Report, { kind: 'questions' }>) => void

  constructor(
    parts: RelayThreadParts,
    thread: RelayingThread,
    onReport: (report: Exclude<Report, { kind: 'questions' }>) => void,
  ) {
    this.#parts = parts
    this.#thread = thread
    this.#onReport = onReport
    this.#trace = new TraceChannel('PROC', parts.traceMask, parts.log.say)
    this.mavis = new MavisService(parts, (answers) => this.post({ kind: 'answers', answers }))
  }

  start(settings: ReactorSettings): void {
    this.#thread.start(settings, {
      onReport: (report) => this.#onAnyReport(report),
      onFailure: (error) => this.#onFailure(error),
    })
  }

  post(command: Command): void {
    this.#traceCommand(command)
    this.#thread.post(command)
  }

  ask<Kind extends Report['kind']>(
    command: Command,
    answer: Kind,
  ): Promise<AnswerOf<Report, Kind> | undefined> {
    this.#traceCommand(command)
    return this.#thread.ask(command, answer)
  }

  /** Stops accepting, but leaves the listeners open until `drain`. Settles when no client is accepted any more. */
  async suspend(): Promise<void> {
    this.mavis.retireAll()
    await this.ask({ kind: 'suspend' }, 'suspended')
  }

  /** Stops accepting; open questions are still answered. `abandoned`: see the command `drain`. */
  drain(abandoned?: readonly number[]): void {
    this.post({ kind: 'drain', abandoned })
    this.mavis.retireAll()
  }

  /** Calls `stopped` when the reactor writes no more, `done` when its helpers have ended too. */
  shutDown(stopped: () => void, done: () => void): void {
    // Peers must get a reset: a FIN would look like the end of a complete transfer.
    this.post({ kind: 'cut' })
    // Meanwhile the thread ends; helpers may take longer than it.
    const helpersEnded = this.mavis.closeAll()
    this.#thread.end({ kind: 'stop' }, () => {
      stopped()
      void helpersEnded.then(done)
    })
  }

  #traceCommand(command: Command): void {
    if (this.#trace.isOn) this.#trace.say(`to the reactor: ${traceText(command)}`)
  }

  #onAnyReport(report: Report): void {
    if (this.#trace.isOn) this.#trace.say(`from the reactor: ${JSON.stringify(report)}`)
    if (report.kind === 'questions') this.mavis.receive(report)
    else this.#onReport(report)
  }

  #onFailure(error: Error): void {
    this.#parts.log.say(ERR, `reactor: ${error.stack ?? error.message}`)
    this.#parts.shutdown.exit(EXIT_SOFTWARE)
  }
}
