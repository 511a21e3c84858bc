/** TLS as a plan has it, and how the options of contexts are made of that. */
import type { ClientTlsOptions, ServerCertificateOptions, ServerTlsOptions } from '../tls/options.js'
import type { TicketKeys } from '../tls/ticket-keys.js'

/** The part of a plan that TLS connections have in common. The head alone reads the files: their contents are here. */
export interface TlsPlan {
  /** What clients are served with; listeners that say the same have the same entry, so that they share a context. */
  readonly servers: readonly ServerTlsSettings[]
  readonly handedOver: HandedOverSettings
  /** What remotes are connected to with; those that say the same have the same entry. */
  readonly clients: readonly ClientTlsSettings[]
  /** PEM bundle of the system, for the clients that want it. */
  readonly systemAuthorities: Uint8Array | undefined
  readonly keylogFile: string | undefined
}

/** For clients that a classic master hands over, and says of each how it is to speak TLS. */
export interface HandedOverSettings {
  /** Indexes among the servers: where the master says that a pre-shared key will do, and where not. */
  readonly withKeys: number | undefined
  readonly withoutKeys: number | undefined
  /** A client that may be plain, and is silent for so long, is. */
  readonly detectTimeoutMs: number
}

export interface ServerTlsSettings
  extends Omit<ServerTlsOptions, 'certificates' | 'id' | 'onKeyLog' | 'psk' | 'tickets'>,
    Manners {
  readonly certificates: readonly ServedCertificateSettings[]
  readonly psk: readonly (readonly [identity: string, key: Uint8Array])[] | undefined
}

export interface ServedCertificateSettings extends ServerCertificateOptions {
  /** Of the OCSP responses that the head fetches for it; undefined: it fetches none. */
  readonly stapleId: string | undefined
}

export interface ClientTlsSettings extends Omit<ClientTlsOptions, 'onKeyLog'>, Manners {
  /** The remote is verified against the bundle of the system. */
  readonly usesSystemAuthorities: boolean
}

/** What the relay does, and OpenSSL does not know of. */
interface Manners {
  readonly handshakeTimeoutMs: number
  /** What the other side sees of an end without close_notify. */
  readonly truncation: 'reset' | 'close'
}

export type ListenerTlsSettings =
  | { readonly mode: 'off' }
  /** Index among the servers. */
  | { readonly mode: 'on'; readonly server: number }
  /** The first bytes decide; a client that is silent for `detectTimeoutMs` is plain. */
  | { readonly mode: 'auto'; readonly server: number; readonly detectTimeoutMs: number }
  /** TLS is relayed as it is, and looked at. */
  | { readonly mode: 'pass'; readonly detectTimeoutMs: number; readonly handshakeTimeoutMs: number }

export const NO_TLS: TlsPlan = {
  servers: [],
  handedOver: { withKeys: undefined, withoutKeys: undefined, detectTimeoutMs: 0 },
  clients: [],
  systemAuthorities: undefined,
  keylogFile: undefined,
}

type OnKeyLog = ((line: string) => void) | undefined

/** What `openServerContext` takes. */
export function serverTlsOptions(
  { handshakeTimeoutMs: _handshakeTimeoutMs, psk, truncation: _truncation, ...options }: ServerTlsSettings,
  tickets?: TicketKeys,
  onKeyLog?: OnKeyLog,
): ServerTlsOptions {
  return { ...options, psk: psk && new Map(psk), tickets, onKeyLog }
}

/** What `openClientContext` takes; the store of the system's authorities is an argument of its own there. */
export function clientTlsOptions(settings: ClientTlsSettings, onKeyLog?: OnKeyLog): ClientTlsOptions {
  const {
    handshakeTimeoutMs: _handshakeTimeoutMs,
    truncation: _truncation,
    usesSystemAuthorities: _usesSystemAuthorities,
    ...options
  } = settings
  return { ...options, onKeyLog }
}
