import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import type { Values } from '../wire/mavis-lines.js'
import { type Code, ERR, FINAL, type Module, type ModuleServices, type Query } from './module.js'
import { RemoteQuery } from './remote-query.js'
import { RemoteServer } from './remote-server.js'
import type { CommonModuleSettings, RemoteModuleSettings } from './settings.js'

/** As many #pending as all modules together have open (`mavis timeout` ends them). */
const OPEN_MAX = 10_000

/** Of `mavis timeout`, for all tries: what is left is for the modules below, should `action error` send the query on. */
const TRIES_SHARE = 0.9

const CLOSED = 'the module closes'

/**
 * Asks mavisd over UDP or a Unix socket of datagrams. A pending goes to the server with the fewest open ones; without
 * an answer it goes out again, to another one if there is one. Whoever was asked may answer, and the first answer counts.
 */
export class Remote implements Module {
  readonly #servers: readonly RemoteServer[]
  readonly #services: ModuleServices
  readonly #tries: number
  readonly #retryMs: number
  readonly #rebalance: number
  readonly #open = new Map<ByteString, RemoteQuery>()
  #askedSinceRebalance = 0
  #isClosed = false

  constructor(settings: RemoteModuleSettings & CommonModuleSettings, services: ModuleServices) {
    const { servers, localAddress, timeoutMs, tries, rebalance } = settings
    this.#services = services
    this.#tries = Math.max(1, tries)
    // A try that begins when nobody waits any more is in vain.
    this.#retryMs = Math.min(timeoutMs, (services.timeoutMs * TRIES_SHARE) / this.#tries)
    this.#rebalance = rebalance
    const owner = {
      onAnswer: (server: RemoteServer, values: (ByteString | undefined)[]) => this.#answered(server, values),
      onFailure: (server: RemoteServer) => this.#moveFrom(server),
    }
    this.#servers = servers.map((server) => new RemoteServer(server, localAddress, services, owner))
  }

  /** Questions that wait for an answer. */
  get openCount(): number {
    return this.#open.size
  }

  ask(query: Query, answer: (code: Code) => void): void {
    const refusal = this.#refusalOf(query)
    if (refusal !== undefined) {
      fail(query, answer, refusal)
      return
    }
    this.#rebalanceNow()
    const pending = new RemoteQuery(query, answer)
    this.#open.set(query.serial, pending)
    this.#try(pending)
  }

  withdraw(query: Query): void {
    const pending = this.#open.get(query.serial)
    if (pending?.query === query) this.#end(pending)
  }

  releaseIdle(): void {
    if (this.#open.size === 0) for (const server of this.#servers) server.close()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const pending of [...this.#open.values()]) this.#fail(pending, CLOSED)
    await Promise.all(this.#servers.map((server) => server.close()))
  }

  #refusalOf({ serial }: Query): string | undefined {
    if (this.#isClosed) return CLOSED
    if (this.#open.size >= OPEN_MAX) return 'too many #pending are open'
    return this.#open.has(serial) ? 'another pending has its serial' : undefined
  }

  #rebalanceNow(): void {
    if (this.#rebalance === 0 || ++this.#askedSinceRebalance <= this.#rebalance) return
    this.#askedSinceRebalance = 0
    for (const server of this.#servers) server.clearFailure()
  }

  #try(pending: RemoteQuery): void {
    const server = this.#serverFor(pending)
    const datagram = server?.encode(asked(pending.query))
    if (server === undefined || datagram === undefined) {
      this.#fail(pending, server === undefined ? 'no server' : 'it cannot be sent')
      return
    }
    pending.sentAtMs = this.#services.nowMs()
    pending.timer = setTimeout(() => this.#expired(pending), this.#retryMs)
    pending.send(server, datagram)
  }

  /** One that works, that has not got this pending yet, and that has the fewest open; of equals the first. */
  #serverFor(pending: RemoteQuery): RemoteServer | undefined {
    let best: RemoteServer | undefined
    for (const server of this.#servers) {
      if (best === undefined || comesBefore(server, best, pending)) best = server
    }
    return best
  }

  #expired(pending: RemoteQuery): void {
    const { server, sentAtMs } = pending
    pending.detach()
    // One that has answered others meanwhile may have lost the datagram.
    if (server !== undefined && server.answeredAtMs < sentAtMs) server.fail('no answer')
    if (pending.tries < this.#tries) {
      this.#try(pending)
      return
    }
    this.#fail(pending, 'timed out')
  }

  /** To others, if one of them works; else the #pending wait for their next tries. */
  #moveFrom(server: RemoteServer): void {
    if (this.#servers.every(({ isFailing }) => isFailing)) return
    for (const pending of [...server.current]) {
      if (pending.tries >= this.#tries) continue
      clearTimeout(pending.timer)
      this.#try(pending)
    }
  }

  /** A duplicate, a late answer and what was never asked of this server are dropped. */
  #answered(server: RemoteServer, values: (ByteString | undefined)[]): void {
    const pending = this.#open.get(values[AV.SERIAL] ?? '')
    // A server always gives a result; without one it may be our own pending that comes back.
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

/** mavisd ignores a pending that has a result already, as a module above may have left one. */
function asked({ values, serial }: Query): Values {
  const pending = [...values]
  pending[AV.RESULT] = undefined
  pending[AV.SERIAL] = serial
  return pending
}

function comesBefore(one: RemoteServer, other: RemoteServer, pending: RemoteQuery): boolean {
  if (one.isFailing !== other.isFailing) return other.isFailing
  const times = pending.timesAsked(one) - pending.timesAsked(other)
  return times === 0 ? one.current.size < other.current.size : times < 0
}

/** As the original says of a pending without an answer; final, so that `action error` holds for it. */
function fail({ values }: Query, answer: (code: Code) => void, comment: string): void {
  values[AV.RESULT] = ERR
  values[AV.COMMENT] = comment
  answer(FINAL)
}
