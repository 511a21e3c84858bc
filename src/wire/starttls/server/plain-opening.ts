/** What is spoken with a client in plain, as its server would, until it asks for TLS. Each protocol has its file beside this one. */
import type { ByteString } from '../../../base/byte-string.js'

/** `tls`: the client has asked for TLS, and has to wait for the reply. `leave`: it closes in order. */
export type Next = 'go-on' | 'tls' | 'refuse' | 'leave'

export interface Step {
  /** How many of the bytes were taken: all, unless TLS begins with them. */
  readonly taken: number
  /** Has to be sent before anything else happens; '' if there is nothing to say. */
  readonly reply: ByteString
  readonly next: Next
  /** Why the client is refused, for the log. */
  readonly why: string
}

export interface PlainOpening {
  /** What the server sends first; '' where the client speaks first. */
  readonly greeting: ByteString
  /** Takes the first bytes of `bytes`, any part of what the client sends. Not to be called after a step that does not go on. */
  take(bytes: Uint8Array, byteCount: number): Step
}

/** Enough for the longest opening of clients; what is more is no opening. */
export const OPENING_BYTES_MAX = 4096

export const WITHOUT_TLS = 'the client did not ask for TLS'
/** An attacker between client and relay may have put them there, to be taken as if they had come in TLS (CVE-2011-0411). */
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
