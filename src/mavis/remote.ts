import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import type { Values } from '../wire/mavis-lines.js'
import { type Code, ERR, FINAL, type Module, type ModuleServices, type Query } from './module.js'
import { RemoteQuestion } from './remote-query.js'
import { RemoteServer } from './remote-server.js'
import type { CommonModuleSettings, RemoteModuleSettings } from './settings.js'

/** As many questions as all modules together have open (`mavis timeout` ends them). */
const OPEN_MAX = 10_000

/** Of `mavis timeout`, for all tries: what is left is for the modules below, should `action error` send the query on. */
const TRIES_SHARE = 0.9

const CLOSED = 'the module closes'

/**
 * Asks mavisd over UDP or a Unix socket of datagrams. A question goes to the server with the fewest open ones; without
 * an answer it goes out again, to another one if there is one. Whoever was asked may answer, and the first answer counts.
 */
export class Remote implements Module {
  readonly #servers: readonly RemoteServer[]
  readonly #services: ModuleServices
  readonly #tries: number
  readonly #retryMs: number
  readonly #rebalance: number
  readonly #open = new Map<ByteString, RemoteQuestion>()
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
    const question = new RemoteQuestion(query, answer)
    this.#open.set(query.serial, question)
    this.#try(question)
  }

  withdraw(query: Query): void {
    const question = this.#open.get(query.serial)
    if (question?.query === query) this.#end(question)
  }

  rest(): void {
    if (this.#open.size === 0) for (const server of this.#servers) server.close()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const question of [...this.#open.values()]) this.#fail(question, CLOSED)
    await Promise.all(this.#servers.map((server) => server.close()))
  }

  #refusalOf({ serial }: Query): string | undefined {
    if (this.#isClosed) return CLOSED
    if (this.#open.size >= OPEN_MAX) return 'too many questions are open'
    return this.#open.has(serial) ? 'another question has its serial' : undefined
  }

  #rebalanceNow(): void {
    if (this.#rebalance === 0 || ++this.#askedSinceRebalance <= this.#rebalance) return
    this.#askedSinceRebalance = 0
    for (const server of this.#servers) server.forgive()
  }

  #try(question: RemoteQuestion): void {
    const server = this.#serverFor(question)
    const datagram = server?.datagramOf(asked(question.query))
    if (server === undefined || datagram === undefined) {
      this.#fail(question, server === undefined ? 'no server' : 'it cannot be sent')
      return
    }
    question.sentAtMs = this.#services.nowMs()
    question.timer = setTimeout(() => this.#expired(question), this.#retryMs)
    question.send(server, datagram)
  }

  /** One that works, that has not got this question yet, and that has the fewest open; of equals the first. */
  #serverFor(question: RemoteQuestion): RemoteServer | undefined {
    let best: RemoteServer | undefined
    for (const server of this.#servers) {
      if (best === undefined || comesBefore(server, best, question)) best = server
    }
    return best
  }

  #expired(question: RemoteQuestion): void {
    const { server, sentAtMs } = question
    question.leave()
    // One that has answered others meanwhile may have lost the datagram.
    if (server !== undefined && server.heardAtMs < sentAtMs) server.fail('no answer')
    if (question.tries < this.#tries) {
      this.#try(question)
      return
    }
    this.#fail(question, 'timed out')
  }

  /** To others, if one of them works; else the questions wait for their next tries. */
  #moveFrom(server: RemoteServer): void {
    if (this.#servers.every(({ isFailing }) => isFailing)) return
    for (const question of [...server.current]) {
      if (question.tries >= this.#tries) continue
      clearTimeout(question.timer)
      this.#try(question)
    }
  }

  /** A duplicate, a late answer and what was never asked of this server are dropped. */
  #answered(server: RemoteServer, values: (ByteString | undefined)[]): void {
    const question = this.#open.get(values[AV.SERIAL] ?? '')
    // A server always gives a result; without one it may be our own question that comes back.
    if (question === undefined || question.timesAsked(server) === 0 || values[AV.RESULT] === undefined) return
    server.heard()
    this.#end(question)
    question.query.values = values
    question.answer(FINAL)
  }

  #fail(question: RemoteQuestion, comment: string): void {
    this.#end(question)
    fail(question.query, question.answer, comment)
  }

  #end(question: RemoteQuestion): void {
    this.#open.delete(question.query.serial)
    question.end()
  }
}

/** mavisd ignores a question that has a result already, as a module above may have left one. */
function asked({ values, serial }: Query): Values {
  const question = [...values]
  question[AV.RESULT] = undefined
  question[AV.SERIAL] = serial
  return question
}

function comesBefore(one: RemoteServer, other: RemoteServer, question: RemoteQuestion): boolean {
  if (one.isFailing !== other.isFailing) return other.isFailing
  const times = question.timesAsked(one) - question.timesAsked(other)
  return times === 0 ? one.current.size < other.current.size : times < 0
}

/** As the original says of a question without an answer; final, so that `action error` holds for it. */
function fail({ values }: Query, answer: (code: Code) => void, comment: string): void {
  values[AV.RESULT] = ERR
  values[AV.COMMENT] = comment
  answer(FINAL)
}
