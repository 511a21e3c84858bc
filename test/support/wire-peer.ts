/** One end of the wire between a master and a child, under the control of a test. */
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

/** The two ends of a wire. */
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

/** Sends and receives messages. */
export class WirePeer {
  readonly fd: Fd
  readonly #outgoing = new MessageBatch(1, 4096)
  readonly #incoming = new MessageBatch(BATCH, 64)

  constructor(fd: Fd) {
    this.fd = fd
  }

  /** Sends a message; returns 1, or a negated errno. */
  say(type: number, count = 0): number {
    encodeSmall(this.#outgoing.bytes, this.#outgoing.offsetOf(0), type, count)
    return this.#send(SMALL_BYTES, NO_DESCRIPTOR)
  }

  /** Sends arbitrary bytes. */
  sayBytes(bytes: Uint8Array, fd: Fd = NO_DESCRIPTOR): number {
    this.#outgoing.bytes.set(bytes, this.#outgoing.offsetOf(0))
    return this.#send(bytes.length, fd)
  }

  /** Sends a client; the caller keeps its own descriptor. */
  handOver(fd: Fd, message: AcceptMessage = plainAccept): number {
    encodeAccept(this.#outgoing.bytes, this.#outgoing.offsetOf(0), message)
    return this.#send(ACCEPT_BYTES, fd)
  }

  /** The messages received so far, at most `max`. */
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

/** The types of received messages, with their counts. */
export const summary = (heard: readonly Heard[]) => heard.map(({ count, type }) => [type, count])
