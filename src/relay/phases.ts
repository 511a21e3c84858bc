import type { Refusal } from '../base/authorization.js'
import { COUNT, LISTENER_COUNT, REMOTE_COUNT } from '../observe/counters.js'

/** Where a session stands. A session that is `closed` is a free record of the pool. */
export type Phase = 'greeting' | 'asking' | 'dialling' | 'relaying' | 'draining' | 'closed'

/** Which step may follow which. */
export const MAY_BECOME: Readonly<Record<Phase, readonly Phase[]>> = {
  /** The client has to say something first: it speaks TLS. */
  greeting: ['asking', 'dialling', 'closed'],
  /** Others are asked whether the client may have a remote. */
  asking: ['dialling', 'closed'],
  /** The client is here, its remote is not. */
  dialling: ['relaying', 'closed'],
  /** Both directions are open. */
  relaying: ['draining', 'closed'],
  /** One direction has ended, or one side is broken and the other still gets what came before. */
  draining: ['closed'],
  closed: ['greeting', 'asking', 'dialling'],
}

/** Why a session ended; the words of the access log, explained in docs/operations.md. */
export type EndReason =
  /** Both directions ended in order. */
  | 'done'
  | 'client-reset'
  | 'remote-reset'
  /** The peer stopped answering: keepalive or retransmission gave up, or its network is gone. */
  | 'client-lost'
  | 'remote-lost'
  /** The peer broke TLS in the middle of the session. */
  | 'client-tls-error'
  | 'remote-tls-error'
  /** The client left before a remote answered. */
  | 'client-left'
  /** It did not speak TLS as it should, or not in time. */
  | 'bad-greeting'
  /** A classic master says that it begins with a PROXY header, which cannot be read here. */
  | 'proxy-header'
  /** It may not have a remote. */
  | `mavis-${Refusal}`
  /** Every remote refused, as often as `dial retries` allows. */
  | 'no-remote'
  | 'dial-timeout'
  | 'idle-timeout'
  | 'half-close-timeout'
  /** The relay itself is short of descriptors or memory. */
  | 'shortage'
  /** The program ends, and its grace period is over. */
  | 'shutdown'

/** The counter that each reason adds to. */
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
  'proxy-header': COUNT.notServed,
  'mavis-denied': COUNT.mavisDenied,
  'mavis-not-found': COUNT.mavisNotFound,
  'mavis-not-member': COUNT.mavisNotMember,
  'mavis-error': COUNT.mavisErrors,
  'mavis-timeout': COUNT.mavisTimeouts,
  'mavis-no-identity': COUNT.mavisNoIdentity,
  'mavis-busy': COUNT.mavisBusy,
  'no-remote': COUNT.notServed,
  'dial-timeout': COUNT.notServed,
  'idle-timeout': COUNT.timedOut,
  'half-close-timeout': COUNT.timedOut,
  shortage: COUNT.notServed,
  shutdown: COUNT.cutAtShutdown,
}

type SomeReasonCounts = Readonly<Partial<Record<EndReason, number>>>

/** The counter of its listener, for clients that got no service. */
export const LISTENER_REASON_COUNTS: SomeReasonCounts = {
  'bad-greeting': LISTENER_COUNT.notServed,
  'proxy-header': LISTENER_COUNT.notServed,
  'no-remote': LISTENER_COUNT.notServed,
  'dial-timeout': LISTENER_COUNT.notServed,
  shortage: LISTENER_COUNT.notServed,
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
