/**
 * One configuration, ready for use. The head makes it once per generation (`plan/compile/compile-plan.ts`). The same value crosses to
 * every reactor thread, and over the link to every child (`v8.serialize`), so it is plain data without functions; Map, RegExp
 * and typed arrays may occur. All times are milliseconds, and Infinity means no limit. It holds key material: never log it.
 */
import type { Overload } from '../accept/connection-limit.js'
import type { QueueLengths } from '../accept/listener.js'
import type { PlacementLimits } from '../accept/placement.js'
import type { StickyOptions } from '../accept/sticky-cache.js'
import type { AccessTable } from '../admission/access-list.js'
import type { IdentityRule } from '../admission/identity-list.js'
import type { RoutePlan } from '../admission/route-plan.js'
import type { SocketAddress } from '../base/address.js'
import type { PolicyName } from '../base/policy-names.js'
import type { PollMechanism } from '../base/poll-mechanism.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import type { SocketOptions } from '../kernel/socket-options.js'
import type { MavisSettings } from '../mavis/settings.js'
import type { SeverityName } from '../observe/severity.js'
import type { FacilityName } from '../observe/syslog.js'
import type { ClientKeyPlan } from '../relay/client-key.js'
import type { RelayListener } from '../relay/context.js'
import type { RelayOptions } from '../relay/options.js'
import type { RemoteParts } from '../relay/remotes.js'
import type { SessionOptions } from '../relay/session-options.js'
import type { AcceptMessage } from '../wire/child-message.js'
import type { ListenerTlsSettings, TlsPlan } from './tls-settings.js'

export interface Plan {
  /** By slot; empty under a classic master. */
  readonly listeners: readonly ListenerPlan[]
  readonly pools: readonly PoolPlan[]
  /** Index of the pool that serves clients of listeners without one; undefined: none. */
  readonly defaultPool: number | undefined
  /** In order: the first one that matches decides. For clients of listeners without a pool. */
  readonly routes: readonly RoutePlan[]
  /** By slot. The slots of remotes of other generations hold `NO_REMOTE`. */
  readonly remotes: readonly RemotePlan[]
  readonly admission: AdmissionPlan
  readonly relay: RelayOptions
  readonly tls: TlsPlan
  readonly mavis: MavisSettings
  readonly workers: WorkersPlan
  readonly process: ProcessPlan
}

/** A listener. A `listen` block with several ports makes several. */
export interface ListenerPlan extends RelayListener {
  /** What it will be bound as; `listen` says what it was bound as. */
  readonly kind: SocketKind
  /** Index of the pool that it names; undefined: none. */
  readonly pool: number | undefined
  /** Which of the ports of its block it has, counted from 0. */
  readonly portIndex: number
  /** Its rows of counters in the cells. */
  readonly countersSlot: number
  readonly isUdp: boolean
  readonly queue: QueueLengths
  /** Listeners of one `listen` block have the same number. */
  readonly block: number
  /** The sticky cache of its block; undefined: the common one. */
  readonly sticky: StickyOptions | undefined
  /** The message that a child receives with each connection. */
  readonly message: AcceptMessage
  readonly tls: ListenerTlsSettings
  /** Of the listener and of its clients' sockets. */
  readonly socket: SocketOptions
}

export interface RemotePlan extends RemoteParts {
  /** Share of the load, relative to its siblings. Zero: no new clients. */
  readonly weight: number
  /** A higher one is in reserve. */
  readonly tier: number
  /** Index in `tls.clients`; undefined: plain. */
  readonly tlsClient: number | undefined
}

export interface PoolPlan {
  readonly name: string
  /** Its name in the access log; '' where there is nothing but the pool `default`. */
  readonly label: string
  /** Slots of its remotes, in the order of the configuration. */
  readonly members: readonly number[]
  readonly policy: PolicyName
  /** What policies that hash recognise a client by; undefined: the policy does not hash. */
  readonly key: ClientKeyPlan | undefined
  /** At least 1; undefined: no limit. */
  readonly boundedLoad: number | undefined
  /** Usable remotes below which the next tier is used too. */
  readonly tierMinUsable: number
  /** After this many clients the back-off of every failing remote ends. Zero: never. */
  readonly rebalance: number
  readonly options: SessionPlan
}

/** Which clients are accepted. */
export interface AdmissionPlan {
  readonly accessTable: AccessTable
  readonly identityRules: readonly IdentityRule[]
}

/** `SessionOptions` as plain data. */
export type SessionPlan = Omit<SessionOptions, 'clientSource' | 'localAddress'> & {
  /** `client`: each connection comes from the address of its client. */
  readonly localAddress: SocketAddress | 'client' | undefined
}

/** Which processes relay, and how many clients each gets. */
export interface WorkersPlan {
  readonly placement: PlacementLimits
  /** Sessions that one process may have, as configured. Infinity: no limit but its descriptors. */
  readonly sessionsMax: number
  /** Clients that a child gets before the master replaces it. Zero: no limit. */
  readonly retireLimit: number
  readonly overload: Overload
  /** Buffer of the sockets between master and children. Zero: the system's. */
  readonly wireBufferBytes: number
  /** The common sticky cache; undefined: none. */
  readonly sticky: StickyOptions | undefined
}

/** What a process needs before it relays. */
export interface ProcessPlan {
  /** How reactors wait for events. */
  readonly mechanism: PollMechanism
  readonly log: LogPlan
  /** Mask of TRACE_BITS; the command line may add to it. */
  readonly debugMask: number
  /** There are keys in its memory, and no core files are wanted. */
  readonly hidesMemory: boolean
}

export interface LogPlan {
  /** @default the name of the program */
  readonly syslogIdent: string | undefined
  readonly syslogFacility: FacilityName
  readonly syslogSeverity: SeverityName
  /** Where traces go; undefined: where other lines go. */
  readonly debugRedirect:
    | { readonly kind: 'syslog' }
    | { readonly kind: 'stderr' }
    | { readonly kind: 'file'; readonly path: string }
    | undefined
}
