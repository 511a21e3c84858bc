/** Who is asked about: the address of a client, or whom its certificate or pre-shared key names. */
export type AskedAbout = 'host' | 'user'

/** What is asked about one client before it gets a remote; plain data that crosses threads. */
export interface Question {
  /** Names the question among those of a reactor, for its whole life. */
  readonly token: number
  /** Whose rows of the cells are of the generation that asks. */
  readonly childSlot: number
  /** The client's address without its port: `192.0.2.1`, `2001:db8::1`; `unix:` of a Unix socket. */
  readonly client: string
  /** The address that it has connected to, without the port. */
  readonly server: string
  /** Of the listener; '' when it has none. */
  readonly realm: string
  /** The name that the client has asked for (SNI). */
  readonly serverName: string | undefined
  readonly identity: ClientIdentity | undefined
}

/** Who the client is, as TLS has made sure. Texts come from a certificate: any characters but control characters. */
export type ClientIdentity =
  | {
      readonly kind: 'certificate'
      /** The common name, else the first alternative name; '' when there is neither. */
      readonly user: string
      /** `/C=DE/O=Example/CN=joe` */
      readonly subjectLine: string
      readonly issuer: string
      /** Of the key that it was signed with, in hexadecimal; '' when it does not say. */
      readonly issuerKeyId: string
      /** In hexadecimal. */
      readonly serial: string
      /** `DNS:www.example.com`, … */
      readonly alternativeNames: readonly string[]
      readonly der: Uint8Array
    }
  | { readonly kind: 'psk'; readonly user: string }

/** Why a client is not let in. */
export const REFUSALS = {
  /** A module says no. */
  denied: 'a module refuses it',
  /** Nobody knows it, and `mavis default` is `deny`. */
  'not-found': 'no module knows it',
  /** It is in none of the groups of `mavis require member`. */
  'not-member': 'it is in none of the groups',
  /** A module fails, or its answer is not to be believed. */
  error: 'a module fails',
  timeout: 'no answer in time',
  /** It has shown no certificate and no key. */
  'no-identity': 'it has no certificate',
  /** Too many questions are open. */
  busy: 'too many questions are open',
} as const

export type Refusal = keyof typeof REFUSALS

/** The answer to a question. `comment`: what the module says of it, for people; any characters. */
export type Verdict =
  | { readonly isPermitted: true }
  | { readonly isPermitted: false; readonly refusal: Refusal; readonly comment: string }
