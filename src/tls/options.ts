/** The options of TLS contexts, and the problems found in them. */
import type { TicketKeys } from './ticket-keys.js'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** The option that a problem is about, which the configuration maps to a file and line. */
export type TlsPart =
  | 'certificate'
  | 'key'
  | 'passphrase'
  | 'server-name'
  | 'authorities'
  | 'revocations'
  | 'versions'
  | 'ciphers'
  | 'ciphersuites'
  | 'groups'
  | 'alpn'
  | 'psk'

/** An error or a warning about TLS options. With an error there is no context. */
export interface TlsProblem {
  readonly severity: 'error' | 'warning'
  readonly part: TlsPart
  /** Index of the certificate, from 0; undefined if it is not about one of several. */
  readonly index: number | undefined
  /** Begins in lower case and ends without a full stop; OpenSSL's reason follows a colon. */
  readonly message: string
}

export interface CertificateOptions {
  /** PEM: the certificate, its chain up to the authority, and optionally the key; or a single certificate as DER. */
  readonly chain: Uint8Array
  /** PEM or DER, PKCS#8 or a traditional format, encrypted or not. Without it the key is in `chain`. */
  readonly key?: Uint8Array | undefined
  readonly passphrase?: string | undefined
}

export interface ServerCertificateOptions extends CertificateOptions {
  /** Server names that it is used for: `www.example.com`, `*.example.com`. @default the names in the certificate */
  readonly serverNames?: readonly string[] | undefined
  /** An OCSP response as DER, stapled for clients that request it. */
  readonly staple?: Uint8Array | undefined
}

/** Options of servers and clients. */
export interface CommonTlsOptions {
  /** The enabled versions. @default both */
  readonly versions?: readonly TlsVersion[] | undefined
  /** For TLS 1.2, as openssl-ciphers(1) describes. */
  readonly ciphers?: string | undefined
  /** For TLS 1.3: names separated by colons. @default OpenSSL's */
  readonly ciphersuites?: string | undefined
  /** Key exchange: names separated by colons. @default OpenSSL's */
  readonly groups?: string | undefined
  /** Application protocols, the preferred one first. @default none */
  readonly alpn?: readonly string[] | undefined
  /** Receives the lines of a key log (NSS format). They allow decryption of all traffic. */
  readonly onKeyLog?: ((line: string) => void) | undefined
}

export interface ClientCertificateOptions {
  /** `request`: the certificate is optional, but if the client sends one it must be valid. */
  readonly verify: 'request' | 'require'
  /** PEM bundle of the authorities whose clients are accepted; their names are sent to the client. */
  readonly authorities: Uint8Array
  /** Maximum number of intermediate certificates. @default 100, as OpenSSL */
  readonly depth?: number | undefined
  /** PEM or DER. If given, every authority of a chain needs an unexpired list. */
  readonly revocations?: Uint8Array | undefined
}

export interface ServerTlsOptions extends CommonTlsOptions {
  /** The first one is the default for clients without SNI or with an unknown name. May be empty with `psk`. */
  readonly certificates: readonly ServerCertificateOptions[]
  readonly clientCertificates?: ClientCertificateOptions | undefined
  /** Rejects clients with a server name that no certificate is for. @default false */
  readonly refusesUnknownNames?: boolean | undefined
  /** Keys of session tickets. Without them sessions are not resumed. */
  readonly tickets?: TicketKeys | undefined
  /** Sessions are only resumed by contexts with the same id, certificates and client authorities. @default '' */
  readonly id?: string | undefined
  /** Pre-shared keys by identity, 1 to 256 bytes each. */
  readonly psk?: ReadonlyMap<string, Uint8Array> | undefined
}

export interface PskOptions {
  readonly identity: string
  /** 1 to 256 bytes. */
  readonly key: Uint8Array
}

export interface ClientTlsOptions extends CommonTlsOptions {
  /** Sent as SNI and matched with the certificate; an IP address is matched but not sent. */
  readonly serverName?: string | undefined
  /** Whether to verify the remote's certificate. @default true */
  readonly verify?: boolean | undefined
  /** PEM bundle: the system's, or the remote's own. Required to verify. */
  readonly authorities?: Uint8Array | undefined
  readonly depth?: number | undefined
  readonly revocations?: Uint8Array | undefined
  /** The client certificate, sent to remotes that request one. */
  readonly certificate?: CertificateOptions | undefined
  /**
   * Authenticates the remote by this key. A certificate is then only accepted if `authorities` are given, regardless
   * of `verify`.
   */
  readonly psk?: PskOptions | undefined
}

export const ALL_VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3']

/** Collects problems. */
export class TlsProblems {
  readonly list: TlsProblem[] = []

  get hasErrors(): boolean {
    return this.list.some(({ severity }) => severity === 'error')
  }

  error(part: TlsPart, message: string, index?: number): void {
    this.list.push({ severity: 'error', part, index, message })
  }

  warning(part: TlsPart, message: string, index?: number): void {
    this.list.push({ severity: 'warning', part, index, message })
  }
}
