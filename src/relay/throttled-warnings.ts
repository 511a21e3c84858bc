/** The log lines of sessions, throttled: neither peers nor a lasting shortage can fill the log. */
import { REFUSALS, type Refusal } from '../base/authorization.js'
import { errorText } from '../kernel/errno.js'
import { cut } from '../observe/log.js'
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** Names and comments that peers choose are truncated to this, so that the end of the line is kept. */
const TEXT_BYTES_MAX = 256

/** A peer of a session; its name is made only for lines that are written. */
export interface NamedPeer {
  /** `192.0.2.7:5012`, or `remote db1`. */
  describe(): string
}

/** A client that gets no remote. */
export interface RefusedClient {
  readonly peer: NamedPeer
  /** The user of its certificate or key; '' if unknown. */
  readonly user: string
  readonly listener: string
  readonly refusal: Refusal
  /** The comment of the MAVIS module, for people; any characters. */
  readonly comment: string
}

/** Why the clients of a pool are rejected, for a log line: reasons of sessions. */
export type UnservedEnd = 'queue-full' | 'queue-timeout' | 'retry-budget'

export class ThrottledWarnings {
  readonly #log: Say
  readonly #tlsFailures: RateLimitedLog
  readonly #refusals: RateLimitedLog
  readonly #proxyHeaders: RateLimitedLog
  readonly #withoutTls: RateLimitedLog
  readonly #unserved: Readonly<Record<UnservedEnd, RateLimitedLog>>
  /** The error of the last `report` since `recovered`; 0: none. */
  #reportedErrno = 0

  constructor(log: Say) {
    this.#log = log
    this.#tlsFailures = new RateLimitedLog(NOTICE, log)
    this.#refusals = new RateLimitedLog(NOTICE, log)
    this.#proxyHeaders = new RateLimitedLog(WARNING, log)
    this.#withoutTls = new RateLimitedLog(NOTICE, log)
    this.#unserved = {
      'queue-full': new RateLimitedLog(WARNING, log),
      'queue-timeout': new RateLimitedLog(WARNING, log),
      'retry-budget': new RateLimitedLog(WARNING, log),
    }
  }

  /** A peer broke TLS, or could not be verified. */
  reportTlsFailure(nowMs: number, peer: NamedPeer, why: string): void {
    this.#tlsFailures.log(nowMs, () => `TLS with ${peer.describe()} failed: ${why}`)
  }

  /** A connection to this listener has no valid PROXY header, and is closed. */
  reportProxyHeader(nowMs: number, peer: NamedPeer, listener: string, why: string): void {
    this.#proxyHeaders.log(
      nowMs,
      () => `closed the connection of ${peer.describe()} to ${listener}: PROXY header ${why}`,
    )
  }

  /** A client of this listener has not asked for TLS as it has to, and is closed. */
  reportWithoutTls(nowMs: number, peer: NamedPeer, listener: string, why: string): void {
    this.#withoutTls.log(
      nowMs,
      () => `closed the connection of ${peer.describe()} to ${listener} before TLS: ${why}`,
    )
  }

  reportRefusal(nowMs: number, { comment, listener, peer, refusal, user }: RefusedClient): void {
    this.#refusals.log(nowMs, () => {
      const name = user === '' ? '' : ` (${cut(user, TEXT_BYTES_MAX)})`
      const why = comment === '' ? REFUSALS[refusal] : `${REFUSALS[refusal]}: ${cut(comment, TEXT_BYTES_MAX)}`
      return `rejected client ${peer.describe()}${name} of ${listener}: ${why}`
    })
  }

  /** A client got no remote: all of its pool are full, or its retries are within no budget. */
  reportUnserved(nowMs: number, peer: NamedPeer, pool: string, end: UnservedEnd, why: string): void {
    this.#unserved[end].log(nowMs, () => `rejected client ${peer.describe()} of pool ${pool}: ${why}`)
  }

  /**
   * A failure on this machine, such as a lack of descriptors: `what` failed with `errno` (positive). The same error
   * is logged once until `recovered`.
   */
  report(what: string, errno: number): void {
    if (this.#reportedErrno === errno) return
    this.#reportedErrno = errno
    this.#log(WARNING, `${what}: ${errorText(errno)}`)
  }

  /** A connection succeeded. */
  recovered(): void {
    this.#reportedErrno = 0
  }
}
