/** Remotes with all that the head knows of them: facts, health, counters. */
import type { RemoteFacts } from '../../control/generations/generation-facts.js'
import type { RunningHead } from '../../control/head.js'
import type { HealthRecord } from '../../health/history.js'
import type { Verdict } from '../../health/remote-state.js'
import { Refused } from './refused.js'

export interface KnownRemote extends RemoteFacts {
  readonly verdict: Verdict
  /** Undefined: it has not been checked. */
  readonly lastCheck: HealthRecord | undefined
}

type Known = Pick<RunningHead, 'reloader' | 'remotes'>

export function knownRemotes({ reloader, remotes }: Known): readonly KnownRemote[] {
  const { health } = reloader.services
  return remotes.map((facts) => ({
    ...facts,
    verdict: health.of(facts.healthName),
    lastCheck: health.history.lastResult(facts.healthName),
  }))
}

/** Up, and ready for new clients. */
export function isServing({ adminState, verdict, weight }: KnownRemote): boolean {
  return !verdict.isDown && adminState === 'ready' && weight > 0
}

/** The remotes that a name means: `NAME` in every pool, or `POOL/NAME`. Throws if there is none. */
export function remotesNamed(head: Known, name: string): readonly KnownRemote[] {
  const all = knownRemotes(head)
  const byName = all.filter((remote) => remote.name === name || remote.healthName === name)
  const found = byName.length > 0 ? byName : all.filter((remote) => `${remote.pool}/${remote.name}` === name)
  if (found.length === 0) throw new Refused(404, `there is no remote '${name}'`)
  return found
}
