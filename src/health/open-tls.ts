/** TLS handshakes of health checks, on Node's own TLS. Loaded with the first check over TLS. */
import { isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls'
import { certificateName } from './certificate-text.js'
import { ProbeFailure } from './probe-failure.js'
import type { ProbeTls } from './probe-tls.js'
import { quoted } from './quoted.js'

/** A bundle of authorities is parsed once, not at every check. */
const CONTEXTS = new WeakMap<SecureContextOptions, SecureContext>()

/** Why Node does not accept these settings; undefined: it does. */
export function tlsProblem({ context }: ProbeTls): string | undefined {
  try {
    contextOf(context)
    return undefined
  } catch (error) {
    return reasonOf(error as TlsError)
  }
}

/** Shakes hands on a connected socket, and verifies the certificate. Rejects with a `ProbeFailure`. */
export function openTls(socket: Socket, tls: ProbeTls): Promise<TLSSocket> {
  const { alpn, psk, serverName = '' } = tls
  return new Promise((resolve, reject) => {
    const secure = connect({
      socket,
      secureContext: contextOf(tls.context),
      // Verified below, where the certificate is known and can be named in the failure.
      rejectUnauthorized: false,
      checkServerIdentity: (host, certificate) => identityProblem(host, certificate, psk !== undefined),
      host: serverName,
      // An IP address is matched but never sent (RFC 6066, 3).
      servername: isIP(serverName) === 0 ? serverName : '',
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
      ...(psk === undefined ? {} : { pskCallback: () => ({ identity: psk.identity, psk: psk.key }) }),
    })
    const onError = (error: TlsError) => reject(new ProbeFailure(failureOf(error)))
    secure.once('error', onError)
    secure.once('secureConnect', () => {
      secure.off('error', onError)
      const problem = tls.verifies ? verificationProblem(secure, serverName) : undefined
      if (problem === undefined) {
        resolve(secure)
        return
      }
      secure.on('error', () => {})
      // The last message of the handshake leaves: otherwise many servers log a broken handshake.
      secure.end(() => reject(new ProbeFailure(problem)))
    })
  })
}

/** OpenSSL's reason, without the place in its source. */
type TlsError = NodeJS.ErrnoException & { readonly reason?: string }

function contextOf(options: SecureContextOptions): SecureContext {
  const known = CONTEXTS.get(options) ?? createSecureContext(options)
  CONTEXTS.set(options, known)
  return known
}

/** With a pre-shared key there is no certificate, and the key is the proof of identity. */
function identityProblem(host: string, certificate: PeerCertificate, hasPsk: boolean): Error | undefined {
  return hasPsk && Object.keys(certificate ?? {}).length === 0
    ? undefined
    : checkServerIdentity(host, certificate)
}

function failureOf(error: TlsError): string {
  // Node's own text for an end of the connection is the same code as a reset.
  if (error.code === 'ECONNRESET' && error.errno === undefined)
    return 'it closed the connection during the TLS handshake'
  return `TLS handshake failed: ${reasonOf(error)}`
}

function reasonOf({ message, reason }: TlsError): string {
  return reason ?? message
}

const UNTRUSTED: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its CA is not among the trusted ones',
  UNABLE_TO_GET_ISSUER_CERT: 'its issuer is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its issuer is not known',
}

function verificationProblem(secure: TLSSocket, serverName: string): string | undefined {
  if (secure.authorized) return undefined
  // Node gives the code of the error, although its type says that it is one.
  const code = String(secure.authorizationError)
  const certificate = secure.getPeerCertificate()
  const name = certificateName(certificate)
  const day = (time: string) => new Date(time).toISOString().slice(0, 10)
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return `its certificate has expired, or one of its chain (${name}, ${day(certificate.valid_to)})`
    case 'CERT_NOT_YET_VALID':
      return `its certificate is not valid yet (${name}, from ${day(certificate.valid_from)})`
    case 'CERT_REVOKED':
      return `its certificate is revoked (${name})`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `its certificate is not for ${quoted(serverName)} (${name})`
    default: {
      const why = UNTRUSTED[code] ?? code.toLowerCase().replaceAll('_', ' ')
      return `its certificate is not trusted: ${why} (${name})`
    }
  }
}
