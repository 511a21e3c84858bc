import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import { until } from './until.js'

export interface Answer {
  readonly text: string
  readonly from: RemoteInfo
}

/** A UDP client for tests; closed with the test. */
export class DatagramClient {
  readonly #socket: Socket
  readonly #answers: Answer[] = []
  #isClosed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (bytes, from) => this.#answers.push({ text: bytes.toString(), from }))
    // Errors from ICMP are not replies.
    socket.on('error', () => {})
  }

  /** Bound to a free port of an address, 127.0.0.1 by default. */
  static async open(t: TestContext, address = '127.0.0.1'): Promise<DatagramClient> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    const client = new DatagramClient(socket)
    const listening = once(socket, 'listening')
    socket.bind(0, address)
    await listening
    afterwards(t, () => client.close())
    return client
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** Resolves when the kernel has the datagram. */
  send(bytes: string | Uint8Array, port: number, address = '127.0.0.1'): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(bytes, port, address, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  /** Replies that have not been read yet. */
  get unread(): number {
    return this.#answers.length
  }

  async answer(): Promise<Answer> {
    await until(`an answer on port ${this.port}`, () => this.#answers.length > 0)
    return this.#answers.shift() as Answer
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}
