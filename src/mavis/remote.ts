/** Module `remote`: asks mavisd servers by datagrams, over UDP or Unix sockets. */
import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import type { Values } from '../wire/mavis-lines.js'
import { type Code, ERR, FINAL, type Module, type ModuleServices, type Query } from './module.js'
import { CLOSING, DUPLICATE_SERIAL } from './pending-query.js'
import { RemoteQuery } from './remote-query.js'
import { RemoteServer } from './remote-server.js'
import type { CommonModuleSettings, RemoteModuleSettings } from './settings.js'

/** Open queries: as many as a process may have clients waiting (`mavis timeout` ends them). */
const OPEN_MAX = 10_000

/** Share of `mavis timeout` for all tries. The rest is for the modules below, if `action error` sends the query on. */
const TRIES_SHARE = 0.9

const UNSENDABLE = 'the query is too long or contains NUL'

/**
 * A query goes to the server with the fewest open queries. Without an answer it is sent again, to another server if there
 * is one. Every server that was asked may answer; the first answer counts.
 */
export class Remote implements Module {
  readonly #servers: readonly RemoteServer[]
  readonly #services: ModuleServices
  readonly #tries: number
  readonly #retryMs: number
  readonly #rebalance: number
  /** By SERIAL, which an answer repeats. */
  readonly #open = new Map<ByteString, RemoteQuery>()
  /** Queries since failed servers were last made eligible again. */
  #askedSinceRebalance = 0
  #isClosed = false

  constructor(settings: RemoteModuleSettings & CommonModuleSettings, services: ModuleServices) {
    const { servers, localAddress, timeoutMs, tries, rebalance } = settings
    this.#services = services
    this.#tries = Math.max(1, tries)
    // All tries must end before `mavis timeout` does.
    this.#retryMs = Math.min(timeoutMs, (services.timeoutMs * TRIES_SHARE) / this.#tries)
    this.#rebalance = rebalance
    const owner = {
      onAnswer: (server: RemoteServer, values: (ByteString | undefined)[]) => this.#onAnswer(server, values),
      onFailure: (server: RemoteServer) => this.#moveFrom(server),
    }
    this.#servers = servers.map((server) => new RemoteServer(server, localAddress, services, owner))
  }

  /** Queries without an answer yet. */
  get openCount(): number {
    return this.#open.size
  }

  ask(query: Query, answer: (code: Code) => void): void {
    const refusal = this.#refusalOf(query)
    if (refusal !== undefined) {
      fail(query, answer, refusal)
      return
    }
    this.#rebalanceIfDue()
    const pending = new RemoteQuery(query, answer)
    this.#open.set(query.serial, pending)
    this.#try(pending)
  }

  withdraw(query: Query): void {
    const pending = this.#open.get(query.serial)
    // Another query may have taken the serial.
    if (pending?.query === query) this.#end(pending)
  }

  releaseIdle(): void {
    if (this.#open.size === 0) for (const server of this.#servers) server.close()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const pending of [...this.#open.values()]) this.#fail(pending, CLOSING)
    await Promise.all(this.#servers.map((server) => server.close()))
  }

  #refusalOf({ serial }: Query): string | undefined {
    if (this.#isClosed) return CLOSING
    if (this.#open.size >= OPEN_MAX) return 'too many open queries'
    return this.#open.has(serial) ? DUPLICATE_SERIAL : undefined
  }

  #rebalanceIfDue(): void {
    if (this.#rebalance === 0 || ++this.#askedSinceRebalance <= this.#rebalance) return
    this.#askedSinceRebalance = 0
    for (const server of this.#servers) server.clearFailure()
  }

  #try(pending: RemoteQuery): void {
    const server = this.#serverFor(pending)
    // Encoded for each server, whose keys may differ.
    const datagram = server?.encode(queryValues(pending.query))
    if (server === undefined || datagram === undefined) {
      this.#fail(pending, server === undefined ? 'no server' : UNSENDABLE)
      return
    }
    pending.sentAtMs = this.#services.nowMs()
    pending.timer = setTimeout(() => this.#onTimeout(pending), this.#retryMs)
    pending.send(server, datagram)
  }

  /** Prefers, in this order: not failing, asked less often about this query, fewer open queries, first in the list. */
  #serverFor(pending: RemoteQuery): RemoteServer | undefined {
    let best: RemoteServer | undefined
    for (const server of this.#servers) {
      if (best === undefined || comesBefore(server, best, pending)) best = server
    }
    return best
  }

  #onTimeout(pending: RemoteQuery): void {
    const { server, sentAtMs } = pending
    pending.detach()
    // A server that has answered other queries since is alive; only this datagram was lost.
    if (server !== undefined && server.answeredAtMs < sentAtMs) server.fail('no answer')
    if (pending.tries < this.#tries) {
      this.#try(pending)
      return
    }
    this.#fail(pending, 'timed out')
  }

  /** Moves a failing server's queries to others, if one of them works; otherwise they wait for their next try. */
  #moveFrom(server: RemoteServer): void {
    if (this.#servers.every(({ isFailing }) => isFailing)) return
    for (const pending of [...server.current]) {
      // It still waits for the answer to its last try.
      if (pending.tries >= this.#tries) continue
      clearTimeout(pending.timer)
      this.#try(pending)
    }
  }

  /** Drops duplicates, late answers, and answers to queries that this server never got. */
  #onAnswer(server: RemoteServer, values: (ByteString | undefined)[]): void {
    const pending = this.#open.get(values[AV.SERIAL] ?? '')
    // Every answer has a RESULT; without one it may be our own query reflected to us.
    if (pending === undefined || pending.timesAsked(server) === 0 || values[AV.RESULT] === undefined) return
    server.recordAnswer()
    this.#end(pending)
    pending.query.values = values
    pending.answer(FINAL)
  }

  #fail(pending: RemoteQuery, comment: string): void {
    this.#end(pending)
    fail(pending.query, pending.answer, comment)
  }

  #end(pending: RemoteQuery): void {
    this.#open.delete(pending.query.serial)
    pending.end()
  }
}

/** The values to send: without RESULT, which a module above may have set, because mavisd ignores queries that have one. */
function queryValues({ values, serial }: Query): Values {
  const pending = [...values]
  pending[AV.RESULT] = undefined
  // A script may have changed it in `values`; the answer is matched by the original one.
  pending[AV.SERIAL] = serial
  return pending
}

function comesBefore(one: RemoteServer, other: RemoteServer, pending: RemoteQuery): boolean {
  if (one.isFailing !== other.isFailing) return other.isFailing
  const times = pending.timesAsked(one) - pending.timesAsked(other)
  return times === 0 ? one.current.size < other.current.size : times < 0
}

/** Answers ERR as the original does. The code is FINAL, so that `action error` applies. */
function fail({ values }: Query, answer: (code: Code) => void, comment: string): void {
  values[AV.RESULT] = ERR
  values[AV.COMMENT] = comment
  answer(FINAL)
}
