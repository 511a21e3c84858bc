/** Requests to a cluster of etcd: its endpoints in turn, and the token of a user. */
import type { EtcdPlan } from '../discover-plan.js'
import { HttpFailure, JsonHttp } from '../http/json-http.js'
import { readSecret } from '../http/server-files.js'
import { isObject, objectAt, textAt } from '../json-fields.js'
import { SourceFailure } from '../source-failure.js'

/** Codes of gRPC: the token is not valid (any more). */
const UNAUTHENTICATED = 16
/** What a server of etcd says to a token that is older than the last change of users. */
const OLD_TOKEN = /revision of auth store is old/

export class EtcdClient {
  readonly #plan: EtcdPlan
  readonly #http: JsonHttp
  /** The endpoint that is asked first. */
  #at = 0
  #token: string | undefined

  constructor(plan: EtcdPlan) {
    this.#plan = plan
    this.#http = new JsonHttp(plan)
  }

  /** Asks the endpoints in turn until one answers. */
  async ask(path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const failures: string[] = []
    for (const _ of this.#plan.endpoints) {
      try {
        return await this.#askOne(path, body, signal)
      } catch (error) {
        if (!(error instanceof SourceFailure)) throw error
        failures.push(error.message)
        this.next()
      }
    }
    throw new SourceFailure(failures.join('; '))
  }

  /** Follows a stream of the endpoint that has answered last. After a failure it is the turn of the next one. */
  async follow(
    path: string,
    body: unknown,
    signal: AbortSignal,
    onValue: (value: unknown) => void,
  ): Promise<void> {
    try {
      await this.#withToken(signal, (headers, secrets) =>
        this.#http.follow({ url: this.#url(path), body, headers, secrets }, signal, onValue),
      )
    } catch (error) {
      if (!signal.aborted) this.next()
      throw error
    }
  }

  next(): void {
    this.#at = (this.#at + 1) % this.#plan.endpoints.length
  }

  /** A new token is fetched with the next request. */
  forgetToken(): void {
    this.#token = undefined
  }

  async #askOne(path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const { value } = await this.#withToken(signal, (headers, secrets) =>
      this.#http.ask({ url: this.#url(path), body, headers, secrets }, signal),
    )
    return value
  }

  /** A token that the server does not accept is replaced once. */
  async #withToken<T>(
    signal: AbortSignal,
    send: (headers: Readonly<Record<string, string>>, secrets: readonly string[]) => Promise<T>,
  ): Promise<T> {
    const { passwordFile, user } = this.#plan
    if (user === undefined || passwordFile === undefined) return send({}, [])
    const known = this.#token
    const token = known ?? (await this.#fetchToken(user, passwordFile, signal))
    try {
      return await send({ Authorization: token }, [token])
    } catch (error) {
      if (!isTokenRefused(error)) throw error
      this.#token = undefined
      if (known === undefined) throw error
      const fresh = await this.#fetchToken(user, passwordFile, signal)
      return send({ Authorization: fresh }, [fresh])
    }
  }

  async #fetchToken(name: string, passwordFile: string, signal: AbortSignal): Promise<string> {
    const password = await readSecret(passwordFile)
    const asked = { url: this.#url('/v3/auth/authenticate'), body: { name, password }, secrets: [password] }
    const { value } = await this.#http.ask(asked, signal)
    const token = textAt(objectAt(value, 'the answer').token, 'token')
    // It becomes a header.
    if (!/^[!-~]+$/.test(token)) throw new SourceFailure('the server answers with a bad token')
    this.#token = token
    return token
  }

  #url(path: string): string {
    return `${this.#plan.endpoints[this.#at]}${path}`
  }
}

function isTokenRefused(error: unknown): boolean {
  if (!(error instanceof HttpFailure)) return false
  const code = isObject(error.body) ? error.body.code : undefined
  return error.status === 401 || code === UNAUTHENTICATED || OLD_TOKEN.test(error.message)
}
