import { ERR } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Greeting, Origination, RelayTls } from '../relay/relay-tls.js'
import { type ClientContext, openClientContext } from '../tls/client-context.js'
import { type TlsProblem, TlsProblems } from '../tls/options.js'
import { openServerContext, type ServerContext } from '../tls/server-context.js'
import { type TicketKey, TicketKeys } from '../tls/ticket-keys.js'
import { freeTrustStore, openTrustStore } from '../tls/trust-store.js'
import type { GenerationSettings } from './reactor-settings.js'
import {
  type ClientTlsSettings,
  clientTlsOptions,
  type ListenerTlsSettings,
  type ServerTlsSettings,
  serverTlsOptions,
} from './tls-settings.js'

/** Clients of a classic master say in their message what they speak; each kind has a listener slot of its own. */
export const HANDED_OVER_SLOTS = { plain: 0, tls: 1, auto: 2 } as const

/** How long a silent client of a classic master is waited for that may speak TLS. */
const HANDED_OVER_DETECT_MS = 3_000

const orForever = (ms: number) => (ms === 0 ? Number.POSITIVE_INFINITY : ms)

/** TLS of one configuration on a reactor: contexts for those listeners and remotes that speak it. */
export class GenerationTls implements RelayTls {
  readonly greetings: readonly (Greeting | undefined)[]
  readonly remotes: readonly (Origination | undefined)[]
  readonly #tickets = new TicketKeys()
  readonly #servers: readonly (ServerContext | undefined)[]
  readonly #clients: readonly (ClientContext | undefined)[]

  /** `onKey`: a line of the key log. What cannot be opened (the head has checked it) is told, and serves nobody. */
  constructor(settings: GenerationSettings, say: Say, onKey: (line: string) => void) {
    const { remotes, ticketKeys, tls } = settings
    const onKeyLog = tls.keylogFile === undefined ? undefined : onKey
    this.#tickets.set(ticketKeys)
    this.#servers = tls.servers.map((server) => {
      const { context, problems } = openServerContext(serverTlsOptions(server, this.#tickets, onKeyLog))
      tell(problems, say)
      return context
    })
    const { clients, systemAuthorities } = tls
    const problems = new TlsProblems()
    const trust = systemAuthorities && openTrustStore(systemAuthorities, undefined, problems)
    // Sessions to resume are a remote's own, so each has a context of its own.
    this.#clients = remotes.map(({ tlsClient }) => {
      const client = tlsClient === undefined ? undefined : clients[tlsClient]
      if (client === undefined) return undefined
      const store = client.usesSystemAuthorities ? trust : undefined
      const { context, problems } = openClientContext(clientTlsOptions(client, onKeyLog), store)
      tell(problems, say)
      return context
    })
    if (trust !== undefined) freeTrustStore(trust)
    this.greetings = this.#greetings(settings)
    this.remotes = remotes.map(({ tlsClient }, slot) => {
      return tlsClient === undefined ? undefined : origination(this.#clients[slot], clients[tlsClient])
    })
  }

  /** Keys that tickets are closed with (the first one) and opened with from now on. */
  setTicketKeys(keys: readonly TicketKey[]): void {
    this.#tickets.set(keys)
  }

  /** No more handshakes: the native memory goes with the last channel. */
  retire(): void {
    for (const context of [...this.#servers, ...this.#clients]) context?.retire()
  }

  #greetings({ tls }: GenerationSettings): (Greeting | undefined)[] {
    const { handedOver, listeners, servers } = tls
    const all: readonly ListenerTlsSettings[] =
      handedOver === undefined
        ? listeners
        : [
            { mode: 'off' },
            { mode: 'on', server: handedOver },
            { mode: 'auto', server: handedOver, detectTimeoutMs: HANDED_OVER_DETECT_MS },
          ]
    return all.map((listener) => {
      if (listener.mode === 'off') return undefined
      const detectMs = 'detectTimeoutMs' in listener ? orForever(listener.detectTimeoutMs) : undefined
      if (listener.mode === 'pass') return { context: undefined, detectMs: detectMs ?? 0 }
      return termination(this.#servers[listener.server], servers[listener.server], detectMs)
    })
  }
}

function termination(
  context: ServerContext | undefined,
  settings: ServerTlsSettings | undefined,
  detectMs: number | undefined,
): Greeting {
  if (context === undefined || settings === undefined) throw new Error('a listener has no TLS context')
  const { handshakeTimeoutMs, truncation } = settings
  return {
    context,
    timeoutMs: orForever(handshakeTimeoutMs),
    detectMs,
    isTruncationReset: truncation === 'reset',
  }
}

function origination(
  context: ClientContext | undefined,
  settings: ClientTlsSettings | undefined,
): Origination {
  if (context === undefined || settings === undefined) throw new Error('a remote has no TLS context')
  const { handshakeTimeoutMs, truncation } = settings
  return { context, timeoutMs: orForever(handshakeTimeoutMs), isTruncationReset: truncation === 'reset' }
}

function tell(problems: readonly TlsProblem[], say: Say): void {
  for (const { message, severity } of problems) if (severity === 'error') say(ERR, `TLS: ${message}`)
}
