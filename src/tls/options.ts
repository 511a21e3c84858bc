import type { TicketKeys } from './ticket-keys.js'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** What a finding is about, so that the configuration can say in which file and line it stands. */
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

/** A finding about the options of TLS. With an error there is no context. */
export interface TlsProblem {
  readonly severity: 'error' | 'warning'
  readonly part: TlsPart
  /** Which one of the certificates, from 0; undefined where it is not about one of several. */
  readonly index: number | undefined
  /** Begins in lower case and ends without a full stop; OpenSSL's reason is behind a colon. */
  readonly message: string
}

export interface CertificateOptions {
  /** PEM: the certificate and the chain up to the authority, and perhaps the key; or one certificate as DER. */
  readonly chain: Uint8Array
  /** PEM or DER, PKCS#8 or one of the older forms, encrypted or not. Without it the key is in `chain`. */
  readonly key?: Uint8Array | undefined
  readonly passphrase?: string | undefined
}

export interface ServerCertificateOptions extends CertificateOptions {
  /** For whom it is used: `www.example.com`, `*.example.com`. @default the names in the certificate */
  readonly serverNames?: readonly string[] | undefined
  /** An OCSP response as DER, given to clients that ask. */
  readonly staple?: Uint8Array | undefined
}

/** What servers and clients have in common. */
export interface CommonTlsOptions {
  /** The versions that are spoken, and no others. @default both */
  readonly versions?: readonly TlsVersion[] | undefined
  /** For TLS 1.2, as openssl-ciphers(1) describes. */
  readonly ciphers?: string | undefined
  /** For TLS 1.3: names with colons between them. @default OpenSSL's */
  readonly ciphersuites?: string | undefined
  /** Key exchange: names with colons between them. @default OpenSSL's */
  readonly groups?: string | undefined
  /** Application protocols, the preferred one first. @default none */
  readonly alpn?: readonly string[] | undefined
  /** Gets the lines of a key log (NSS format), with which everything can be decrypted. */
  readonly onKeyLog?: ((line: string) => void) | undefined
}

export interface ClientCertificateOptions {
  /** `request`: a client may come without a certificate, but one that it shows must be good. */
  readonly verify: 'request' | 'require'
  /** PEM bundle of the authorities whose clients are welcome; their names are sent to the client. */
  readonly authorities: Uint8Array
  /** Certificates between the client's and the authority's. @default 100, as OpenSSL */
  readonly depth?: number | undefined
  /** PEM or DER. With it every authority of a chain needs a list that has not expired. */
  readonly revocations?: Uint8Array | undefined
}

export interface ServerTlsOptions extends CommonTlsOptions {
  /** The first one serves clients that name nobody, or somebody unknown. May be empty with `psk`. */
  readonly certificates: readonly ServerCertificateOptions[]
  readonly clientCertificates?: ClientCertificateOptions | undefined
  /** A client that names somebody whom none of the certificates is for is refused. @default false */
  readonly refusesUnknownNames?: boolean | undefined
  /** Keys of session tickets. Without them no session is resumed. */
  readonly tickets?: TicketKeys | undefined
  /** Sessions are resumed only by a context with the same id, certificates and client authorities. @default '' */
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
  /** Sent as SNI and looked for in the certificate; an address is looked for as such and not sent. */
  readonly serverName?: string | undefined
  /** Whether the remote has to prove who it is. @default true */
  readonly verify?: boolean | undefined
  /** PEM bundle: the system's, or the remote's own. Needed to verify. */
  readonly authorities?: Uint8Array | undefined
  readonly depth?: number | undefined
  readonly revocations?: Uint8Array | undefined
  /** Shown to remotes that ask. */
  readonly certificate?: CertificateOptions | undefined
  /**
   * The remote proves by this key who it is, and by a certificate only if `authorities` are its own: whatever
   * `verify` says.
   */
  readonly psk?: PskOptions | undefined
}

export const ALL_VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3']

/** Collects findings; `hasErrors` says whether any of them rules the context out. */
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
