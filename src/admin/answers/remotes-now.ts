/** The answer of `remotes`. */
import type { RunningHead } from '../../control/head.js'
import { NO_REMOTE_COUNTS } from '../../services/counter-keeper.js'
import type { AnswerOf } from '../operations/operation.js'
import type { Operations } from '../operations/operations.js'
import { type KnownRemote, knownRemotes } from './known-remotes.js'
import { wallTime } from './times.js'

type Remote = AnswerOf<Operations['remotes']>['remotes'][number]

export function remotesNow(head: RunningHead): AnswerOf<Operations['remotes']> {
  const sums = head.reloader.counters.read().remotes
  return {
    remotes: knownRemotes(head).map((remote) => {
      const { sessions: taken, ...counts } = sums.get(remote.key) ?? NO_REMOTE_COUNTS
      return { ...stateOf(head, remote), ...counts, taken }
    }),
  }
}

function stateOf({ system }: RunningHead, remote: KnownRemote) {
  const { adminState, isExcluded, lastCheck, verdict } = remote
  const sinceMs = verdict.isDown ? verdict.downAtMs : verdict.upAtMs
  return {
    ...remote,
    isUp: !verdict.isDown,
    isExcluded,
    state: adminState,
    since: sinceMs === 0 ? undefined : wallTime(system.clock, sinceMs),
    checkLatency: lastCheck && lastCheck.latencyMs / 1_000,
    checkReason: lastCheck?.reason || undefined,
  } satisfies Partial<Remote> & KnownRemote
}
