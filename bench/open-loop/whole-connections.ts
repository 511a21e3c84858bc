import type { Fd } from '../../src/kernel/calls.js'
import { EAGAIN } from '../../src/kernel/errno.js'
import { NO_TOKEN, type Watcher } from '../../src/reactor/loop.js'
import { WRITABLE } from '../../src/reactor/poller.js'
import { ReplyReader } from './reply-reader.js'
import { nativeText, openSocket, reasonOf, type Surroundings } from './surroundings.js'
import type { Tally } from './tally.js'

/** The server closes first, so that no local port stays in TIME_WAIT. */
const REQUEST = nativeText('GET / HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n')

/** Connects, sends, reads the reply, waits for the end and closes; then the object is reused. */
class WholeConnection implements Watcher {
  token = NO_TOKEN
  readonly #around: Surroundings
  readonly #tally: Tally
  readonly #reader: ReplyReader
  readonly #onEnd: (self: WholeConnection) => void
  #fd: Fd = -1
  #dueMs = 0
  #isSent = false
  #isAnswered = false

  constructor(around: Surroundings, tally: Tally, onEnd: (self: WholeConnection) => void) {
    this.#around = around
    this.#tally = tally
    this.#reader = new ReplyReader(around.calls)
    this.#onEnd = onEnd
  }

  open(dueMs: number): void {
    this.#dueMs = dueMs
    this.#isSent = false
    this.#isAnswered = false
    this.#tally.sent(dueMs, this.#around.clock.monotonicMs())
    this.#fd = openSocket(this.#around)
    const outcome = this.#fd < 0 ? this.#fd : this.#around.loop.watch(this.#fd, this, 'stream')
    if (outcome < 0) this.#end(outcome)
  }

  onReady(readiness: number): void {
    if (!this.#isSent && (readiness & WRITABLE) !== 0 && !this.#send()) return
    while (this.#receive());
  }

  #send(): boolean {
    this.#isSent = true
    const sent = this.#around.calls.send(this.#fd, REQUEST, 0, REQUEST.byteLength)
    if (sent < 0) this.#end(sent)
    return sent >= 0
  }

  /** False when there is nothing left to receive, or the connection has ended. */
  #receive(): boolean {
    const count = this.#reader.receive(this.#fd)
    if (count === -EAGAIN) return false
    if (count <= 0) {
      this.#end(count)
      return false
    }
    if (this.#reader.take()) {
      this.#isAnswered = true
      this.#tally.answered(this.#dueMs, this.#around.clock.monotonicMs())
    }
    return true
  }

  #end(outcome: number): void {
    if (!this.#isAnswered) this.#tally.broke(1, reasonOf(outcome))
    if (this.#fd >= 0) this.#around.calls.close(this.#fd)
    this.#around.loop.forget(this.#fd, this)
    this.#reader.clear()
    this.#onEnd(this)
  }
}

/** A new connection whenever one is due, however many are still open. */
export class WholeConnections {
  readonly #around: Surroundings
  readonly #tally: Tally
  readonly #idle: WholeConnection[] = []

  constructor(around: Surroundings, tally: Tally) {
    this.#around = around
    this.#tally = tally
  }

  open(dueMs: number): void {
    const connection =
      this.#idle.pop() ?? new WholeConnection(this.#around, this.#tally, (ended) => this.#idle.push(ended))
    connection.open(dueMs)
  }
}
