/** Maps problems that OpenSSL reports to the directives that cause them. */
import type { Position } from '../../base/problem.js'
import { shown } from '../../config/expectation.js'
import type { Located } from '../../config/located.js'
import type { RemoteSettings } from '../../config/table-tcprelay.js'
import type { TlsService } from '../../config/tls-service.js'
import type { TlsPart, TlsProblem } from '../../tls/options.js'

/** The directive that a problem belongs to. */
export interface Place {
  readonly position: Position
  /** The file that the directive names. */
  readonly file: string | undefined
}

/** Finds the directive of a problem. */
export type PlaceOf = (problem: Pick<TlsProblem, 'index' | 'part'>) => Place

type Certificate = Pick<RemoteSettings, 'certFile' | 'keyFile' | 'passphrase' | 'passphraseFile'> & {
  readonly serverNames?: Located<unknown> | undefined
}

type Parts = Partial<Record<TlsPart, Place | undefined>>

/** For a listener, or for the section that serves clients from a classic master. */
export function servicePlaces(service: TlsService): PlaceOf {
  const parts: Parts = {
    authorities: fileAt(service.clientCaFile),
    revocations: fileAt(service.crlFile),
    psk: fileAt(service.pskFile),
    ...wordParts(service),
  }
  return ({ index, part }) => {
    // The index counts the certificates of the service, in the order of the directives.
    const certificate = index === undefined ? undefined : service.certificates[index]
    return (
      parts[part] ?? certificateParts(certificate)[part] ?? { position: service.position, file: undefined }
    )
  }
}

/** For a remote, which has one certificate at most. */
export function remotePlaces(remote: RemoteSettings): PlaceOf {
  const parts: Parts = {
    ...certificateParts(remote),
    'server-name': wordAt(remote.serverName),
    authorities: fileAt(remote.caFile),
    revocations: fileAt(remote.crlFile),
    psk: fileAt(remote.pskFile),
    ...wordParts(remote),
  }
  return ({ part }) => parts[part] ?? { position: remote.position, file: undefined }
}

/** The message: file and problem. */
export function describeFinding({ message }: TlsProblem, { file }: Place): string {
  return file === undefined ? message : `${shown(file)}: ${message}`
}

function wordParts(given: Pick<RemoteSettings, 'alpn' | 'ciphers' | 'ciphersuites' | 'groups'>): Parts {
  const { alpn, ciphers, ciphersuites, groups } = given
  return {
    alpn: wordAt(alpn),
    ciphers: wordAt(ciphers),
    ciphersuites: wordAt(ciphersuites),
    groups: wordAt(groups),
  }
}

function certificateParts(certificate: Certificate | undefined): Parts {
  if (certificate === undefined) return {}
  const { certFile, keyFile = certFile, passphrase, passphraseFile, serverNames } = certificate
  return {
    certificate: fileAt(certFile),
    key: fileAt(keyFile),
    // A missing passphrase has no directive: the key is named instead.
    passphrase: fileAt(passphraseFile) ?? wordAt(passphrase) ?? fileAt(keyFile),
    // Without the directive, the names are those in the certificate.
    'server-name': wordAt(serverNames) ?? fileAt(certFile),
  }
}

function fileAt(given: Located<string> | undefined): Place | undefined {
  return given && { position: given.position, file: given.value }
}

/** The value is not part of the message: it may be a passphrase. */
function wordAt(given: Located<unknown> | undefined): Place | undefined {
  return given && { position: given.position, file: undefined }
}
