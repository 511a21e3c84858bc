/**
 * The relay. Read this folder from here: `session.ts` is one client and its remote, two `connection.ts` and two
 * directions; `phases.ts` and `phase-handlers.ts` say what happens in which phase. `opening/` leads to a remote
 * (greeting, detecting, asking, attempts), `transfer/` moves bytes, `closing/` ends and freezes sessions.
 */
import { NONE } from '../balance/policy.js'
import type { Fd } from '../kernel/calls.js'
import { credentialsIn } from '../kernel/peer-credentials.js'
import type { Region } from '../kernel/region.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import { type AccessRecord, type AccessTls, idPrefix } from '../observe/access-line.js'
import { add, COUNT, LISTENER_COUNT, REMOTE_COUNT } from '../observe/counters.js'
import { describeTlvs } from '../wire/proxy/describe-tlvs.js'
import { ProxyFacts } from '../wire/proxy/proxy-facts.js'
import { reportUnanswered } from './closing/failed-unanswered.js'
import { type Frozen, freezeSession, thawSession } from './closing/frozen.js'
import type { Connection } from './connection.js'
import type { RelayContext } from './context.js'
import { Diallings } from './opening/dialling.js'
import { giveBackPlaces, handOverPlaces } from './opening/limit-places.js'
import { LimitQueues } from './opening/limit-queue.js'
import { noteMptcp } from './opening/mptcp-peers.js'
import { SessionFacts } from './opening/session-facts.js'
import { describePeer } from './peer-name.js'
import { Peers } from './peers.js'
import {
  BAN_CAUSES_OF,
  type EndReason,
  LISTENER_REASON_COUNTS,
  REASON_COUNTS,
  REMOTE_REASON_COUNTS,
} from './phases.js'
import { ProxyPeers } from './proxy-peers.js'
import { Session } from './session.js'
import type { StickyClient } from './stickiness.js'
import { TRANSPORTS } from './transfer/transports.js'

/** The context of sessions without the parts that the relay itself provides. */
export type RelayParts = Omit<
  RelayContext,
  | 'destinations'
  | 'diallings'
  | 'facts'
  | 'limitQueues'
  | 'peers'
  | 'proxyFacts'
  | 'proxyPeers'
  | 'sessionClosed'
>

export interface RelayEvents {
  /** A session of this listener has ended, and with it two descriptors. */
  onRoom(listenerSlot: number): void
  /** `retire limit` is reached: deliver no more clients. */
  onRetired(): void
}

/** What a classic master sends with a client's descriptor. */
export interface HandedOver {
  readonly realm: string
  /** The local address of the client's connection; '' where it is not needed. */
  readonly listener: string
}

/**
 * The sessions of one reactor and configuration: accepts clients, counts and logs their ends, reuses their records.
 */
export class Relay {
  readonly #context: RelayContext
  readonly #events: RelayEvents
  readonly #childSlot: number
  readonly #idPrefix: string
  readonly #open: Session[] = []
  /** Records of ended sessions, for the next ones. */
  readonly #free: Session[] = []
  /** Clients that were delivered or refused so far. A thawed session keeps its own number. */
  #sequence = 0
  /** Places that become free are for nobody: waiting clients are cut too. */
  #isCutting = false
  /** Records that exist, in use or free: the number of the next one. */
  #recordsMade = 0

  constructor(parts: RelayParts, events: RelayEvents, childSlot = 0) {
    const sessionClosed = (session: Session) => this.#sessionClosed(session)
    this.#context = {
      ...parts,
      diallings: new Diallings(),
      facts: new SessionFacts(),
      limitQueues: new LimitQueues(),
      peers: new Peers(),
      destinations: new Peers(),
      proxyFacts: new ProxyFacts(),
      proxyPeers: new ProxyPeers(parts.listeners),
      sessionClosed,
    }
    this.#events = events
    this.#childSlot = childSlot
    this.#idPrefix = idPrefix(childSlot, parts.system.clock.wallMs())
  }

  get openCount(): number {
    return this.#open.length
  }

  /** Open sessions, unordered. The array changes as sessions end. */
  get openSessions(): readonly Session[] {
    return this.#open
  }

  /**
   * Starts a session for an accepted client; the relay owns the descriptor from here on. `peer`, the client's socket
   * address, is copied. `handed` is set for clients from a classic master.
   */
  deliver(fd: Fd, listenerSlot: number, kind: SocketKind, peer: Region, handed?: HandedOver): void {
    const session = this.#begin(fd, listenerSlot, kind, peer, handed)
    if (this.#context.listeners[listenerSlot]?.isMptcp === true) noteMptcp(session, session.client)
    const watched = session.watch(session.client)
    if (watched >= 0) session.advance()
    else {
      // A closed session cannot be ended, which writes its line of the access log.
      session.enter('dialling')
      session.fail('shortage', -watched)
    }
    // Equal, so that it is reported once; 0 is no limit, and the count is 1 or more here.
    if (this.#sequence === this.#context.options.retireLimit) this.#events.onRetired()
  }

  /** Resets a client that cannot be served, and writes its line of the access log. */
  refuse(fd: Fd, kind: SocketKind, peer: Region, handed: HandedOver, reason: EndReason): void {
    const session = this.#begin(fd, 0, kind, peer, handed)
    // A closed session cannot be cut; nothing is dialled here.
    session.enter('dialling')
    session.cut(reason)
  }

  #begin(fd: Fd, listenerSlot: number, kind: SocketKind, peer: Region, handed?: HandedOver): Session {
    const { counters, listenerCounters, listeners, loop, options } = this.#context
    const session = this.#take(listenerSlot)
    session.sequence = ++this.#sequence
    session.birthChild = this.#childSlot
    session.idPrefix = this.#idPrefix
    session.realm = handed?.realm ?? listeners[listenerSlot]?.realm ?? ''
    session.listener = handed?.listener ?? ''
    session.acceptedAtMs = loop.nowMs
    session.client.fd = fd
    session.client.transport = TRANSPORTS[kind]
    if (options.notesPeers) this.#context.peers.note(session.record, peer.bytes, kind === 'unix')
    add(counters, COUNT.accepted, 1)
    listenerCounters.add(listenerSlot, LISTENER_COUNT.accepted, 1)
    return session
  }

  /** Freezes a session, or returns 'later' if that is not possible now; see `Frozen`. */
  freeze(session: Session): Frozen | 'later' {
    const frozen = freezeSession(session)
    if (frozen === 'later') return frozen
    this.#context.remotes.handOver(session.remoteSlot)
    handOverPlaces(session)
    this.#release(session)
    return frozen
  }

  /** Resumes a frozen session; the relay owns its descriptors from here on. */
  thaw(frozen: Frozen): void {
    thawSession(this.#take(frozen.listenerSlot), frozen)
  }

  /** Resets every session that is still open. */
  cutAll(reason: EndReason): void {
    this.#isCutting = true
    // Backwards, because each cut moves the last session to the place that it frees.
    for (let i = this.#open.length - 1; i >= 0; i--) this.#open[i]?.cut(reason)
    this.#isCutting = false
  }

  #take(listenerSlot: number): Session {
    const { counters, listenerCounters } = this.#context
    const session = this.#free.pop() ?? new Session(this.#context, this.#recordsMade++)
    session.index = this.#open.length
    session.listenerSlot = listenerSlot
    this.#open.push(session)
    add(counters, COUNT.sessionsNow, 1)
    listenerCounters.add(listenerSlot, LISTENER_COUNT.sessionsNow, 1)
    return session
  }

  #sessionClosed(session: Session): void {
    // Before `#release`, which clears what is counted and logged.
    this.#countEnd(session)
    const isLogged = this.#context.options.hasAccessLog && session.reason !== 'proxy-check'
    if (isLogged) this.#context.writeAccess(this.#accessRecord(session))
    const { listenerSlot, remoteSlot } = session
    if (remoteSlot !== NONE) this.#context.remotes.giveBack(remoteSlot)
    this.#countForBans(session)
    giveBackPlaces(session)
    this.#release(session)
    this.#events.onRoom(listenerSlot)
    if (remoteSlot !== NONE && !this.#isCutting) this.#context.pools.ofRemote(remoteSlot)?.queue?.serve()
  }

  #countForBans(session: Session): void {
    const { facts, limits } = this.#context
    const cause = limits && BAN_CAUSES_OF[session.reason]
    if (cause !== undefined) limits?.countRejection(cause, facts.of(session), session.peer)
  }

  #countEnd(session: Session): void {
    const { listenerSlot, reason, remoteSlot, toClient, toRemote, wasConnected } = session
    const { counters, listenerCounters, remoteCounters } = this.#context
    add(counters, COUNT.ended, 1)
    add(counters, COUNT.bytesToRemote, toRemote.bytes)
    add(counters, COUNT.bytesToClient, toClient.bytes)
    add(counters, REASON_COUNTS[reason], 1)
    const listenerReason = LISTENER_REASON_COUNTS[reason]
    listenerCounters.add(listenerSlot, LISTENER_COUNT.ended, 1)
    listenerCounters.add(listenerSlot, LISTENER_COUNT.bytesToRemote, toRemote.bytes)
    listenerCounters.add(listenerSlot, LISTENER_COUNT.bytesToClient, toClient.bytes)
    if (listenerReason !== undefined) listenerCounters.add(listenerSlot, listenerReason, 1)
    if (!wasConnected) return
    const remoteReason = REMOTE_REASON_COUNTS[reason]
    remoteCounters.add(remoteSlot, REMOTE_COUNT.ended, 1)
    remoteCounters.add(remoteSlot, REMOTE_COUNT.bytesToRemote, toRemote.bytes)
    remoteCounters.add(remoteSlot, REMOTE_COUNT.bytesToClient, toClient.bytes)
    if (remoteReason === undefined) return
    remoteCounters.add(remoteSlot, remoteReason, 1)
    reportUnanswered(session)
  }

  /** Removes a session from the open ones and frees its record. */
  #release(session: Session): void {
    const last = this.#open.pop() as Session
    if (last !== session) {
      this.#open[session.index] = last
      last.index = session.index
    }
    if (session.sticky !== undefined) leaveRemote(session, session.sticky)
    add(this.#context.counters, COUNT.sessionsNow, -1)
    this.#context.listenerCounters.add(session.listenerSlot, LISTENER_COUNT.sessionsNow, -1)
    session.clear()
    this.#free.push(session)
  }

  #accessRecord(session: Session): AccessRecord {
    const { listeners, loop, remotes, system } = this.#context
    return {
      endedAtMs: system.clock.wallMs(),
      id: session.id,
      client: describePeer(session.peer),
      credentials: credentialsIn(session.peer),
      via: session.via,
      tlvs: session.tlvs === undefined ? '' : describeTlvs(session.tlvs),
      listener: session.listener || (listeners[session.listenerSlot]?.name ?? ''),
      pool: session.pool,
      remote: session.wasConnected ? session.host || remotes.at(session.remoteSlot).name : '',
      failedAttempts: session.failedAttempts,
      bytesToRemote: session.toRemote.bytes,
      bytesToClient: session.toClient.bytes,
      durationMs: loop.nowMs - session.acceptedAtMs,
      queuedMs: session.queuedMs,
      reason: session.reason,
      cause: session.cause,
      rule: session.rule,
      why: session.why,
      comment: session.comment,
      clientTls: accessTls(session.client),
      remoteTls: accessTls(session.remote),
      clientMptcp: session.client.isMptcp,
      remoteMptcp: session.remote.isMptcp,
    }
  }
}

/**
 * TLS of one side for the access log: the result of its handshake, or what the client offers where TLS is
 * passed through.
 */
function accessTls({ hello, tlsFacts }: Connection): AccessTls | undefined {
  if (tlsFacts !== undefined) return { ...tlsFacts, subject: tlsFacts.peer?.subject }
  if (hello === undefined) return undefined
  const { alpn, serverName } = hello
  const offered = alpn.length === 0 ? undefined : alpn.join()
  return {
    version: 'passed',
    serverName,
    alpn: offered,
    cipher: undefined,
    isResumed: undefined,
    subject: undefined,
    pskIdentity: undefined,
  }
}

function leaveRemote({ relay, remoteSlot, wasConnected }: Session, client: StickyClient): void {
  if (wasConnected) client.left(remoteSlot, relay.loop.nowMs)
}
