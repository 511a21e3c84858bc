import assert from 'node:assert/strict'
import type { Fd } from '../../src/kernel/calls.js'
import { MessageBatch, NO_DESCRIPTOR } from '../../src/kernel/message-batch.js'
import { messageCalls } from '../../src/kernel/message-calls.js'
import {
  ACCEPT,
  ACCEPT_BYTES,
  type AcceptMessage,
  decodeAccept,
  encodeAccept,
  encodeSmall,
  messageCount,
  messageType,
  SMALL_BYTES,
} from '../../src/wire/child-message.js'
import { calls } from './sockets.js'

export const messages = messageCalls()

const BATCH = 64

export interface Heard {
  readonly type: number | undefined
  readonly count: number
  readonly fd: Fd
  readonly accept: AcceptMessage | undefined
}

/** Two ends of a wire between a master and a child. */
export function wirePair(): readonly [Fd, Fd] {
  const pair = messages.socketPair('datagram')
  assert.ok(typeof pair !== 'number')
  return pair
}

export const plainAccept: AcceptMessage = {
  tlsVersions: 0,
  aaaProtocol: 0,
  flags: 0,
  realm: '',
  listenerMark: 1,
  protocol: 6,
}

/** One end of the wire in a test's hands: says and hears what it is told to. */
export class WirePeer {
  readonly fd: Fd
  readonly #outgoing = new MessageBatch(1, 4096)
  readonly #incoming = new MessageBatch(BATCH, 64)

  constructor(fd: Fd) {
    this.fd = fd
  }

  /** Answers what the kernel says: 1, or a negated errno. */
  say(type: number, count = 0): number {
    encodeSmall(this.#outgoing.bytes, this.#outgoing.offsetOf(0), type, count)
    return this.#send(SMALL_BYTES, NO_DESCRIPTOR)
  }

  /** Bytes that are no message, or one that is cut. */
  sayBytes(bytes: Uint8Array, fd: Fd = NO_DESCRIPTOR): number {
    this.#outgoing.bytes.set(bytes, this.#outgoing.offsetOf(0))
    return this.#send(bytes.length, fd)
  }

  /** Hands over a client; the descriptor stays the caller's too. */
  handOver(fd: Fd, message: AcceptMessage = plainAccept): number {
    encodeAccept(this.#outgoing.bytes, this.#outgoing.offsetOf(0), message)
    return this.#send(ACCEPT_BYTES, fd)
  }

  /** What has come so far, at most `max` messages in all. */
  hear(max = Number.POSITIVE_INFINITY): Heard[] {
    const heard: Heard[] = []
    while (heard.length < max) {
      const count = messages.receive(this.fd, this.#incoming)
      if (count <= 0) break
      for (let i = 0; i < count; i++) heard.push(this.#read(i))
    }
    return heard
  }

  close(): void {
    calls.close(this.fd)
  }

  #send(byteCount: number, fd: Fd): number {
    this.#outgoing.setSend(0, byteCount, fd)
    return messages.send(this.fd, this.#outgoing, 1)
  }

  #read(i: number): Heard {
    const { bytes } = this.#incoming
    const offset = this.#incoming.offsetOf(i)
    const type = messageType(bytes, offset, this.#incoming.receivedBytes(i))
    const accept = type === ACCEPT ? decodeAccept(bytes, offset) : undefined
    return { type, count: messageCount(bytes, offset), fd: this.#incoming.receivedFd(i), accept }
  }
}

/** The types of what was heard, with the count of those that have one. */
export const summary = (heard: readonly Heard[]) => heard.map(({ count, type }) => [type, count])
