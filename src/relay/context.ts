/** The context of sessions: everything they share, as interfaces. */
import type { Limiter, LimitFacts } from '../admission/limiter.js'
import type { Limits } from '../admission/limits.js'
import type { RouteFacts } from '../admission/route-facts.js'
import type { RuleRefusal } from '../admission/rule-lists.js'
import type { RemoteHealth } from '../balance/remote-health.js'
import type { BanCause, LimitAction, LimitEnd } from '../base/limit-words.js'
import type { ListenerStarttls } from '../base/starttls-names.js'
import type { Fd } from '../kernel/calls.js'
import type { System } from '../kernel/system.js'
import type { AccessRecord } from '../observe/access-line.js'
import type { CounterTable } from '../observe/counters.js'
import type { Say, TraceChannel } from '../observe/trace.js'
import type { Loop } from '../reactor/loop.js'
import type { ProxyFacts } from '../wire/proxy/proxy-facts.js'
import type { Detection } from './detection.js'
import type { DecisionNotes } from './opening/decision-notes.js'
import type { Diallings } from './opening/dialling.js'
import type { HostLookups } from './opening/host-lookups.js'
import type { LimitQueues } from './opening/limit-queue.js'
import type { Questions } from './opening/questions.js'
import type { SessionRouting } from './opening/routing.js'
import type { SessionFacts } from './opening/session-facts.js'
import type { RelayOptions } from './options.js'
import type { Peers } from './peers.js'
import type { ProxyPeers, ProxyPlan } from './proxy-peers.js'
import type { RelayPools } from './relay-pools.js'
import type { RelayTls } from './relay-tls.js'
import type { Remotes } from './remotes.js'
import type { Session } from './session.js'
import type { ThrottledWarnings } from './throttled-warnings.js'
import type { Blocks } from './transfer/blocks.js'
import type { Pipes } from './transfer/pipes.js'

/** What the relay uses of a listener. */
export interface RelayListener {
  /** Where it listens, for logs. */
  readonly name: string
  /** '' if it has none. */
  readonly realm: string
  /** Its clients may use Multipath TCP. */
  readonly isMptcp: boolean
  /** How the protocols of its clients are detected; undefined: they are not. */
  readonly detection?: Detection | undefined
  /** Its peers send PROXY headers; undefined: they are the clients themselves. */
  readonly proxy?: ProxyPlan | undefined
  /** Its clients ask for TLS in plain text; undefined: they begin with TLS, if they speak it. */
  readonly starttls?: ListenerStarttlsPlan | undefined
}

/** How the clients of a listener ask for TLS. */
export interface ListenerStarttlsPlan {
  readonly protocol: ListenerStarttls
  /** What the listener calls itself towards its clients. */
  readonly serverName: string
}

/** A client of a session, for access rules. */
export interface RuledClient {
  readonly fd: Fd
  readonly peer: Uint8Array
  /** By a PROXY header: `peer` is not the address of the connection. */
  readonly isNamed: boolean
  readonly listenerSlot: number
  /** The listener's name in log lines. */
  readonly listener: string
}

/** Access rules about clients with a session. Each method returns why the client is rejected, and has logged that. */
export interface ClientRules {
  /** The first step for a client that a PROXY header names. */
  againstSender(client: RuledClient): RuleRefusal | undefined
  /** Whether rules about the clients of a listener depend on facts. */
  needsFacts(listenerSlot: number): boolean
  /** The second step. */
  againstClient(client: RuledClient, facts: RouteFacts): RuleRefusal | undefined
  hasRulesOf(route: number): boolean
  /** The rules of the route that chose the client's pool. */
  againstRouted(client: RuledClient, facts: RouteFacts, route: number): RuleRefusal | undefined
}

/** Limits of clients, and what happens to those that they reject. */
export interface ClientLimits {
  readonly limits: Limits
  /** Whether the process that accepts applies limits by address to peers without a PROXY header. */
  readonly areJudged: boolean
  /** Logs a rejection, and counts it for a ban. `limiter` has been aimed at the client, whose socket address is `client`. */
  report(limiter: Limiter, end: LimitEnd, client: Uint8Array, listener: string): void
  /** Counts a rejection by something else for bans. */
  countRejection(cause: BanCause, facts: LimitFacts, client: Uint8Array): void
  actionOf(limiter: Limiter, end: LimitEnd): LimitAction
  /** Sets how close(2) ends the connection. */
  prepareClose(fd: Fd, action: LimitAction): void
  /** Owns `fd` from now on, and closes it after a while; false, without owning it, if as many are held as may be. */
  hold(fd: Fd, limiter: Limiter): boolean
}

/** What the sessions of one reactor and configuration share. */
export interface RelayContext {
  readonly system: System
  readonly loop: Loop
  readonly blocks: Blocks
  readonly pipes: Pipes
  readonly peers: Peers
  /** Where clients that PROXY headers name have connected to (`Session.clientDestination`). */
  readonly destinations: Peers
  readonly diallings: Diallings
  readonly questions: Questions
  readonly lookups: HostLookups
  readonly remotes: Remotes
  readonly health: RemoteHealth
  readonly pools: RelayPools
  readonly facts: SessionFacts
  /** One record for all headers to remotes. */
  readonly proxyFacts: ProxyFacts
  readonly proxyPeers: ProxyPeers
  /** Undefined: every client is admitted. */
  readonly clientRules?: ClientRules | undefined
  /** Undefined: there are no limits. */
  readonly limits?: ClientLimits | undefined
  /** Clients that wait for places of limits. */
  readonly limitQueues: LimitQueues
  /** Undefined: there are no routes. */
  readonly routing: SessionRouting | undefined
  readonly options: RelayOptions
  /** Undefined: choices of remotes are not noted. */
  readonly decisions?: DecisionNotes | undefined
  readonly tls: RelayTls
  /** This child's row of COUNTERS. */
  readonly counters: Float64Array
  /** Rows of LISTENER_COUNTERS, by `listenerSlot`; empty under a foreign master. */
  readonly listenerCounters: CounterTable
  /** Rows of REMOTE_COUNTERS, by `remoteSlot`. */
  readonly remoteCounters: CounterTable
  readonly log: Say
  readonly trace: TraceChannel
  readonly warnings: ThrottledWarnings
  /** Logs a finished session; called only with `options.hasAccessLog`. */
  writeAccess(record: AccessRecord): void
  /** By slot; empty where clients come from a classic master. */
  readonly listeners: readonly RelayListener[]
  /** The session has closed its descriptors; its record can be reused. */
  sessionClosed(session: Session): void
}
