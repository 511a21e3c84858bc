/** What failed attempts leave behind: counters, the errors for the logs, and evidence about the remote. */
import { NONE } from '../../balance/policy.js'
import {
  EACCES,
  EBADMSG,
  ECONNREFUSED,
  ECONNRESET,
  EHOSTUNREACH,
  ENETUNREACH,
  ENOENT,
  EPERM,
  EPROTO,
  ETIMEDOUT,
  errorText,
  isOwnShortage,
} from '../../kernel/errno.js'
import type { AttemptWord } from '../../observe/attempt-list.js'
import { add, COUNT, REMOTE_COUNT } from '../../observe/counters.js'
import type { Session } from '../session.js'

/** A remote, or the way to it, has failed the current attempt. */
export function countFailure(session: Session, errno: number): void {
  const { dialling } = session
  const { counters, remoteCounters, trace } = session.relay
  add(counters, COUNT.attemptsFailed, 1)
  remoteCounters.add(session.remoteSlot, REMOTE_COUNT.attemptsFailed, 1)
  // A failing host is no evidence about the others of its route, which share a remote.
  dialling.hasRemoteFailed = session.target === undefined
  noteFailure(session, errno)
  listAttempt(session, wordFor(errno))
  if (trace.isOn) trace.say(`session ${session.id}: attempt failed: ${failureText(session)}`)
}

/** Keeps the error for the log; a refusal by this machine is not counted. */
export function noteFailure({ dialling }: Session, errno: number): void {
  dialling.lastErrno = errno
  dialling.lastReason = dialling.reason
}

/** This machine could not attempt a connection to the remote. */
export function noteLocalRefusal(session: Session, errno: number): void {
  noteFailure(session, errno)
  listAttempt(session, 'local')
}

/** Another remote was connected before this one. */
export function noteSlow({ dialling, relay }: Session, remoteSlot: number): void {
  if (relay.options.hasAccessLog) dialling.failedAttempts.add(relay.remotes.at(remoteSlot).name, 'slow')
}

function listAttempt({ dialling, relay, remoteSlot, target }: Session, word: AttemptWord): void {
  if (!relay.options.hasAccessLog) return
  dialling.failedAttempts.add((target ?? relay.remotes.at(remoteSlot)).name, word)
}

const WORDS: Readonly<Record<number, AttemptWord>> = {
  [ECONNREFUSED]: 'refused',
  [ETIMEDOUT]: 'timeout',
  [ECONNRESET]: 'reset',
  [EHOSTUNREACH]: 'unreachable',
  [ENETUNREACH]: 'unreachable',
  [EPROTO]: 'tls',
  [EBADMSG]: 'starttls',
  [ENOENT]: 'missing',
  [EACCES]: 'denied',
  [EPERM]: 'denied',
}

function wordFor(errno: number): AttemptWord {
  return WORDS[errno] ?? (isOwnShortage(errno) ? 'shortage' : 'error')
}

/** All addresses of the chosen remote failed: the next one is another remote. */
export function remoteFailed(session: Session): void {
  const { dialling } = session
  const { health, loop, remotes } = session.relay
  const slot = session.remoteSlot
  remotes.giveBack(slot)
  session.remoteSlot = NONE
  dialling.tried.add(slot)
  dialling.hasTried = true
  // A refusal by this machine is no evidence about the remote.
  if (!dialling.hasRemoteFailed) return
  const { attemptStartedMs } = dialling
  health.failed(slot, attemptStartedMs, loop.nowMs)
  remotes.evidence.failed(slot, attemptStartedMs, loop.nowMs, failureText(session))
}

/** The last error, in words. */
export function failureText({ dialling, relay }: Session): string {
  const { lastErrno, lastReason } = dialling
  if (lastErrno === 0) {
    const hasAddress = dialling.pool.members.some((slot) => relay.remotes.at(slot).addresses.length > 0)
    return hasAddress ? 'no remote takes new clients' : 'no address to connect to'
  }
  return lastReason === '' ? errorText(lastErrno) : lastReason
}
