import { REFUSALS, type Refusal } from '../base/authorization.js'
import { errorText } from '../kernel/errno.js'
import { cut } from '../observe/log.js'
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { describeClient } from './peer-name.js'
import type { Session } from './session.js'

/** Names and comments of strangers are cut to this, so that a line keeps its end. */
const TEXT_BYTES_MAX = 256

/** What sessions have to complain of, told so that nobody can fill the log with it. */
export class ThrottledWarnings {
  readonly #log: Say
  readonly #badTls: RateLimitedLog
  readonly #refused: RateLimitedLog
  #reportedErrno = 0

  constructor(log: Say) {
    this.#log = log
    this.#badTls = new RateLimitedLog(NOTICE, log)
    this.#refused = new RateLimitedLog(NOTICE, log)
  }

  /** A peer does not speak TLS as it should, or is not believed. */
  reportTlsFailure(session: Session, isClient: boolean, why: string): void {
    const { loop, remotes } = session.relay
    this.#badTls.log(loop.nowMs, () => {
      const who = isClient ? describeClient(session.peer) : `remote ${remotes.at(session.remoteSlot).name}`
      return `TLS with ${who} failed: ${why}`
    })
  }

  /** A client may not have a remote; `comment` is the module's. */
  reportRefusal(session: Session, refusal: Refusal, comment: string): void {
    const { listenerNames, loop } = session.relay
    this.#refused.log(loop.nowMs, () => {
      const who = `client ${describeClient(session.peer)}${session.user === '' ? '' : ` (${cut(session.user, TEXT_BYTES_MAX)})`}`
      const where = session.listener || (listenerNames[session.listenerSlot] ?? 'the master')
      const why = comment === '' ? REFUSALS[refusal] : `${REFUSALS[refusal]}: ${cut(comment, TEXT_BYTES_MAX)}`
      return `${who} of ${where} is not let in: ${why}`
    })
  }

  /** Trouble of the relay's own, such as a lack of descriptors: told once until something works again. `what` cannot be done because of `errno` (positive). */
  report(what: string, errno: number): void {
    if (this.#reportedErrno === errno) return
    this.#reportedErrno = errno
    this.#log(WARNING, `${what}: ${errorText(errno)}`)
  }

  /** It works again. */
  recovered(): void {
    this.#reportedErrno = 0
  }
}
