/** The plain opening: what a server and its client exchange before TLS begins. One file beside this one for each protocol. */
import type { ByteString } from '../../../base/byte-string.js'

/** `tls`: the client has requested TLS; the handshake follows the reply. `leave`: the client ends the connection in order. */
export type Next = 'go-on' | 'tls' | 'refuse' | 'leave'

export interface Step {
  /** How many of the bytes were taken: all, unless TLS begins with them. */
  readonly taken: number
  /** Sent before TLS begins or the connection is closed; '' if there is none. */
  readonly reply: ByteString
  readonly next: Next
  /** Why the client is refused, for the log. */
  readonly why: string
}

export interface PlainOpening {
  /** What the server sends first; '' where the client speaks first. */
  readonly greeting: ByteString
  /** Parses the next bytes of the client, split anywhere. Not called again after a step other than `go-on`. */
  take(bytes: Uint8Array, byteCount: number): Step
}

/** Limit of the bytes of an opening; clients send a few hundred at most. */
export const OPENING_BYTES_MAX = 4096

export const WITHOUT_TLS = 'the client did not ask for TLS'
/** Possibly injected by an attacker, to be executed as if they had arrived inside TLS (CVE-2011-0411). */
export const BYTES_BEHIND = 'the client did not wait for the answer to its request for TLS'
export const TOO_LONG = `the client has sent more than ${OPENING_BYTES_MAX} bytes without asking for TLS`

/** Clients send two or three commands before they ask for TLS. It also limits the replies to one read. */
export const COMMANDS_MAX = 32
export const TOO_MANY = `the client has sent ${COMMANDS_MAX} commands without asking for TLS`

export function goOn(taken: number, reply: ByteString): Step {
  return { taken, reply, next: 'go-on', why: '' }
}

export function refuse(taken: number, reply: ByteString, why: string): Step {
  return { taken, reply, next: 'refuse', why }
}
