import { mapPrivate, type Region } from '../kernel/memory.js'
import * as c from '../kernel/openssl-constants.js'
import { copyOut } from '../kernel/openssl-memory.js'
import { sslCalls } from '../kernel/openssl-ssl.js'
import { x509Calls } from '../kernel/openssl-x509.js'
import { type CertificateFacts, certificateFacts } from './x509-facts.js'

/** What a handshake has led to. */
export interface TlsFacts {
  readonly version: string
  readonly cipher: string
  /** Of the key exchange; '' where there was none, or an old OpenSSL does not name it. */
  readonly group: string
  /** Whom the client asked for. */
  readonly serverName: string | undefined
  readonly alpn: string | undefined
  readonly isResumed: boolean
  readonly peer: CertificateFacts | undefined
  readonly pskIdentity: string | undefined
}

const VERSIONS: Readonly<Record<number, string>> = {
  [c.TLS1_2_VERSION]: 'TLSv1.2',
  [c.TLS1_3_VERSION]: 'TLSv1.3',
}

let scratch: Region | undefined

/** `pskIdentity`: of a key that was looked up or offered; whether it came to be used shows here. */
export function factsOf(ssl: bigint, isReady: boolean, pskIdentity: string | undefined): TlsFacts {
  const calls = sslCalls()
  const isReused = calls.sessionReused(ssl) === 1
  // With TLS 1.3 a key is used as if it were a session; contexts with keys resume no others.
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

/** Only of a complete handshake: before, OpenSSL 3.0 may look into a session that is not there, and crash. */
function groupOf(ssl: bigint): string {
  const calls = sslCalls()
  const id = calls.control(ssl, c.SSL_CTRL_GET_NEGOTIATED_GROUP, 0, 0)
  return id === 0 ? '' : (calls.groupName(ssl, id) ?? '')
}

function protocolOf(ssl: bigint): string | undefined {
  scratch ??= mapPrivate(16)
  sslCalls().alpnSelected(ssl, scratch.pointer, scratch.pointer + 8n)
  const view = new DataView(scratch.bytes.buffer, 0, 16)
  const [address, length] = [view.getBigUint64(0, true), view.getUint32(8, true)]
  return length === 0 ? undefined : new TextDecoder().decode(copyOut(address, length))
}

function peerOf(ssl: bigint): CertificateFacts | undefined {
  const certificate = sslCalls().peerCertificate(ssl)
  if (certificate === 0) return undefined
  try {
    return certificateFacts(certificate)
  } finally {
    x509Calls().freeCertificate(certificate)
  }
}
