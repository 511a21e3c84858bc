/** Keeps OCSP responses for certificates, for stapling (RFC 6066). */
import type { Boundary } from '../observe/boundary.js'
import { ERR, INFO, NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** What is needed to ask for one certificate's OCSP response. `tls/ocsp.ts` encodes and checks. */
export interface StapleSource {
  /** Equal for certificates that share responses. */
  readonly id: string
  readonly url: string
  readonly request: Uint8Array
  /** The certificate's name in the log. */
  readonly name: string
}

/** The content of a response. */
export type StapleVerdict =
  | { readonly kind: 'good' | 'revoked'; readonly expiresInMs: number }
  | { readonly kind: 'useless'; readonly reason: string }

export interface StaplerParts<S extends StapleSource> {
  /** Rejects with an error whose message is the reason. */
  post(url: string, request: Uint8Array, ended: AbortSignal): Promise<Uint8Array>
  check(source: S, response: Uint8Array): StapleVerdict
  /** The response to staple for this certificate from now on; undefined: none. */
  onStaple(id: string, staple: Uint8Array | undefined): void
  readonly say: Say
  readonly boundary: Boundary
}

/** A response is refreshed after half its validity, within these bounds. */
const REFRESH_MAX_MS = 12 * 60 * 60 * 1000
const REFRESH_MIN_MS = 10_000

/** Back-off after a failure, doubled after each further one. */
const RETRY_FIRST_MS = 2_000
const RETRY_MAX_MS = 60 * 60 * 1000

/** Requests in flight. */
const ASKING_MAX = 4

/** The maximum of setTimeout. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

interface Entry<S> {
  /** The source of the present configuration. */
  source: S
  /** Aborts the request in flight when the certificate is no longer used. */
  readonly ended: AbortController
  staple: Uint8Array | undefined
  /** Wall-clock time, as `Date.now`: responses have absolute times. */
  expiresAtMs: number
  /** Failures in a row. */
  failures: number
  isRevoked: boolean
  /** Runs between requests. */
  nextFetch: NodeJS.Timeout | undefined
  /** Runs while there is a response. */
  expiry: NodeJS.Timeout | undefined
}

/**
 * Fetches a response for each certificate at once, and again long before it expires. A good response is kept until it
 * expires, even when its responder fails. Handshakes never wait for a response.
 */
export class Stapler<S extends StapleSource> {
  readonly #parts: StaplerParts<S>
  readonly #entries = new Map<string, Entry<S>>()
  /** Queued until a request in flight ends. */
  #waiting: Entry<S>[] = []
  #askingCount = 0

  constructor(parts: StaplerParts<S>) {
    this.#parts = parts
  }

  /** The present responses, by id. */
  get staples(): (readonly [id: string, staple: Uint8Array])[] {
    return [...this.#entries].flatMap(([id, { staple }]) => (staple === undefined ? [] : [[id, staple]]))
  }

  /** Keeps responses for these certificates and no others. Responses of known certificates are kept. */
  watch(sources: readonly S[]): void {
    const wanted = new Map(sources.map((source) => [source.id, source]))
    for (const [id, entry] of this.#entries) if (!wanted.has(id)) this.#forget(entry)
    for (const [id, source] of wanted) {
      const known = this.#entries.get(id)
      if (known !== undefined) known.source = source
      else this.#begin(source)
    }
  }

  close(): void {
    this.watch([])
  }

  #begin(source: S): void {
    const entry: Entry<S> = {
      source,
      ended: new AbortController(),
      staple: undefined,
      expiresAtMs: 0,
      failures: 0,
      isRevoked: false,
      nextFetch: undefined,
      expiry: undefined,
    }
    this.#entries.set(source.id, entry)
    this.#ask(entry)
  }

  #forget(entry: Entry<S>): void {
    this.#entries.delete(entry.source.id)
    this.#waiting = this.#waiting.filter((one) => one !== entry)
    clearTimeout(entry.nextFetch)
    clearTimeout(entry.expiry)
    entry.ended.abort()
  }

  #ask(entry: Entry<S>): void {
    if (this.#askingCount < ASKING_MAX) void this.#fetch(entry)
    else this.#waiting.push(entry)
  }

  async #fetch(entry: Entry<S>): Promise<void> {
    const { ended, source } = entry
    this.#askingCount += 1
    const answer = await this.#parts.post(source.url, source.request, ended.signal).catch(reasonOf)
    this.#askingCount -= 1
    const receive = () => {
      // The entry may have been forgotten during the request.
      if (!ended.signal.aborted) this.#receive(entry, answer)
    }
    const onFailure = () => this.#onFailure(entry, 'internal error while handling the response')
    this.#parts.boundary.run('an OCSP response', receive, onFailure)
    const next = this.#waiting.shift()
    if (next !== undefined) this.#ask(next)
  }

  /** `answer`: a response, or the reason why there is none. */
  #receive(entry: Entry<S>, answer: Uint8Array | string): void {
    if (typeof answer === 'string') {
      this.#onFailure(entry, answer)
      return
    }
    const verdict = this.#parts.check(entry.source, answer)
    if (verdict.kind === 'useless') {
      this.#onFailure(entry, verdict.reason)
      return
    }
    if (verdict.kind === 'good') this.#onGood(entry, answer, verdict.expiresInMs)
    else this.#onRevoked(entry)
    entry.failures = 0
    const half = Math.max(REFRESH_MIN_MS, verdict.expiresInMs / 2)
    // Jitter: certificates that were fetched together must not be refreshed together forever.
    this.#fetchAfter(entry, Math.min(REFRESH_MAX_MS, half) * (1 - Math.random() / 10))
  }

  #onGood(entry: Entry<S>, staple: Uint8Array, expiresInMs: number): void {
    const { failures, isRevoked, source } = entry
    const isFirst = entry.staple === undefined
    if (failures > 0 || isRevoked) this.#log(NOTICE, entry, `was fetched again from ${source.url}`)
    else if (isFirst) this.#log(INFO, entry, `was fetched from ${source.url}`)
    entry.isRevoked = false
    entry.expiresAtMs = Date.now() + expiresInMs
    this.#watchExpiry(entry)
    // Responders return the same bytes for hours: reactors need no message then.
    if (entry.staple !== undefined && Buffer.compare(entry.staple, staple) === 0) return
    this.#publish(entry, staple)
  }

  #onRevoked(entry: Entry<S>): void {
    if (!entry.isRevoked) this.#log(ERR, entry, 'says that the certificate is REVOKED; stapling nothing')
    entry.isRevoked = true
    clearTimeout(entry.expiry)
    if (entry.staple !== undefined) this.#publish(entry, undefined)
  }

  #onFailure(entry: Entry<S>, reason: string): void {
    const { failures, source, staple } = entry
    const consequence = staple === undefined ? 'stapling nothing' : 'stapling the last one'
    if (failures === 0) {
      this.#log(WARNING, entry, `cannot be fetched from ${source.url}: ${reason}; ${consequence}`)
    }
    entry.failures += 1
    const delayMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(failures, 20))
    this.#fetchAfter(entry, delayMs * (0.75 + Math.random() / 2))
  }

  #fetchAfter(entry: Entry<S>, ms: number): void {
    entry.nextFetch = setTimeout(() => this.#ask(entry), ms).unref()
  }

  #watchExpiry(entry: Entry<S>): void {
    clearTimeout(entry.expiry)
    const leftMs = Math.min(TIMEOUT_MAX_MS, Math.max(0, entry.expiresAtMs - Date.now()))
    entry.expiry = setTimeout(() => {
      if (Date.now() < entry.expiresAtMs) {
        this.#watchExpiry(entry)
        return
      }
      this.#log(WARNING, entry, 'has expired and could not be refreshed; stapling nothing')
      this.#publish(entry, undefined)
    }, leftMs).unref()
  }

  #publish(entry: Entry<S>, staple: Uint8Array | undefined): void {
    entry.staple = staple
    this.#parts.onStaple(entry.source.id, staple)
  }

  #log(severity: number, { source }: Entry<S>, what: string): void {
    this.#parts.say(severity, `TLS: the OCSP response for ${source.name} ${what}`)
  }
}

/** An AggregateError of several addresses has a code and an empty message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === '' && 'code' in error ? String(error.code) : error.message
}
