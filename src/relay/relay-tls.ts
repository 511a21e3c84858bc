/** TLS settings of the relay, with their OpenSSL contexts. */
import type { ClientContext } from '../tls/client-context.js'
import type { TlsVersion } from '../tls/options.js'
import type { ServerContext } from '../tls/server-context.js'
import type { ClientOpening } from '../wire/starttls/client-step.js'

/** How clients of a listener are greeted before a remote is chosen. */
export type Greeting = Terminating | Passing

/** TLS is terminated here. */
export interface Terminating {
  readonly context: ServerContext
  /** Time limit for the handshake. */
  readonly timeoutMs: number
  /** Plain clients are accepted too; a client silent for this long counts as plain. Undefined: TLS is required. */
  readonly detectMs: number | undefined
  /** TLS versions permitted, of those of the context; undefined: all of them. */
  readonly versions: readonly TlsVersion[] | undefined
  /** An end without close_notify counts as a reset, otherwise as a regular end. */
  readonly isTruncationReset: boolean
}

/** TLS is passed through: its ClientHello is only read, and all bytes are relayed unchanged. */
export interface Passing {
  readonly context: undefined
  /** Time limit for a ClientHello that has begun. */
  readonly timeoutMs: number
  /** A client silent for this long is connected: its server may speak first. */
  readonly detectMs: number
}

/** TLS to a remote. */
export interface Origination {
  readonly context: ClientContext
  /** Time limit for the handshake, which is part of the attempt. */
  readonly timeoutMs: number
  readonly isTruncationReset: boolean
  /** What is said in the plain before TLS begins (STARTTLS); undefined: nothing. */
  readonly opening?: ClientOpening | undefined
}

/** TLS of all listeners and remotes. */
export interface RelayTls {
  /** By listener slot; undefined for plain ones. */
  readonly greetings: readonly (Greeting | undefined)[]
  /** By remote slot; undefined for plain ones. */
  readonly remotes: readonly (Origination | undefined)[]
}

export const NO_TLS: RelayTls = { greetings: [], remotes: [] }
