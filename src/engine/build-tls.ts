/** Composes the TLS contexts of one generation. */
import { ERR } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Greeting, Origination, RelayTls, Terminating } from '../relay/relay-tls.js'
import { type ClientContext, openClientContext } from '../tls/client-context.js'
import { type TlsProblem, TlsProblems } from '../tls/options.js'
import { openServerContext, type ServerContext } from '../tls/server-context.js'
import { type TicketKey, TicketKeys } from '../tls/ticket-keys.js'
import { freeTrustStore, openTrustStore } from '../tls/trust-store.js'
import { clientOpening } from '../wire/starttls/client-opening.js'
import { handedOverWays } from './handed-over-tls.js'
import type { ListenerPlan, Plan } from './plan.js'
import {
  type ClientTlsSettings,
  clientTlsOptions,
  type ServerTlsSettings,
  serverTlsOptions,
  type TlsPlan,
} from './tls-settings.js'

/** TLS of one configuration on a reactor: the contexts of listeners and remotes with TLS. */
export class GenerationTls implements RelayTls {
  /**
   * By slot of the listener or, under a classic master, by `HandedOverSlot`. Undefined: clients without TLS.
   */
  readonly greetings: readonly (Greeting | undefined)[]
  /** By slot of the remote. Undefined: connections without TLS. */
  readonly remotes: readonly (Origination | undefined)[]
  /** Shared by all server contexts; empty until the live state has keys, and then no tickets are issued. */
  readonly #tickets = new TicketKeys()
  /** By the indexes of `plan.tls.servers`. */
  readonly #servers: readonly (ServerContext | undefined)[]
  /** By slot of the remote. */
  readonly #clients: readonly (ClientContext | undefined)[]
  /** Contexts and indexes of the certificates whose OCSP responses are fetched, by `stapleId`. */
  readonly #stapled = new Map<string, (readonly [context: ServerContext, index: number])[]>()

  /** `onKey`: a line of the key log. A context that cannot be created is logged; the head has checked it before. */
  constructor({ listeners, remotes, tls }: Plan, say: Say, onKey: (line: string) => void) {
    const onKeyLog = tls.keylogFile === undefined ? undefined : onKey
    this.#servers = tls.servers.map((server) => {
      const { context, problems } = openServerContext(serverTlsOptions(server, this.#tickets, onKeyLog))
      tell(problems, say)
      if (context !== undefined) this.#noteStapled(context, server)
      return context
    })
    const { clients, systemAuthorities } = tls
    const problems = new TlsProblems()
    const trust = systemAuthorities && openTrustStore(systemAuthorities, undefined, problems)
    // A context caches sessions to resume, which belong to one remote, so each remote has its own.
    this.#clients = remotes.map(({ tlsClient }) => {
      const client = tlsClient === undefined ? undefined : clients[tlsClient]
      if (client === undefined) return undefined
      const store = client.usesSystemAuthorities ? trust : undefined
      const { context, problems } = openClientContext(clientTlsOptions(client, onKeyLog), store)
      tell(problems, say)
      return context
    })
    // The contexts hold references of their own.
    if (trust !== undefined) freeTrustStore(trust)
    const isHandedOver = tls.handedOver.withKeys !== undefined
    this.greetings = isHandedOver ? this.#handedOverGreetings(tls) : this.#greetings(listeners, tls)
    this.remotes = remotes.map(({ starttls, tlsClient }, slot) => {
      if (tlsClient === undefined) return undefined
      const opening = starttls && clientOpening(starttls)
      return { ...origination(this.#clients[slot], clients[tlsClient]), opening }
    })
  }

  /** Session tickets are encrypted with the first key, and accepted with all of them. */
  setTicketKeys(keys: readonly TicketKey[]): void {
    this.#tickets.set(keys)
  }

  /** Sets the OCSP response of the certificates with this id; undefined: it has expired. */
  setStaple(id: string, staple: Uint8Array | undefined): void {
    for (const [context, index] of this.#stapled.get(id) ?? []) context.setStaple(index, staple)
  }

  /** Frees the contexts and overwrites the ticket keys. No channel may be left: its handshake would use them. */
  close(): void {
    for (const context of [...this.#servers, ...this.#clients]) context?.retire()
    this.#tickets.free()
  }

  #noteStapled(context: ServerContext, { certificates }: ServerTlsSettings): void {
    for (const [index, { stapleId }] of certificates.entries()) {
      if (stapleId === undefined) continue
      this.#stapled.set(stapleId, [...(this.#stapled.get(stapleId) ?? []), [context, index]])
    }
  }

  /** By the slots for clients of a classic master: the versions that both its message and the section enable. */
  #handedOverGreetings({ handedOver, servers }: TlsPlan): (Greeting | undefined)[] {
    return handedOverWays().map((way) => {
      const server = way?.hasKeys === true ? handedOver.withKeys : handedOver.withoutKeys
      const settings = server === undefined ? undefined : servers[server]
      if (way === undefined || server === undefined || settings === undefined) return undefined
      // Without `versions` in the section, all are enabled.
      const versions = way.versions.filter((version) => settings.versions?.includes(version) ?? true)
      if (versions.length === 0) return undefined
      const detectMs = way.isAuto ? handedOver.detectTimeoutMs : undefined
      return { ...termination(this.#servers[server], settings, detectMs), versions }
    })
  }

  #greetings(listeners: readonly ListenerPlan[], { servers }: TlsPlan): (Greeting | undefined)[] {
    return listeners.map(({ tls }) => {
      if (tls.mode === 'off') return undefined
      if (tls.mode === 'pass') {
        return { context: undefined, timeoutMs: tls.handshakeTimeoutMs, detectMs: tls.detectTimeoutMs }
      }
      const detectMs = tls.mode === 'auto' ? tls.detectTimeoutMs : undefined
      return termination(this.#servers[tls.server], servers[tls.server], detectMs)
    })
  }
}

/** Throws without a context. The head has opened the same one before, so memory is short. */
function termination(
  context: ServerContext | undefined,
  settings: ServerTlsSettings | undefined,
  detectMs: number | undefined,
): Terminating {
  if (context === undefined || settings === undefined) throw new Error('a listener has no TLS context')
  const { handshakeTimeoutMs, truncation } = settings
  return {
    context,
    timeoutMs: handshakeTimeoutMs,
    detectMs,
    versions: undefined,
    isTruncationReset: truncation === 'reset',
  }
}

/** The same for a remote. */
function origination(
  context: ClientContext | undefined,
  settings: ClientTlsSettings | undefined,
): Origination {
  if (context === undefined || settings === undefined) throw new Error('a remote has no TLS context')
  const { handshakeTimeoutMs, truncation } = settings
  return { context, timeoutMs: handshakeTimeoutMs, isTruncationReset: truncation === 'reset' }
}

/** Errors only: the head has logged the warnings of the same settings. */
function tell(problems: readonly TlsProblem[], say: Say): void {
  for (const { message, severity } of problems) if (severity === 'error') say(ERR, `TLS: ${message}`)
}
