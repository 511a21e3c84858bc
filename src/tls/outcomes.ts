/**
 * Outcomes of a TLS channel besides counts and negated errnos. They are below every errno, so a single number
 * suffices.
 */
import type { Outcome } from '../kernel/calls.js'

/** Call again when the socket is readable. */
export const WANT_READ: Outcome = -10_001
/** Call again when the socket is writable. */
export const WANT_WRITE: Outcome = -10_002
/**
 * Only records without data were read, and more may be buffered: call again in another turn; no event will follow.
 */
export const MORE: Outcome = -10_003
/** The peer sent close_notify: the data is complete. */
export const END: Outcome = -10_004
/** The peer's direction ended without close_notify: the data may be truncated. */
export const TRUNCATED: Outcome = -10_005
/** The peer violated the protocol or sent an alert, or OpenSSL failed; see the channel's `reason`. */
export const PROTOCOL_ERROR: Outcome = -10_006
