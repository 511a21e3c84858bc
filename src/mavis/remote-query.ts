/** An open query of module `remote`, and what it needs of servers. */
import type { Code, Query } from './module.js'

/** What a query needs of a server. */
export interface QueryTarget {
  /** Queries whose last datagram went to this server: its load. */
  readonly current: Set<RemoteQuery>
  /** Open queries that this server may still answer, including those since sent to another one. */
  pendingCount: number
  /** Time of its last answer; minus infinity when there was none. */
  readonly answeredAtMs: number
  send(datagram: Uint8Array): void
  forget(datagram: Uint8Array): void
  /** The server has failed for this reason. */
  fail(why: string): void
}

/** What one server was sent. */
interface Attempt {
  readonly datagram: Uint8Array
  count: number
}

/** An open query of module `remote`: which servers have got it, and which one was the last. */
export class RemoteQuery {
  readonly query: Query
  readonly answer: (code: Code) => void
  /** Datagrams sent so far. */
  tries = 0
  /** Time of the last datagram (CLOCK_MONOTONIC). */
  sentAtMs = 0
  /** Runs until the next try. */
  timer: NodeJS.Timeout | undefined
  /** Every server that was asked: each may answer. */
  readonly #attempts = new Map<QueryTarget, Attempt>()
  #server: QueryTarget | undefined

  constructor(query: Query, answer: (code: Code) => void) {
    this.query = query
    this.answer = answer
  }

  /** The server of the last datagram, until it is detached. */
  get server(): QueryTarget | undefined {
    return this.#server
  }

  timesAsked(server: QueryTarget): number {
    return this.#attempts.get(server)?.count ?? 0
  }

  /** Sends the query to this server, for the first time or again. `datagram`: the query, encoded for this server. */
  send(server: QueryTarget, datagram: Uint8Array): void {
    this.detach()
    const attempt = this.#attempts.get(server) ?? { datagram, count: 0 }
    if (attempt.count === 0) {
      this.#attempts.set(server, attempt)
      // Once per server, however often it is asked.
      server.pendingCount++
    }
    attempt.count++
    this.tries++
    this.#server = server
    server.current.add(this)
    server.send(attempt.datagram)
  }

  /** Takes the query off the load of its last server, whose answer is still accepted. */
  detach(): void {
    this.#server?.current.delete(this)
    this.#server = undefined
  }

  /** Ends the query: no answer is accepted any more. */
  end(): void {
    clearTimeout(this.timer)
    this.detach()
    for (const [server, { datagram }] of this.#attempts) {
      server.pendingCount--
      // A datagram that is still queued need not be sent any more.
      server.forget(datagram)
    }
  }
}
