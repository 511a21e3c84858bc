/** A reactor's thread, seen from the control thread: commands to it, reports from it. */
import { Worker } from 'node:worker_threads'
import { type EventFd, openEventFd } from '../kernel/eventfd.js'
import type { ThreadData } from '../reactor/thread-data.js'

export interface ThreadEvents<Report> {
  onReport(report: Report): void
  /** The thread threw: it is gone, and nothing is relayed any more. */
  onFailure(error: Error): void
}

/**
 * What a reactor makes new is either dropped at once or kept for the life of a session, so room for the young gains
 * nothing: left to itself it grows to 48 MiB while sessions come. V8 takes three parts of it, of 1 MiB at least.
 */
const YOUNG_GENERATION_MB = 3

/**
 * The control thread's end of a reactor: starts its thread, posts commands and wakes it, because a thread that
 * waits in the poller hears no events of Node, `worker.terminate()` included.
 */
export class ReactorThread<Settings, Command, Report> {
  readonly #worker: Worker
  readonly #wake: EventFd
  #isOver = false
  #onEnded: () => void = () => {}

  constructor(entry: URL, settings: Settings, events: ThreadEvents<Report>) {
    this.#wake = openEventFd()
    const data: ThreadData<Settings> = { settings, wakeFd: this.#wake.fd }
    this.#worker = new Worker(entry, {
      workerData: data,
      stdout: false,
      stderr: false,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    this.#worker.on('message', (report: Report) => events.onReport(report))
    this.#worker.on('error', (error) =>
      events.onFailure(error instanceof Error ? error : new Error(String(error))),
    )
    this.#worker.on('exit', () => {
      this.#isOver = true
      this.#wake.close()
      this.#onEnded()
    })
  }

  post(command: Command): void {
    if (this.#isOver) return
    this.#worker.postMessage(command)
    this.#wake.wake()
  }

  /** Ends the thread by its last command; `ended` is called when it is gone, and at once if it is already. */
  end(last: Command, ended: () => void): void {
    if (this.#isOver) {
      ended()
      return
    }
    this.#onEnded = ended
    this.post(last)
  }
}
