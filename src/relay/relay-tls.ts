import type { ClientContext } from '../tls/client-context.js'
import type { ServerContext } from '../tls/server-context.js'

/** What clients of a listener have to say before a remote is looked for. */
export interface Greeting {
  readonly context: ServerContext
  /** For all of it. */
  readonly timeoutMs: number
  /** Plain clients are welcome too: one that is silent for so long is one. Undefined: all have to speak TLS. */
  readonly silentMs: number | undefined
}

/** Who speaks TLS. */
export interface RelayTls {
  /** By listener slot; undefined for plain ones. */
  readonly greetings: readonly (Greeting | undefined)[]
  /** By remote slot; undefined for plain ones. */
  readonly remotes: readonly (ClientContext | undefined)[]
}

export const NO_TLS: RelayTls = { greetings: [], remotes: [] }
