/** Authorization of clients: the question about a client and the verdict. */

/** What is authorized: the client's address, or the user in its certificate or pre-shared key. */
export type AskedAbout = 'host' | 'user'

/** The question about one client before it gets a remote: plain data that crosses threads. */
export interface Question {
  /** Identifies the question, unique in a reactor's life. */
  readonly token: number
  /** Slot of the cells of the generation that asks. */
  readonly childSlot: number
  /** The client's address without port: `192.0.2.1`, `2001:db8::1`; `unix:` for a Unix socket. */
  readonly client: string
  /** The local address that it connected to, without port. */
  readonly server: string
  /** `realm` of the listener; '' when it has none. */
  readonly realm: string
  /** The server name in the client's TLS handshake (SNI). */
  readonly serverName: string | undefined
  readonly identity: ClientIdentity | undefined
}

/** The client's identity, verified by TLS. Texts from a certificate may hold any characters but control characters. */
export type ClientIdentity =
  | {
      readonly kind: 'certificate'
      /** The common name, otherwise the first alternative name; '' without both. */
      readonly user: string
      /** `/C=DE/O=Example/CN=joe` */
      readonly subjectLine: string
      readonly issuer: string
      /** Authority key identifier in hexadecimal; '' when there is none. */
      readonly issuerKeyId: string
      /** In hexadecimal. */
      readonly serial: string
      /** `DNS:www.example.com`, … */
      readonly alternativeNames: readonly string[]
      readonly der: Uint8Array
    }
  | { readonly kind: 'psk'; readonly user: string }

/** Why a client is denied, in words for the log. */
export const REFUSALS = {
  /** A module answered NAK. */
  denied: 'denied by a module',
  /** No module knows it, and `mavis default` is `deny`. */
  'not-found': 'unknown to all modules',
  /** It is in none of the groups of `mavis require member`. */
  'not-member': 'not a member of a required group',
  /** A module failed, or its answer is invalid. */
  error: 'a module failed',
  timeout: 'no answer in time',
  /** It has presented neither a certificate nor a pre-shared key. */
  'no-identity': 'no client certificate or pre-shared key',
  /** The limit of open queries is reached. */
  busy: 'too many open queries',
} as const

export type Refusal = keyof typeof REFUSALS

/** The answer to a question. `comment`: the module's reason for people; may hold any characters. */
export type Verdict =
  | { readonly isPermitted: true }
  | { readonly isPermitted: false; readonly refusal: Refusal; readonly comment: string }
