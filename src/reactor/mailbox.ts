/** The command channel between a reactor and its control thread, on the reactor's side. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { errorText } from '../kernel/errno.js'
import { openEventFd } from '../kernel/eventfd.js'
import { type Loop, NO_TOKEN, type Watcher } from './loop.js'

/**
 * Receives commands and posts reports. Commands are read with `receiveMessageOnPort` when the eventfd becomes
 * readable, because a thread that blocks in the poller runs no events of Node. Reports arrive in the control thread
 * as ordinary 'message' events.
 */
export class Mailbox<Command, Report> implements Watcher {
  token = NO_TOKEN
  readonly #port: MessagePort
  readonly #wake
  readonly #onCommand: (command: Command) => void

  constructor(port: MessagePort, wakeFd: number, onCommand: (command: Command) => void) {
    this.#port = port
    this.#wake = openEventFd(wakeFd)
    this.#onCommand = onCommand
  }

  /** Starts receiving. Commands that were posted earlier are handled in the loop's first turn. */
  open(loop: Loop): void {
    const outcome = loop.watch(this.#wake.fd, this, 'level')
    if (outcome < 0) throw new Error(`cannot watch the mailbox: ${errorText(-outcome)}`)
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

  /** Takes about 3 µs (a structured clone), so never once per session. */
  post(report: Report): void {
    this.#port.postMessage(report)
  }

  /** Lets the thread exit once its loop has stopped. Does not close the eventfd, which the control thread owns. */
  close(): void {
    this.#port.close()
  }
}
