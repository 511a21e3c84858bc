/** The phase `resolving`: the head looks up the addresses of the host that the client asks for by its server name. */

import { DynamicHost } from '../dynamic-host.js'
import type { DynamicHosts, Resolution } from '../dynamic-hosts.js'
import type { HostReply } from '../host-answer.js'
import type { OpeningHandler } from '../phase-handler.js'
import type { Session } from '../session.js'
import type { HostLookups } from './host-lookups.js'
import { serviceFor } from './routing.js'

export const RESOLVING: OpeningHandler = {
  isNeeded: ({ relay }) => relay.pools.hasDynamic,
  begin: chooseHost,
  onReady: resolvingReady,
  onTimer: resolvingTimer,
  // The client's bytes stay in the kernel until a remote is connected.
  onTurn: () => {},
}

/** Chooses the pool of a client and, if that is the pool of a dynamic route, finds the host. */
function chooseHost(session: Session): void {
  const service = session.service ?? serviceFor(session)
  if (service === undefined) return
  session.service = service
  if (service.hosts === undefined) session.advance()
  else findHost(session, service.hosts)
}

function findHost(session: Session, hosts: DynamicHosts): void {
  const { facts, lookups, loop } = session.relay
  const name = facts.of(session).serverName()
  if (!hosts.allows(name)) {
    end(session, 'name-not-allowed', name === '' ? 'no server name' : name)
    return
  }
  const known = hosts.known(name, loop.nowMs)
  if (known !== undefined) {
    onResolution(session, name, known)
    return
  }
  const lookup = lookups.lookUp(hosts, name)
  if (lookup === undefined) {
    end(session, 'name-not-resolved', `${name}: too many names are asked for`)
    return
  }
  session.lookup = lookup
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
      session.stopWaiting()
      onResolution(session, name, resolution)
    }
  }
}

/** Only errors end the session: bytes stay in the socket, and a FIN may be a half-close. */
function resolvingReady({ client }: Session): void {
  if (client.error !== 0) client.session.fail('client-left', client.error)
}

function resolvingTimer(session: Session): void {
  end(session, 'name-not-resolved', `${session.lookup?.name}: timed out`)
}

function onResolution(session: Session, name: string, resolution: Resolution): void {
  if (resolution instanceof DynamicHost) {
    session.target = resolution
    session.advance()
  } else end(session, resolution.reason ?? 'name-not-resolved', `${name}: ${resolution.cause}`)
}

function end(
  session: Session,
  reason: 'address-not-allowed' | 'name-not-allowed' | 'name-not-resolved',
  cause: string,
): void {
  session.cause = cause
  session.cut(reason)
}
