/** TLS of a health check: what a configuration says, in the words of Node's `node:tls`. */
import type { SecureContextOptions } from 'node:tls'

export interface ProbeTls {
  /** Equal settings have the same id. */
  readonly id: string
  /** Shared by the checks that differ only in the name. */
  readonly context: SecureContextOptions
  /** Sent (SNI), unless it is an IP address, and matched with the certificate. */
  readonly serverName: string | undefined
  readonly alpn: readonly string[] | undefined
  /** Whether the certificate of the remote is verified. */
  readonly verifies: boolean
  /** A pre-shared key that is offered. */
  readonly psk: { readonly identity: string; readonly key: Uint8Array } | undefined
  /** TLS does not begin with the connection: the client asks for it in the protocol of the check. */
  readonly startsInProtocol: boolean
}
