/** The answer of `pools`. */
import type { RunningHead } from '../../control/head.js'
import type { AnswerOf } from '../operations/operation.js'
import type { Operations } from '../operations/operations.js'
import { isServing, type KnownRemote, knownRemotes } from './known-remotes.js'

export function poolsNow(head: RunningHead): AnswerOf<Operations['pools']> {
  const remotes = byPool(knownRemotes(head))
  const all = head.pools.map((facts) => {
    const own = remotes.get(facts.name) ?? []
    return {
      ...facts,
      remotes: own.length,
      remotesUp: own.filter(isServing).length,
      sessions: own.reduce((sum, { sessions }) => sum + sessions, 0),
    }
  })
  return { pools: all }
}

function byPool(remotes: readonly KnownRemote[]): ReadonlyMap<string, readonly KnownRemote[]> {
  const pools = new Map<string, KnownRemote[]>()
  for (const remote of remotes) {
    const ofPool = pools.get(remote.pool)
    if (ofPool === undefined) pools.set(remote.pool, [remote])
    else ofPool.push(remote)
  }
  return pools
}
