/** Phases of a session, their transitions, and the reasons for which sessions end. */
import type { ListOwner } from '../admission/rule-lists.js'
import type { AttemptLimit } from '../balance/attempt-limit.js'
import type { Refusal } from '../base/authorization.js'
import type { BanCause, LimitEnd } from '../base/limit-words.js'
import { COUNT, LIMIT_COUNTS, LISTENER_COUNT, REMOTE_COUNT } from '../observe/counters.js'

/** The phases that lead to a remote, in their order. A session skips those that it does not need. */
export const OPENING_PHASES = [
  'proxy-header',
  'limiting',
  'starttls',
  'greeting',
  'detecting',
  'admitting',
  'late-limiting',
  'asking',
  'resolving',
  'dialling',
] as const
export type OpeningPhase = (typeof OPENING_PHASES)[number]

/** The phase of a session. A `closed` session is a free record. */
export type Phase = OpeningPhase | 'queued' | 'relaying' | 'draining' | 'closed'

/** Permitted transitions. */
export const MAY_BECOME: Readonly<Record<Phase, readonly Phase[]>> = {
  /** The PROXY protocol header, which names the client. */
  'proxy-header': onwards('proxy-header'),
  /** Limits by the address of the client. */
  limiting: onwards('limiting'),
  /** The client asks for TLS in plain text. */
  starttls: onwards('starttls'),
  /** TLS handshake, or the ClientHello of TLS that is passed through. */
  greeting: onwards('greeting'),
  /** A peek at the first bytes, to detect the protocol. */
  detecting: onwards('detecting'),
  /** Access rules about what has been read of the client. */
  admitting: onwards('admitting'),
  /** Limits by other facts of the client, and those of its pool. */
  'late-limiting': onwards('late-limiting'),
  /** Waiting for the verdict of MAVIS. */
  asking: onwards('asking'),
  /** Waiting for the addresses of the host that the client asks for. */
  resolving: onwards('resolving'),
  /** Connecting to a remote. */
  dialling: ['queued', 'relaying', 'closed'],
  /** Waiting because every usable remote is full. */
  queued: ['dialling', 'closed'],
  /** Both directions are open. */
  relaying: ['draining', 'closed'],
  /** One direction has ended, or one side failed and its last bytes are still being delivered. */
  draining: ['closed'],
  closed: OPENING_PHASES,
}

/** Any later phase on the way to a remote, or the end. */
function onwards(phase: OpeningPhase): readonly Phase[] {
  return [...OPENING_PHASES.slice(OPENING_PHASES.indexOf(phase) + 1), 'closed']
}

/** Why a session ended: `end=` in the access log, an interface explained in docs/operations.md. */
export type EndReason =
  /** Both directions ended with FIN. */
  | 'done'
  | 'client-reset'
  | 'remote-reset'
  /** The peer stopped answering: keepalive or retransmission timed out, or its network is unreachable. */
  | 'client-lost'
  | 'remote-lost'
  /** The peer violated TLS after the handshake. */
  | 'client-tls-error'
  | 'remote-tls-error'
  /** The client disconnected before a remote answered. */
  | 'client-left'
  /** The TLS handshake or ClientHello failed or timed out, or the login that STARTTLS of MySQL needs. */
  | 'bad-greeting'
  /** The PROXY header is missing, malformed or incomplete, or a classic master announced one. */
  | 'proxy-header'
  /** The peer closed without a byte where a PROXY header is required: a health check. Not in the access log. */
  | 'proxy-check'
  /** The client did not ask for TLS at a listener with `starttls`, or sent bytes behind that without TLS. */
  | 'starttls'
  /** Whose list of access rules rejected the client: that of the section, of its listener, or of the route that matched it. */
  | ListOwner
  /** A `limit` rejected the client. */
  | LimitEnd
  /** MAVIS rejected the client. */
  | `mavis-${Refusal}`
  /** No pool serves the client. */
  | 'no-route'
  /** A route with `reject`. */
  | 'rejected-by-route'
  /** A client of a dynamic route asks for a name that is not allowed, or for none. */
  | 'name-not-allowed'
  /** The name has no addresses, or they could not be found in time. */
  | 'name-not-resolved'
  /** None of the addresses of the name may be connected to. */
  | 'address-not-allowed'
  /** All remotes failed in all rounds (`dial retries`). */
  | 'no-remote'
  | 'dial-timeout'
  /** One more attempt would be more than `attempts max`, or than the `retry budget` of the pool allows. */
  | AttemptLimit
  /** All remotes were full, for the time limit of the `queue`, or as many clients waited as may. */
  | 'queue-timeout'
  | 'queue-full'
  | 'idle-timeout'
  | 'half-close-timeout'
  /** `first byte timeout`: the client was connected to a remote and sent nothing. */
  | 'first-byte-timeout'
  /** `max lifetime`. */
  | 'max-lifetime'
  /** `min rate`: a peer took the bytes that waited for it too slowly. */
  | 'min-rate'
  /** `on recovery = close`: the remote was in reserve, and better ones serve again. */
  | 'recovery'
  /** `on down = close`: the remote is excluded. */
  | 'remote-down'
  /** `shed`: idle, and its remote had too many sessions. */
  | 'shed'
  /** `drain deadline`: its remote has drained for that long. */
  | 'drained'
  /** The relay lacks descriptors or memory. */
  | 'shortage'
  /** Cut when the grace period of the shutdown expired. */
  | 'shutdown'

/** The counter of each reason. */
export const REASON_COUNTS: Readonly<Record<EndReason, number>> = {
  done: COUNT.endedInOrder,
  'client-reset': COUNT.resetByClient,
  'remote-reset': COUNT.resetByRemote,
  'client-lost': COUNT.lost,
  'remote-lost': COUNT.lost,
  'client-tls-error': COUNT.lost,
  'remote-tls-error': COUNT.lost,
  'client-left': COUNT.resetByClient,
  'bad-greeting': COUNT.notServed,
  'proxy-header': COUNT.badProxyHeaders,
  'proxy-check': COUNT.proxyChecks,
  starttls: COUNT.badStarttls,
  rejected: COUNT.rejected,
  'listener-rule': COUNT.rejectedByListener,
  'route-rule': COUNT.rejectedByRoute,
  ...LIMIT_COUNTS,
  'mavis-denied': COUNT.mavisDenied,
  'mavis-not-found': COUNT.mavisNotFound,
  'mavis-not-member': COUNT.mavisNotMember,
  'mavis-error': COUNT.mavisErrors,
  'mavis-timeout': COUNT.mavisTimeouts,
  'mavis-no-identity': COUNT.mavisNoIdentity,
  'mavis-busy': COUNT.mavisBusy,
  'no-route': COUNT.notServed,
  'rejected-by-route': COUNT.notServed,
  'name-not-allowed': COUNT.notServed,
  'name-not-resolved': COUNT.notServed,
  'address-not-allowed': COUNT.notServed,
  'no-remote': COUNT.notServed,
  'dial-timeout': COUNT.notServed,
  'attempts-max': COUNT.attemptsMaxReached,
  'retry-budget': COUNT.retryBudgetSpent,
  'queue-timeout': COUNT.queueTimeouts,
  'queue-full': COUNT.queueFull,
  'idle-timeout': COUNT.timedOut,
  'half-close-timeout': COUNT.timedOut,
  'first-byte-timeout': COUNT.firstByteTimeouts,
  'max-lifetime': COUNT.lifetimesEnded,
  'min-rate': COUNT.tooSlow,
  recovery: COUNT.cutOnRecovery,
  'remote-down': COUNT.cutOnDown,
  shed: COUNT.shed,
  drained: COUNT.drained,
  shortage: COUNT.notServed,
  shutdown: COUNT.cutAtShutdown,
}

/** What bans count a session as that was rejected by something else than a limit. */
export const BAN_CAUSES_OF: Readonly<Partial<Record<EndReason, BanCause>>> = {
  rejected: 'rules',
  'listener-rule': 'rules',
  'route-rule': 'rules',
  starttls: 'handshake',
  'bad-greeting': 'handshake',
  'mavis-denied': 'authorization',
  'mavis-not-found': 'authorization',
  'mavis-not-member': 'authorization',
}

type SomeReasonCounts = Readonly<Partial<Record<EndReason, number>>>

/** The counter of its listener, for clients that got no service. */
export const LISTENER_REASON_COUNTS: SomeReasonCounts = {
  'bad-greeting': LISTENER_COUNT.notServed,
  'proxy-header': LISTENER_COUNT.notServed,
  starttls: LISTENER_COUNT.notServed,
  rejected: LISTENER_COUNT.rejected,
  'listener-rule': LISTENER_COUNT.rejected,
  'route-rule': LISTENER_COUNT.rejected,
  'no-route': LISTENER_COUNT.notServed,
  'rejected-by-route': LISTENER_COUNT.notServed,
  'name-not-allowed': LISTENER_COUNT.notServed,
  'name-not-resolved': LISTENER_COUNT.notServed,
  'address-not-allowed': LISTENER_COUNT.notServed,
  'no-remote': LISTENER_COUNT.notServed,
  'dial-timeout': LISTENER_COUNT.notServed,
  'attempts-max': LISTENER_COUNT.notServed,
  'retry-budget': LISTENER_COUNT.notServed,
  'queue-timeout': LISTENER_COUNT.notServed,
  'queue-full': LISTENER_COUNT.notServed,
  shortage: LISTENER_COUNT.notServed,
  'limit-connections': LISTENER_COUNT.limited,
  'limit-rate': LISTENER_COUNT.limited,
  'limit-timeout': LISTENER_COUNT.limited,
  banned: LISTENER_COUNT.limited,
  'mavis-denied': LISTENER_COUNT.denied,
  'mavis-not-found': LISTENER_COUNT.denied,
  'mavis-not-member': LISTENER_COUNT.denied,
  'mavis-error': LISTENER_COUNT.denied,
  'mavis-timeout': LISTENER_COUNT.denied,
  'mavis-no-identity': LISTENER_COUNT.denied,
  'mavis-busy': LISTENER_COUNT.denied,
}

/** The counter of its remote, where that ended the session out of order. */
export const REMOTE_REASON_COUNTS: SomeReasonCounts = {
  'remote-reset': REMOTE_COUNT.resets,
  'remote-lost': REMOTE_COUNT.lost,
  'remote-tls-error': REMOTE_COUNT.lost,
}
