/** The result of a handshake, for logs, access rules and headers. */
import { mapPrivate, type Region } from '../kernel/memory.js'
import * as c from '../kernel/openssl-constants.js'
import { copyOut } from '../kernel/openssl-memory.js'
import { sslCalls } from '../kernel/openssl-ssl.js'
import { x509Calls } from '../kernel/openssl-x509.js'
import { type CertificateFacts, certificateFacts } from './x509-facts.js'

export interface TlsFacts {
  readonly version: string
  readonly cipher: string
  /** The group of the key exchange; '' if there was none, or if OpenSSL cannot name it. */
  readonly group: string
  /** The server name that the client requested (SNI). */
  readonly serverName: string | undefined
  readonly alpn: string | undefined
  readonly isResumed: boolean
  readonly peer: CertificateFacts | undefined
  readonly pskIdentity: string | undefined
}

// As SSL_get_version(3) names them. Older versions are never enabled.
const VERSIONS: Readonly<Record<number, string>> = {
  [c.TLS1_2_VERSION]: 'TLSv1.2',
  [c.TLS1_3_VERSION]: 'TLSv1.3',
}

/** Two output arguments, address and length. Mapped once per thread. */
let scratch: Region | undefined

/** `pskIdentity`: the identity of a pre-shared key that was looked up or offered; it may not have been used. */
export function factsOf(ssl: bigint, isReady: boolean, pskIdentity: string | undefined): TlsFacts {
  const calls = sslCalls()
  const isReused = calls.sessionReused(ssl) === 1
  // TLS 1.3 treats a pre-shared key as a resumed session; contexts with keys resume no real sessions.
  const usedIdentity = calls.pskIdentity(ssl) ?? (isReused ? pskIdentity : undefined)
  const version = calls.version(ssl)
  const cipher = calls.currentCipher(ssl)
  return {
    version: VERSIONS[version] ?? `0x${version.toString(16)}`,
    cipher: cipher === 0 ? '' : (calls.cipherName(cipher) ?? ''),
    group: isReady ? groupOf(ssl) : '',
    serverName: calls.serverName(ssl, 0) ?? undefined,
    alpn: protocolOf(ssl),
    isResumed: isReused && usedIdentity === undefined,
    peer: peerOf(ssl),
    pskIdentity: usedIdentity,
  }
}

/** Only after a complete handshake: before, OpenSSL 3.0 may dereference a null session and crash. */
function groupOf(ssl: bigint): string {
  const calls = sslCalls()
  const id = calls.control(ssl, c.SSL_CTRL_GET_NEGOTIATED_GROUP, 0, 0)
  return id === 0 ? '' : (calls.groupName(ssl, id) ?? '')
}

/** SSL_get0_alpn_selected(3): the name is borrowed from the SSL object, so it is copied. */
function protocolOf(ssl: bigint): string | undefined {
  scratch ??= mapPrivate(16)
  sslCalls().alpnSelected(ssl, scratch.pointer, scratch.pointer + 8n)
  const view = new DataView(scratch.bytes.buffer, 0, 16)
  const [address, length] = [view.getBigUint64(0, true), view.getUint32(8, true)]
  return length === 0 ? undefined : new TextDecoder().decode(copyOut(address, length))
}

/** SSL_get1_peer_certificate(3): returns a reference, which is dropped here. */
function peerOf(ssl: bigint): CertificateFacts | undefined {
  const certificate = sslCalls().peerCertificate(ssl)
  if (certificate === 0) return undefined
  try {
    return certificateFacts(certificate)
  } finally {
    x509Calls().freeCertificate(certificate)
  }
}
