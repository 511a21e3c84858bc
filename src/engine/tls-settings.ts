/** TLS settings of a plan, and their conversion to options of contexts. */
import type { ClientTlsOptions, ServerCertificateOptions, ServerTlsOptions } from '../tls/options.js'
import type { TicketKeys } from '../tls/ticket-keys.js'

/** The TLS part of a plan. It has the contents of files, because only the head reads them. */
export interface TlsPlan {
  /** For listeners; equal settings are one entry, so that listeners share a context. */
  readonly servers: readonly ServerTlsSettings[]
  readonly handedOver: HandedOverSettings
  /** For remotes; equal settings are one entry. */
  readonly clients: readonly ClientTlsSettings[]
  /** PEM bundle of the system, for entries with `usesSystemAuthorities`. */
  readonly systemAuthorities: Uint8Array | undefined
  /** Path of the key log; undefined: none. The control thread writes it. */
  readonly keylogFile: string | undefined
}

/** For clients of a classic master, whose messages have TLS parameters (`handed-over-tls.ts`). */
export interface HandedOverSettings {
  /** Indexes among the servers, for clients that may and may not use a pre-shared key. */
  readonly withKeys: number | undefined
  readonly withoutKeys: number | undefined
  /** A client that may be plain and sends nothing for this long counts as plain. */
  readonly detectTimeoutMs: number
}

export interface ServerTlsSettings
  extends Omit<ServerTlsOptions, 'certificates' | 'id' | 'onKeyLog' | 'psk' | 'tickets'>,
    Manners {
  readonly certificates: readonly ServedCertificateSettings[]
  readonly psk: readonly (readonly [identity: string, key: Uint8Array])[] | undefined
}

export interface ServedCertificateSettings extends ServerCertificateOptions {
  /** Id of the OCSP response that the head fetches; undefined: none is fetched. */
  readonly stapleId: string | undefined
}

export interface ClientTlsSettings extends Omit<ClientTlsOptions, 'onKeyLog'>, Manners {
  /** The remote is verified against the bundle of the system. */
  readonly usesSystemAuthorities: boolean
}

/** Settings that the relay applies, not OpenSSL. */
interface Manners {
  readonly handshakeTimeoutMs: number
  /** How an end without close_notify is forwarded to the other side. */
  readonly truncation: 'reset' | 'close'
}

export type ListenerTlsSettings =
  | { readonly mode: 'off' }
  /** Index among the servers. */
  | { readonly mode: 'on'; readonly server: number }
  /** The first bytes decide; a client that is silent for `detectTimeoutMs` is plain. */
  | { readonly mode: 'auto'; readonly server: number; readonly detectTimeoutMs: number }
  /** TLS is relayed without termination; the ClientHello is peeked at. */
  | { readonly mode: 'pass'; readonly detectTimeoutMs: number; readonly handshakeTimeoutMs: number }

export const NO_TLS: TlsPlan = {
  servers: [],
  handedOver: { withKeys: undefined, withoutKeys: undefined, detectTimeoutMs: 0 },
  clients: [],
  systemAuthorities: undefined,
  keylogFile: undefined,
}

type OnKeyLog = ((line: string) => void) | undefined

/** Arguments of `openServerContext`. */
export function serverTlsOptions(
  { handshakeTimeoutMs: _handshakeTimeoutMs, psk, truncation: _truncation, ...options }: ServerTlsSettings,
  tickets?: TicketKeys,
  onKeyLog?: OnKeyLog,
): ServerTlsOptions {
  return { ...options, psk: psk && new Map(psk), tickets, onKeyLog }
}

/** Arguments of `openClientContext`, which gets the trust store of the system separately. */
export function clientTlsOptions(settings: ClientTlsSettings, onKeyLog?: OnKeyLog): ClientTlsOptions {
  const {
    handshakeTimeoutMs: _handshakeTimeoutMs,
    truncation: _truncation,
    usesSystemAuthorities: _usesSystemAuthorities,
    ...options
  } = settings
  return { ...options, onKeyLog }
}
