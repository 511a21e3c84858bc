import { errorText } from '../kernel/errno.js'
import { openWakeupFd, type WakeupFd } from '../kernel/wakeup-fd.js'
import { type Loop, NO_TOKEN, type Watcher } from '../reactor/loop.js'

/**
 * A timerfd of the master's that all children watch for edges, so that each hears each ring and nobody has to read
 * it. Rung by a child that leaves clients to the others: of those who wait for a shared listener the kernel wakes one
 * (EPOLLEXCLUSIVE), and if that one does not accept, nobody else learns of the client. With poll and select, which know
 * no edges, it is heard once and no more; there all who wait for a shared listener are woken, and nobody has to ring.
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
