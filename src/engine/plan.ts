/**
 * One configuration in compiled form. The head compiles it once per generation (`plan/compile/compile-plan.ts`) and
 * passes it to every reactor thread and, over the link, to every child (`v8.serialize`), so it is plain data without
 * functions; Map, RegExp and typed arrays may occur. All times are milliseconds, and Infinity means no limit. It
 * contains key material: never log it.
 */

import type { Overload } from '../accept/connection-limit.js'
import type { QueueLengths } from '../accept/listener.js'
import type { PlacementLimits } from '../accept/placement.js'
import type { StickyOptions } from '../accept/sticky-cache.js'
import type { LimitPlan } from '../admission/limit-plan.js'
import type { RoutePlan } from '../admission/route-plan.js'
import type { AccessPlan } from '../admission/rule-list-plan.js'
import type { BackOffNumbers } from '../balance/back-off.js'
import type { SocketAddress } from '../base/address.js'
import type { HedgePlan } from '../base/hedge-plan.js'
import type { PolicyName } from '../base/policy-names.js'
import type { PollMechanism } from '../base/poll-mechanism.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import type { SocketOptions } from '../kernel/socket-options.js'
import type { MavisSettings } from '../mavis/settings.js'
import type { SeverityName } from '../observe/severity.js'
import type { FacilityName } from '../observe/syslog.js'
import type { ClientKeyPlan } from '../relay/client-key.js'
import type { RelayListener } from '../relay/context.js'
import type { DynamicPlan } from '../relay/dynamic-hosts.js'
import type { RelayOptions } from '../relay/options.js'
import type { RemoteParts } from '../relay/remotes.js'
import type { SessionOptions } from '../relay/session-options.js'
import type { AcceptMessage } from '../wire/child-message.js'
import type { StarttlsPlan } from '../wire/starttls/client-opening.js'
import type { ListenerTlsSettings, TlsPlan } from './tls-settings.js'

export interface Plan {
  /** By slot; empty under a classic master. */
  readonly listeners: readonly ListenerPlan[]
  readonly pools: readonly PoolPlan[]
  /** Index of the pool for clients of listeners without a pool; undefined: none. */
  readonly defaultPool: number | undefined
  /** In order of evaluation, for clients of listeners without a pool. */
  readonly routes: readonly RoutePlan[]
  /** By slot. The slots of remotes of other generations hold `NO_REMOTE`. */
  readonly remotes: readonly RemotePlan[]
  /** Which clients are admitted. */
  readonly access: AccessPlan
  /** In the order in which they are applied. */
  readonly limits: readonly LimitPlan[]
  readonly relay: RelayOptions
  readonly tls: TlsPlan
  readonly mavis: MavisSettings
  readonly workers: WorkersPlan
  readonly process: ProcessPlan
}

/** A listener: one port of a `listen` block. */
export interface ListenerPlan extends RelayListener {
  /** The planned kind; the command `listen` has that of the bound socket. */
  readonly kind: SocketKind
  /** Index of its pool; undefined: routes or the default pool apply. */
  readonly pool: number | undefined
  /** Options of its clients' sessions that override those of their pool; undefined: none. One value a block. */
  readonly overrides?: SessionOverrides | undefined
  /** Index among the ports of its block. */
  readonly portIndex: number
  /** Index of its row of counters in the cells. */
  readonly countersSlot: number
  /** Limit of sessions of its clients, of all workers. Infinity: none. */
  readonly maxConnections: number
  readonly isUdp: boolean
  readonly queue: QueueLengths
  /** Listeners of one `listen` block have the same number. */
  readonly block: number
  /** The sticky cache of its block; undefined: the common one. */
  readonly sticky: StickyOptions | undefined
  /** The message that a child receives with each connection. */
  readonly message: AcceptMessage
  readonly tls: ListenerTlsSettings
  /** Set on the listener; accepted sockets inherit them. */
  readonly socket: SocketOptions
}

export interface RemotePlan extends RemoteParts {
  /** Share of the load, relative to its siblings. Zero: no new clients. */
  readonly weight: number
  /** Time until it has its full weight again after an outage. Zero: at once. */
  readonly slowStartMs: number
  /** Remotes of a higher tier are in reserve. */
  readonly tier: number
  /** Limit of sessions, of all workers. Infinity: none. */
  readonly maxConnections: number
  /** Index in `tls.clients`; undefined: plain. */
  readonly tlsClient: number | undefined
  /** How that begins in the plain; undefined: TLS begins with the connection. */
  readonly starttls?: StarttlsPlan | undefined
}

export interface PoolPlan {
  readonly name: string
  /** Index of its rows in the cells. */
  readonly slot: number
  /** Its name in the access log; '' if `default` is the only pool. */
  readonly label: string
  /** Slots of its remotes, in the order of the configuration. */
  readonly members: readonly number[]
  /** Slots for remotes that discovery finds. @default none */
  readonly spares?: readonly number[]
  readonly policy: PolicyName
  /** What hashing policies identify a client by; undefined: the policy does not hash. */
  readonly key: ClientKeyPlan | undefined
  /** Undefined: its clients are not sticky. */
  readonly sticky: StickyPlan | undefined
  /** At least 1; undefined: no limit. */
  readonly boundedLoad: number | undefined
  /** With fewer usable remotes the next tier is used too. */
  readonly tierMinUsable: number
  /** Sessions on a remote of a higher tier end when the better ones can serve again. */
  readonly closesOnRecovery: boolean
  /** Sessions on a remote that is excluded end. */
  readonly closesOnDown: boolean
  /** How long sessions may go on with a remote that drains. Infinity: until their end. */
  readonly drainDeadlineMs: number
  /** Undefined: sessions stay where they are. */
  readonly shed: ShedPlan | undefined
  /** Shape of the slow start of its remotes; 1: linear. */
  readonly slowStartAggression: number
  /** Number of clients after which the back-off of every failing remote ends. Zero: never. */
  readonly rebalance: number
  /** Of its remotes. */
  readonly backOff: BackOffNumbers
  /** Most retries of a hundred first attempts, in each worker; undefined: no limit. */
  readonly retryBudgetPercent: number | undefined
  /** When a slow attempt is hedged; undefined: never. */
  readonly hedge: HedgePlan | undefined
  /** Limit of sessions, of all workers. Infinity: none. */
  readonly maxConnections: number
  /** Limit of waiting clients, of all workers. Infinity: none. */
  readonly queueSize: number
  readonly options: SessionPlan
  /** Of a dynamic route, which has a pool of its own with one remote; undefined: configured remotes. */
  readonly dynamic?: DynamicPlan | undefined
}

/** Which sessions of a pool end so that their clients are distributed again. */
export interface ShedPlan {
  /** How much more than its share a remote may have: 0.2 is a fifth. */
  readonly over: number
  /** Limit over all workers. */
  readonly perSecond: number
  /** Sessions without data for this long. */
  readonly quietMs: number
}

/** The table that a pool keeps of its clients. */
export interface StickyPlan {
  readonly key: ClientKeyPlan
  /** Time without a connection after which a client is forgotten. */
  readonly ttlMs: number
  readonly entries: number
}

/** `SessionOptions` as plain data. */
export type SessionPlan = Omit<SessionOptions, 'clientSource' | 'localAddress'> & {
  /** `client`: each connection comes from the address of its client. */
  readonly localAddress: SocketAddress | 'client' | undefined
}

/** What the listener of a client overrides. */
export type SessionOverrides = Partial<SessionPlan>

/** Number and limits of the relaying processes. */
export interface WorkersPlan {
  readonly placement: PlacementLimits
  /** Configured limit of sessions per process. Infinity: only its descriptors limit it. */
  readonly sessionsMax: number
  /** Number of clients after which a child retires and is replaced. Zero: no limit. */
  readonly retireLimit: number
  readonly overload: Overload
  /** Buffer size of the sockets between master and children. Zero: the system's default. */
  readonly wireBufferBytes: number
  /** The common sticky cache; undefined: none. */
  readonly sticky: StickyOptions | undefined
}

/** Settings that a process applies before it relays. */
export interface ProcessPlan {
  /** How reactors wait for events. */
  readonly mechanism: PollMechanism
  readonly log: LogPlan
  /** Mask of TRACE_BITS; the command line may add bits. */
  readonly debugMask: number
  /** Its memory contains keys, and core files are not enabled: it is made non-dumpable. */
  readonly hidesMemory: boolean
  readonly sandbox: SandboxMode
}

/** `log`: violations are logged and permitted. */
export type SandboxMode = 'yes' | 'log' | 'no'

export interface LogPlan {
  /** @default the name of the program */
  readonly syslogIdent: string | undefined
  readonly syslogFacility: FacilityName
  readonly syslogSeverity: SeverityName
  /** Destination of traces; undefined: that of other lines. */
  readonly debugRedirect:
    | { readonly kind: 'syslog' }
    | { readonly kind: 'stderr' }
    | { readonly kind: 'file'; readonly path: string }
    | undefined
}
