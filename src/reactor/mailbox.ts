import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { openWakeFd } from '../kernel/eventfd.js'
import { type Loop, NO_TOKEN, type Watcher } from './loop.js'

/**
 * The reactor's end of its talk with the control thread. Commands come through a port that is read when the
 * eventfd says so, because a thread that waits in the poller runs no events of Node. Reports are posted; the
 * control thread hears them as events.
 */
export class Mailbox<Command, Report> implements Watcher {
  token = NO_TOKEN
  readonly #port: MessagePort
  readonly #wake
  readonly #onCommand: (command: Command) => void

  constructor(port: MessagePort, wakeFd: number, onCommand: (command: Command) => void) {
    this.#port = port
    this.#wake = openWakeFd(wakeFd)
    this.#onCommand = onCommand
  }

  /** Starts listening. Commands that were posted earlier are told in the loop's first turn. */
  open(loop: Loop): void {
    const outcome = loop.watch(this.#wake.fd, this, 'level')
    if (outcome < 0) throw new Error(`cannot watch the mailbox: ${outcome}`)
  }

  onReady(): void {
    this.#wake.clear()
    for (
      let got = receiveMessageOnPort(this.#port);
      got !== undefined;
      got = receiveMessageOnPort(this.#port)
    ) {
      this.#onCommand(got.message as Command)
    }
  }

  /** Costs some microseconds: for rare news, never for one per session. */
  post(report: Report): void {
    this.#port.postMessage(report)
  }

  /** Lets the thread end once its loop has stopped. The eventfd belongs to the control thread. */
  close(): void {
    this.#port.close()
  }
}
