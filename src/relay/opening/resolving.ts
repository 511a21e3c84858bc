/** The phase `resolving`: the head looks up the addresses of the host that the client asks for by its server name. */

import { DynamicHost } from '../dynamic-host.js'
import type { DynamicHosts, Resolution } from '../dynamic-hosts.js'
import type { PhaseHandler } from '../phase-handler.js'
import type { RelayPool } from '../relay-pools.js'
import type { Session } from '../session.js'
import { beginAttempts } from './attempts.js'
import type { HostLookups, HostReply } from './host-lookups.js'

export const RESOLVING: PhaseHandler = {
  onReady: resolvingReady,
  onTimer: resolvingTimer,
  // The client's bytes stay in the kernel until a remote is connected.
  onTurn: () => {},
}

/** Finds the host that a client asks for, in the pool of a dynamic route. */
export function findHost(session: Session, service: RelayPool, hosts: DynamicHosts): void {
  const { facts, loop } = session.relay
  const name = facts.of(session).serverName()
  if (!hosts.allows(name)) {
    end(session, 'name-not-allowed', name === '' ? 'no server name' : name)
    return
  }
  const known = hosts.known(name, loop.nowMs)
  if (known !== undefined) {
    onResolution(session, service, name, known)
    return
  }
  const lookup = hosts.lookUp(name)
  if (lookup === undefined) {
    end(session, 'name-not-resolved', `${name}: too many names are asked for`)
    return
  }
  session.enter('resolving')
  session.awaited = { lookup, service }
  lookup.waiting.add(session)
  session.setTimer(loop.nowMs + hosts.timeoutMs)
}

/** Applies answers of the head; sessions that have ended meanwhile no longer wait. */
export function hostsFound(lookups: HostLookups, replies: readonly HostReply[], nowMs: number): void {
  for (const [token, answer] of replies) {
    const lookup = lookups.take(token)
    if (lookup === undefined) continue
    const { hosts, name, waiting } = lookup
    const resolution = hosts.settle(name, answer, nowMs)
    for (const session of waiting) {
      const { service } = session.awaited ?? {}
      session.stopWaiting()
      session.unsetTimer()
      session.enter('dialling')
      if (service !== undefined) onResolution(session, service, name, resolution)
    }
  }
}

/** Only errors end the session: bytes stay in the socket, and a FIN may be a half-close. */
function resolvingReady({ client }: Session): void {
  if (client.error !== 0) client.session.fail('client-left', client.error)
}

function resolvingTimer(session: Session): void {
  end(session, 'name-not-resolved', `${session.awaited?.lookup.name}: timed out`)
}

function onResolution(session: Session, service: RelayPool, name: string, resolution: Resolution): void {
  if (resolution instanceof DynamicHost) beginAttempts(session, service, resolution)
  else end(session, resolution.reason ?? 'name-not-resolved', `${name}: ${resolution.cause}`)
}

function end(
  session: Session,
  reason: 'address-not-allowed' | 'name-not-allowed' | 'name-not-resolved',
  cause: string,
): void {
  session.cause = cause
  session.cut(reason)
}
