/** A reactor's thread, seen from the control thread: commands to it, reports from it. */
import { Worker } from 'node:worker_threads'
import { type EventFd, openEventFd } from '../../kernel/eventfd.js'
import type { ThreadData } from '../../reactor/thread-data.js'
import { type AnswerOf, OpenAsks } from './open-asks.js'

export interface ThreadEvents<Report> {
  /** Answers to `ask` are not reported. */
  onReport(report: Report): void
  /** The thread threw: it is gone, and nothing is relayed any more. */
  onFailure(error: Error): void
}

/** The thread of a reactor, as its owner commands it; a test implements it without a thread. */
export interface CommandedThread<Settings, Command, Report extends { readonly kind: string }> {
  /** Called once; commands before it are lost. */
  start(settings: Settings, events: ThreadEvents<Report>): void
  post(command: Command): void
  /**
   * Posts a command and settles with the report of the kind `answer`; with undefined when the thread ends first, or when
   * the same is asked again.
   */
  ask<Kind extends Report['kind']>(
    command: Command,
    answer: Kind,
  ): Promise<AnswerOf<Report, Kind> | undefined>
  /** Ends the thread by its last command; `ended` is called when it is gone, and at once if it is already. */
  end(last: Command, ended: () => void): void
}

/**
 * Objects of a reactor are garbage at once or live as long as a session, so a large young generation gains
 * nothing: by default it grows to 48 MiB under load. V8 splits it into three parts of at least 1 MiB.
 */
const YOUNG_GENERATION_MB = 3

/**
 * The control thread's side of a reactor: starts its thread, posts commands and wakes it, because a thread
 * that is blocked in the poller handles no events of Node, `worker.terminate()` included.
 */
export class ReactorThread<Settings, Command, Report extends { readonly kind: string }>
  implements CommandedThread<Settings, Command, Report>
{
  readonly #entry: URL
  readonly #asks = new OpenAsks<Report>()
  /** Undefined before the start and after the end. */
  #running: { readonly worker: Worker; readonly wake: EventFd } | undefined
  /** Set by `end`. */
  #onEnded: () => void = () => {}

  /** `entry`: the first file that the thread runs. */
  constructor(entry: URL) {
    this.#entry = entry
  }

  start(settings: Settings, events: ThreadEvents<Report>): void {
    const wake = openEventFd()
    const data: ThreadData<Settings> = { settings, wakeFd: wake.fd }
    const worker = new Worker(this.#entry, {
      workerData: data,
      // Text of the thread (warnings of Node, for instance) goes to the streams of this process.
      stdout: false,
      stderr: false,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    this.#running = { worker, wake }
    worker.on('message', (report: Report) => {
      if (!this.#asks.answered(report)) events.onReport(report)
    })
    worker.on('error', (error) => events.onFailure(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', () => {
      this.#running = undefined
      // Only now: the thread uses the same descriptor.
      wake.close()
      this.#asks.close()
      this.#onEnded()
    })
  }

  post(command: Command): void {
    if (this.#running === undefined) return
    const { wake, worker } = this.#running
    worker.postMessage(command)
    // After the message is in the queue: the reactor empties the queue at each wake-up.
    wake.wake()
  }

  ask<Kind extends Report['kind']>(
    command: Command,
    answer: Kind,
  ): Promise<AnswerOf<Report, Kind> | undefined> {
    const answered = this.#asks.open(answer)
    this.post(command)
    return answered
  }

  end(last: Command, ended: () => void): void {
    if (this.#running === undefined) {
      ended()
      return
    }
    this.#onEnded = ended
    this.post(last)
  }
}
