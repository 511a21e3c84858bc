import assert from 'node:assert/strict'
import { ECONNRESET } from '../../src/kernel/errno.js'
import { ByteQueue } from './byte-queue.js'
import type { Chance } from './chance.js'
import type { FakeSocket, Peer } from './fake-socket.js'

/** What a peer does after it has sent everything. */
export type Finish =
  /** Half-closes (FIN) and reads until the other side ends. */
  | 'end'
  /** Closes: later bytes are answered with a reset. */
  | 'close'
  /** Resets, at a random moment. A Unix socket can only be closed. */
  | 'reset'

/** What a peer that has sent everything waits for before it finishes: all bytes of the other side, or its end. */
type Patience = 'none' | 'bytes' | 'end'

/** The byte at each offset of a peer's stream; streams of different peers differ almost everywhere. */
export function patternByte(stream: number, offset: number): number {
  return (Math.imul(stream + 1, 0x9e3779b1) + Math.imul(offset, 0x85ebca6b)) >>> 24
}

/** A client or a server: it sends its stream, checks what it receives, and finishes in its way. */
export class Actor implements Peer {
  readonly stream: number
  readonly finish: Finish
  readonly bytesToSend: number
  readonly socket: FakeSocket
  /** A server has one; a client those that an attempt has reached. */
  others: Actor[] = []
  sent = 0
  readonly got = new ByteQueue()
  hasEnded = false
  hasClosed = false
  hasReset = false
  sawEnd = false
  sawReset = false
  /** The part of a PROXY header that a server has received; undefined: none is expected, or it is complete. */
  header: string | undefined = undefined
  /** What the stream begins with; the pattern follows. */
  readonly #opening: Uint8Array
  readonly #chance: Chance
  readonly #resetAfter: number
  /** Without patience, the end wakes up a relay that has missed the bytes before it. */
  readonly patience: Patience
  /** A server that sends nothing before it has the whole request. */
  readonly #repliesLast: boolean
  readonly #isServer: boolean

  constructor(
    stream: number,
    socket: FakeSocket,
    chance: Chance,
    bytesMax: number,
    isServer: boolean,
    opening: Uint8Array = new Uint8Array(0),
  ) {
    this.stream = stream
    this.#opening = opening
    this.socket = socket
    this.#chance = chance
    this.finish = chance.pick(['end', 'end', 'end', 'close', 'reset'])
    this.patience = chance.pick(
      isServer ? ['none', 'bytes', 'end', 'end', 'end'] : ['none', 'bytes', 'bytes', 'end'],
    )
    this.#repliesLast = isServer && chance.is(0.4)
    // Some send less than fits into the receive buffer, so that the relay may find everything there at once.
    const most = chance.is(0.7) ? bytesMax : Math.ceil(bytesMax / 5)
    this.bytesToSend = chance.is(0.2) ? 0 : chance.between(1, most)
    this.#resetAfter =
      this.finish === 'reset' ? chance.between(0, this.bytesToSend) : Number.POSITIVE_INFINITY
    this.#isServer = isServer
    socket.peer = this
  }

  /**
   * Whose stream this peer should receive; undefined until the session is paired. Of several servers it is the one whose
   * connection the relay closes last.
   */
  get other(): Actor | undefined {
    const [first] = this.others.toSorted((a, b) => b.socket.closeNumber - a.socket.closeNumber)
    return first
  }

  /** Another attempt: the servers that earlier ones had reached have failed. */
  forgetClosed(): void {
    this.others = this.others.filter(({ socket }) => !socket.isClosed)
  }

  byteAt(offset: number): number {
    return this.#opening[offset] ?? patternByte(this.stream, offset)
  }

  /** Whether this peer can act now. `windowBytes`: the number of bytes that the relay's kernel holds for it. */
  canAct(windowBytes: number): boolean {
    if (this.hasEnded || this.hasReset || this.sawReset || this.socket.state !== 'open') return false
    if (this.sent >= this.#resetAfter) return true
    if (this.sent === this.bytesToSend) return this.#hasPatienceEnded
    if (this.#repliesLast && !this.sawEnd && !this.#hasEverything) return false
    return this.socket.received.length < windowBytes
  }

  get #hasEverything(): boolean {
    return this.got.length === this.other?.bytesToSend
  }

  /** A server does not wait for the end of a client that waits for the server's. */
  get #hasPatienceEnded(): boolean {
    if (this.sawEnd || this.patience === 'none') return true
    const needsEnd = this.patience === 'end' && !(this.#isServer && this.other?.patience === 'end')
    return !needsEnd && this.#hasEverything
  }

  /** One action of a peer: sends a little, ends, or resets. */
  act(windowBytes: number): void {
    if (!this.canAct(windowBytes)) return
    if (this.sent >= this.#resetAfter) {
      if (this.socket.hasReset) this.#reset()
      else this.#close()
    } else if (this.sent < this.bytesToSend) {
      this.#sendSome(windowBytes)
    } else if (this.finish === 'close') {
      this.#close()
    } else {
      this.hasEnded = true
      this.socket.arriveEnd()
    }
  }

  toString(): string {
    const { stream, finish, sent, bytesToSend, hasEnded, hasReset, sawEnd, sawReset, socket } = this
    const flags = Object.entries({ hasEnded, hasReset, sawEnd, sawReset }).flatMap(([name, is]) =>
      is ? name : [],
    )
    return `${stream} ${finish} sent ${sent}/${bytesToSend} ${flags} fd ${socket.fd} ${socket.state} unread ${socket.received.length}`
  }

  onBytes(bytes: Uint8Array): void {
    if (this.hasReset) return
    if (this.hasClosed) {
      this.#reset()
      return
    }
    this.got.push(this.header === undefined ? bytes : this.#withoutHeader(bytes))
  }

  onEnd(): void {
    if (!this.hasReset) this.sawEnd = true
  }

  onReset(): void {
    if (!this.hasReset) this.sawReset = true
  }

  #withoutHeader(bytes: Uint8Array): Uint8Array {
    const end = bytes.indexOf(0x0a) + 1
    const header = `${this.header}${Buffer.from(end === 0 ? bytes : bytes.subarray(0, end)).toString('latin1')}`
    if (end > 0) assert.match(header, /^PROXY (?:TCP[46] \S+ \S+ \d+ \d+|UNKNOWN)\r\n$/)
    this.header = end === 0 ? header : undefined
    return end === 0 ? bytes.subarray(0, 0) : bytes.subarray(end)
  }

  #close(): void {
    this.hasEnded = true
    this.hasClosed = true
    if (this.socket.arriveClose()) this.hasReset = true
  }

  #reset(): void {
    this.hasReset = true
    this.socket.arriveReset(ECONNRESET)
  }

  #sendSome(windowBytes: number): void {
    const room = Math.min(windowBytes - this.socket.received.length, this.#resetAfter - this.sent)
    const most = this.#chance.pick([windowBytes, windowBytes, Math.ceil(windowBytes / 8)])
    const count = Math.min(this.#chance.between(1, most), room, this.bytesToSend - this.sent)
    if (count <= 0) return
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) bytes[i] = this.byteAt(this.sent++)
    this.socket.arrive(bytes)
  }
}
