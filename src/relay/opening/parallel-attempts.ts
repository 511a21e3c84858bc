/** Attempts of one session that are in flight beside the current one, which has the socket `session.remote`. */
import type { Fd } from '../../kernel/calls.js'
import { NO_TOKEN, type Watcher } from '../../reactor/loop.js'
import { NO_FD } from '../connection.js'
import type { RelayContext } from '../context.js'
import type { Session } from '../session.js'
import { TCP } from '../transfer/tcp-transport.js'
import type { Transport } from '../transfer/transport.js'

/** One of them: owns its descriptor. The record is made when it is needed, and reused. */
class ParallelAttempt implements Watcher {
  token = NO_TOKEN
  fd: Fd = NO_FD
  session: Session
  transport: Transport = TCP
  /** As those of the current attempt in `Dialling`. */
  addressIndex = 0
  deadlineMs = 0

  constructor(session: Session) {
    this.session = session
  }

  /** Exchanges the two first, so that the session handles events of one socket only. */
  onReady(readiness: number): void {
    const { session } = this
    session.dialling.parallel.makeCurrent(this)
    session.onReady(session.remote, readiness)
  }
}

export class ParallelAttempts {
  /** The first `count` are in flight. */
  readonly #records: ParallelAttempt[] = []
  count = 0

  /** The current attempt of the session goes on as a parallel one, and there is no current one. */
  add(session: Session): void {
    this.#records[this.count] ??= new ParallelAttempt(session)
    const attempt = this.#records[this.count] as ParallelAttempt
    attempt.session = session
    this.count++
    exchange(attempt)
  }

  /** A parallel attempt becomes the current one, and the current one, if there is one, a parallel one. */
  makeCurrent(attempt: ParallelAttempt): void {
    exchange(attempt)
    if (attempt.fd === NO_FD) this.#remove(attempt)
  }

  /** Makes any of them the current one, in place of one that has failed; false if there is none. */
  resume(): boolean {
    if (this.count === 0) return false
    this.makeCurrent(this.#records[0] as ParallelAttempt)
    return true
  }

  /** Makes one of them the current one whose time limit has passed; false if there is none. */
  resumeLate(nowMs: number): boolean {
    for (let i = 0; i < this.count; i++) {
      const attempt = this.#records[i] as ParallelAttempt
      if (nowMs < attempt.deadlineMs) continue
      this.makeCurrent(attempt)
      return true
    }
    return false
  }

  /** The earlier one of `ms` and their deadlines. */
  deadlineBefore(ms: number): number {
    let earliest = ms
    for (let i = 0; i < this.count; i++)
      earliest = Math.min(earliest, (this.#records[i] as ParallelAttempt).deadlineMs)
    return earliest
  }

  /** Closes all. No remote has got any bytes, so none of them needs a reset. */
  close({ loop, system }: RelayContext): void {
    for (; this.count > 0; this.count--) {
      const attempt = this.#records[this.count - 1] as ParallelAttempt
      loop.forget(attempt.fd, attempt)
      system.calls.close(attempt.fd)
      attempt.fd = NO_FD
    }
  }

  #remove(attempt: ParallelAttempt): void {
    const last = --this.count
    this.#records[this.#records.indexOf(attempt)] = this.#records[last] as ParallelAttempt
    this.#records[last] = attempt
  }
}

/** Of an attempt in flight the remote's connection has a descriptor, a token and a transport, and no other state yet. */
function exchange(attempt: ParallelAttempt): void {
  const { dialling, relay, remote } = attempt.session
  const { addressIndex, deadlineMs, fd, transport } = attempt
  relay.loop.exchange(attempt, remote)
  attempt.fd = remote.fd
  attempt.transport = remote.transport
  attempt.addressIndex = dialling.addressIndex
  attempt.deadlineMs = dialling.attemptDeadlineMs
  remote.clear()
  remote.fd = fd
  remote.transport = transport
  remote.mayDelay = transport.isTcp
  dialling.addressIndex = addressIndex
  dialling.attemptDeadlineMs = deadlineMs
}
