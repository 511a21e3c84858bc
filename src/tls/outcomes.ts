import type { Outcome } from '../kernel/calls.js'

/** What a channel answers beside counts and negated errnos: below every errno, so that one number tells all. */

/** Nothing more until the socket is readable. */
export const WANT_READ: Outcome = -10_001
/** Nothing more until the socket is writable. */
export const WANT_WRITE: Outcome = -10_002
/** Records without content were read, and there may be more: go on in another turn, nobody will say so again. */
export const MORE: Outcome = -10_003
/** The peer has said close_notify: it sends no more, and what came is whole. */
export const END: Outcome = -10_004
/** The peer's side ended without close_notify: what came may be cut short. */
export const TRUNCATED: Outcome = -10_005
/** The peer broke the protocol or refused us, or OpenSSL failed; the channel's `reason` says how. */
export const PROTOCOL_ERROR: Outcome = -10_006
