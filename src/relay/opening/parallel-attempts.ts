/**
 * Attempts of one session that are in flight beside the current one, which has the socket `session.remote`: at other
 * addresses of the same remote, or one at another remote (a hedge).
 */
import { NONE } from '../../balance/policy.js'
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
  /** At another remote than the current attempt: then this is the state of that remote, with a place of it. */
  isElsewhere = false
  remoteSlot = NONE
  order: readonly number[] = []
  addressesTried = 0
  hasRemoteFailed = false
  startedMs = 0
  why = ''

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

  /** The attempt at another remote than the current one; it is the only parallel attempt then. */
  get elsewhere(): ParallelAttempt | undefined {
    const first = this.#records[0]
    return this.count > 0 && first?.isElsewhere === true ? first : undefined
  }

  /**
   * Makes the current attempt of the session a parallel one; the session then has no current attempt. `isElsewhere`: the next
   * attempt is at another remote, and the session has no remote until that is chosen.
   */
  add(session: Session, isElsewhere: boolean): void {
    this.#records[this.count] ??= new ParallelAttempt(session)
    const attempt = this.#records[this.count] as ParallelAttempt
    attempt.session = session
    attempt.isElsewhere = isElsewhere
    attempt.remoteSlot = NONE
    attempt.why = ''
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

  /** Closes all, and gives back the place of another remote. No remote has got any bytes, so none of them needs a reset. */
  close({ loop, remotes, system }: RelayContext): void {
    for (; this.count > 0; this.count--) {
      const attempt = this.#records[this.count - 1] as ParallelAttempt
      if (attempt.isElsewhere) remotes.giveBack(attempt.remoteSlot)
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
  if (attempt.isElsewhere) exchangeRemotes(attempt)
}

function exchangeRemotes(attempt: ParallelAttempt): void {
  const { session } = attempt
  const { dialling } = session
  const { addressesTried, hasRemoteFailed, order, remoteSlot, startedMs, why } = attempt
  attempt.remoteSlot = session.remoteSlot
  attempt.order = dialling.order
  attempt.addressesTried = dialling.addressesTried
  attempt.hasRemoteFailed = dialling.hasRemoteFailed
  attempt.startedMs = dialling.attemptStartedMs
  attempt.why = session.why
  session.remoteSlot = remoteSlot
  dialling.order = order
  dialling.addressesTried = addressesTried
  dialling.hasRemoteFailed = hasRemoteFailed
  dialling.attemptStartedMs = startedMs
  session.why = why
}
