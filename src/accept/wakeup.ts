import { errorText } from '../kernel/errno.js'
import { openWakeupFd, type WakeupFd } from '../kernel/wakeup-fd.js'
import { type Loop, NO_TOKEN, type Watcher } from '../reactor/loop.js'

/**
 * Wakes all children that share listeners, by a timerfd of the master that each of them watches edge-triggered, so
 * that nobody has to read it. Needed because the kernel wakes one child per client (EPOLLEXCLUSIVE): a child that
 * yields the client to its siblings has to wake them. poll and select have no edges and report the timerfd only once;
 * they do not need it, because they wake every child that watches a shared listener.
 */
export class Wakeup implements Watcher {
  token = NO_TOKEN
  readonly #wakeup: WakeupFd
  readonly #onWakeup: () => void

  constructor(fd: number, onWakeup: () => void) {
    this.#wakeup = openWakeupFd(fd)
    this.#onWakeup = onWakeup
  }

  open(loop: Loop): void {
    const outcome = loop.watch(this.#wakeup.fd, this, 'stream')
    if (outcome < 0) throw new Error(`cannot watch the wake-up descriptor: ${errorText(-outcome)}`)
  }

  wake(): void {
    this.#wakeup.wake()
  }

  onReady(): void {
    this.#onWakeup()
  }
}
