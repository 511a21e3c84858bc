import type { ClientContext } from '../tls/client-context.js'
import type { TlsVersion } from '../tls/options.js'
import type { ServerContext } from '../tls/server-context.js'

/** What clients of a listener have to say before a remote is looked for. */
export type Greeting = Terminating | Passing

/** TLS ends here. */
export interface Terminating {
  readonly context: ServerContext
  /** For all of it. */
  readonly timeoutMs: number
  /** Plain clients are welcome too: one that is silent for so long is one. Undefined: all have to speak TLS. */
  readonly detectMs: number | undefined
  /** Of those that the context speaks; undefined: all. */
  readonly versions: readonly TlsVersion[] | undefined
  /** A client that leaves without a word has cut the transfer. Otherwise: it has ended it. */
  readonly isTruncationReset: boolean
}

/** TLS is read, not opened: what its first message says is noted, and whatever comes is relayed as it is. */
export interface Passing {
  readonly context: undefined
  /** For the first message, once it has begun. */
  readonly timeoutMs: number
  /** A client that says nothing for so long waits for the server to speak. */
  readonly detectMs: number
}

/** How a remote is spoken to. */
export interface Origination {
  readonly context: ClientContext
  /** For the handshake, which is part of the attempt. */
  readonly timeoutMs: number
  readonly isTruncationReset: boolean
}

/** Who speaks TLS. */
export interface RelayTls {
  /** By listener slot; undefined for plain ones. */
  readonly greetings: readonly (Greeting | undefined)[]
  /** By remote slot; undefined for plain ones. */
  readonly remotes: readonly (Origination | undefined)[]
}

export const NO_TLS: RelayTls = { greetings: [], remotes: [] }
