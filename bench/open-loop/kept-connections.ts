import type { Fd } from '../../src/kernel/calls.js'
import { EAGAIN, errorText } from '../../src/kernel/errno.js'
import { NO_TOKEN, type Watcher } from '../../src/reactor/loop.js'
import { WRITABLE } from '../../src/reactor/poller.js'
import { ReplyReader } from './reply-reader.js'
import { nativeText, openSocket, reasonOf, type Surroundings } from './surroundings.js'
import type { Tally } from './tally.js'

const REQUEST = nativeText('GET / HTTP/1.1\r\nHost: relay\r\n\r\n')

/** What the connections have in common. */
interface Crowd {
  readonly around: Surroundings
  readonly tally: Tally
  onOpen(): void
}

/**
 * One connection that stays open. A request is sent when it is due, also while replies are outstanding: HTTP
 * answers in order, so a reply belongs to the oldest of them.
 */
class KeptConnection implements Watcher {
  token = NO_TOKEN
  readonly #crowd: Crowd
  readonly #reader: ReplyReader
  readonly #fd: Fd
  readonly #dueMs: number[] = []
  #isOpen = false
  /** Why no more can be sent. */
  #failure: string | undefined

  constructor(crowd: Crowd) {
    this.#crowd = crowd
    this.#reader = new ReplyReader(crowd.around.calls)
    this.#fd = openSocket(crowd.around)
    if (this.#fd < 0) throw new Error(`cannot connect: ${errorText(-this.#fd)}`)
    const outcome = crowd.around.loop.watch(this.#fd, this, 'stream')
    if (outcome < 0) throw new Error(`cannot watch a socket: ${errorText(-outcome)}`)
  }

  request(dueMs: number): void {
    const { around, tally } = this.#crowd
    this.#dueMs.push(dueMs)
    tally.sent(dueMs, around.clock.monotonicMs())
    if (this.#failure === undefined) this.#send()
    this.#giveUp()
  }

  onReady(readiness: number): void {
    if (!this.#isOpen && (readiness & WRITABLE) !== 0) {
      this.#isOpen = true
      this.#crowd.onOpen()
    }
    while (this.#failure === undefined && this.#receive());
    this.#giveUp()
  }

  #send(): void {
    const sent = this.#crowd.around.calls.send(this.#fd, REQUEST, 0, REQUEST.byteLength)
    if (sent < 0) this.#failure = reasonOf(sent)
    else if (sent < REQUEST.byteLength) this.#failure = 'the socket is full of requests'
  }

  /** False when there is nothing left to receive. */
  #receive(): boolean {
    const { around, tally } = this.#crowd
    const count = this.#reader.receive(this.#fd)
    if (count === -EAGAIN) return false
    if (count <= 0) this.#failure = reasonOf(count)
    while (this.#reader.take()) {
      const dueMs = this.#dueMs.shift()
      if (dueMs === undefined) throw new Error('a reply without a request')
      tally.answered(dueMs, around.clock.monotonicMs())
    }
    return true
  }

  /** After a failure no outstanding request is answered any more. */
  #giveUp(): void {
    if (this.#failure === undefined) return
    this.#crowd.tally.broke(this.#dueMs.length, this.#failure)
    this.#dueMs.length = 0
  }
}

/** Requests go to the connections in turn, whether they are busy or not. */
export class KeptConnections {
  readonly #connections: readonly KeptConnection[]
  #next = 0

  /** `onOpen` is called once, when all of them are open. */
  constructor(around: Surroundings, tally: Tally, count: number, onOpen: () => void) {
    let opening = count
    const crowd: Crowd = {
      around,
      tally,
      onOpen() {
        if (--opening === 0) onOpen()
      },
    }
    this.#connections = Array.from({ length: count }, () => new KeptConnection(crowd))
  }

  request(dueMs: number): void {
    this.#connections[this.#next]?.request(dueMs)
    this.#next = (this.#next + 1) % this.#connections.length
  }
}
