/** What routes can be chosen by: the facts of one client. */

/** No listener of this plan: the client comes from a classic master. */
export const NO_LISTENER = -1

/**
 * The router reads one client's facts during one call and keeps nothing. Methods may be called once per route, also
 * those that `needsOf` does not ask for: they must return a value that is at hand, and '' or undefined without one.
 */
export interface RouteFacts {
  /** The slot of the listener, or NO_LISTENER. */
  readonly listenerSlot: number
  /** 0 for Unix sockets. */
  readonly localPort: number
  /** `realm` of the listener; '' when it has none. */
  readonly realm: string
  /**
   * The client's IP address as `AccessList` takes it: 4 or 16 bytes from `addressAt` on; `addressByteCount` is 0 for
   * clients of Unix sockets.
   */
  readonly address: Uint8Array
  readonly addressAt: number
  readonly addressByteCount: number
  /** 32 bits, signed or unsigned; equal for equal addresses. */
  addressHash(): number
  /** The server name that the client requested (SNI), as `clientServerName` returns it; '' when there is none. */
  serverName(): string
  /**
   * Application protocols that the client offers, the preferred one first; the negotiated one where TLS is
   * terminated. Only the first ALPN_COUNT_MAX are considered.
   */
  alpn(): readonly string[]
  /** The `RouteProtocol` that was detected, `any` for none of the others; '' when nothing was or could be detected. */
  protocol(): string
  /** The negotiated version, or the newest one that the client offers where TLS is passed: `TLSv1.3`; '' without TLS. */
  tlsVersion(): string
  /** Undefined unless the client presented a certificate that was verified. */
  certificate(): RouteCertificate | undefined
  /** The user of the certificate or the pre-shared key; '' when there is none. */
  user(): string
}

/** More than any real client offers; a ClientHello has room for 40,000. */
export const ALPN_COUNT_MAX = 32

/** The texts of a client's certificate, in the form of `CertificateFacts`. */
export interface RouteCertificate {
  /** RFC 2253, most specific part first: `CN=joe,O=Example`. */
  readonly subject: string
  readonly issuer: string
  /** `DNS:www.example.com`, `IP:10.0.0.1`, `email:joe@example.com`, `URI:…` */
  readonly alternativeNames: readonly string[]
  /** SHA-256 of the DER encoding, as 64 lower-case hexadecimal digits. */
  fingerprint(): string
}
