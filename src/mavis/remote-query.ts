import type { Code, Query } from './module.js'
import type { RemoteServer } from './remote-server.js'

/** What one server was asked. */
interface Attempt {
  readonly datagram: Uint8Array
  count: number
}

/** A question that is open: which servers have got it, and which of them was the last. */
export class RemoteQuery {
  readonly query: Query
  readonly answer: (code: Code) => void
  /** Datagrams so far. */
  tries = 0
  sentAtMs = 0
  /** Until the next datagram. */
  timer: NodeJS.Timeout | undefined
  readonly #attempts = new Map<RemoteServer, Attempt>()
  #server: RemoteServer | undefined

  constructor(query: Query, answer: (code: Code) => void) {
    this.query = query
    this.answer = answer
  }

  /** Who got the last datagram, as long as its answer is waited for. */
  get server(): RemoteServer | undefined {
    return this.#server
  }

  timesAsked(server: RemoteServer): number {
    return this.#attempts.get(server)?.count ?? 0
  }

  /** Sends the datagram that is the question to this server, for the first time or again. */
  send(server: RemoteServer, datagram: Uint8Array): void {
    this.detach()
    const attempt = this.#attempts.get(server) ?? { datagram, count: 0 }
    if (attempt.count === 0) {
      this.#attempts.set(server, attempt)
      server.pendingCount++
    }
    attempt.count++
    this.tries++
    this.#server = server
    server.current.add(this)
    server.send(attempt.datagram)
  }

  /** The server that got the last datagram does not count it as its own any more; its answer would still be good. */
  detach(): void {
    this.#server?.current.delete(this)
    this.#server = undefined
  }

  /** No answer is wanted any more. */
  end(): void {
    clearTimeout(this.timer)
    this.detach()
    for (const [server, { datagram }] of this.#attempts) {
      server.pendingCount--
      server.forget(datagram)
    }
  }
}
