/** Combines the TLS directives of a listener with those of the tcprelay section. */
import type { Position } from '../base/problem.js'
import type { Located } from './located.js'
import type { ListenerSettings } from './table-spawnd.js'
import type { TcprelaySettings } from './table-tcprelay.js'
import type { CertificateSettings, OcspMode } from './table-tls.js'
import { TLS_VERSIONS, type TlsMode, type TlsVersion } from './tls-mode.js'

/** TLS settings towards clients: directives of a listener override those of the tcprelay section. */
export interface TlsService {
  /** Position for problems that belong to no single directive. */
  readonly position: Position
  readonly mode: TlsMode
  /** The default certificate first. */
  readonly certificates: readonly ServedCertificate[]
  readonly versions: readonly TlsVersion[]
  readonly ciphers: Located<string> | undefined
  readonly ciphersuites: Located<string> | undefined
  readonly groups: Located<string> | undefined
  readonly alpn: Located<readonly string[]> | undefined
  /** For clients whose server name (SNI) matches no certificate. */
  readonly unknownName: 'default' | 'refuse'
  readonly verify: 'none' | 'request' | 'require'
  readonly clientCaFile: Located<string> | undefined
  readonly crlFile: Located<string> | undefined
  readonly verifyDepth: number | undefined
  /** Undefined: no pre-shared keys. */
  readonly pskFile: Located<string> | undefined
  readonly handshakeTimeoutMs: number
  readonly detectTimeoutMs: number
  readonly truncation: 'reset' | 'close'
}

export type ServedCertificate = Omit<CertificateSettings, 'isDefault' | 'ocsp'> & {
  /** Whether its OCSP response is fetched. */
  readonly ocsp: OcspMode
}

type Own = Omit<TcprelaySettings, 'position'> | ListenerSettings

/** Undefined: the listener does not terminate TLS. */
export function listenerService(
  listener: ListenerSettings,
  tcprelay: TcprelaySettings,
): TlsService | undefined {
  const { kind } = listener.tls
  // Children of another program terminate DTLS.
  if (listener.protocol === 'UDP' || (kind !== 'on' && kind !== 'auto')) return undefined
  // Certificates of a listener replace those of the section, they do not add up.
  const own = hasCertificates(listener) ? listener : tcprelay
  const ocsp = listener.tlsOcsp ?? tcprelay.tlsOcsp ?? 'auto'
  const pskFile = listener.tlsPsk ? (listener.tlsPskFile ?? tcprelay.tlsPskFile) : undefined
  return service(listener, tcprelay, { mode: listener.tls, certificates: certificatesOf(own, ocsp), pskFile })
}

/** For clients from a classic master, which passes only whether a client speaks TLS, not its listener. */
export function sectionService(tcprelay: TcprelaySettings): TlsService | undefined {
  if (!hasCertificates(tcprelay) && tcprelay.tlsPskFile === undefined) return undefined
  const mode: TlsMode = { kind: 'on', versions: TLS_VERSIONS }
  const certificates = certificatesOf(tcprelay, tcprelay.tlsOcsp ?? 'auto')
  return service(tcprelay, tcprelay, { mode, certificates, pskFile: tcprelay.tlsPskFile })
}

export function hasCertificates({ tlsCertFile, tlsCertificates }: Own): boolean {
  return tlsCertFile !== undefined || tlsCertificates.length > 0
}

/** The versions within `min` and `max`. */
export function versionsBetween(
  versions: readonly TlsVersion[],
  min: Located<TlsVersion> | undefined,
  max: Located<TlsVersion> | undefined,
): readonly TlsVersion[] {
  const from = TLS_VERSIONS.indexOf(min?.value ?? 'TLSv1.2')
  const to = TLS_VERSIONS.indexOf(max?.value ?? 'TLSv1.3')
  return TLS_VERSIONS.slice(from, to + 1).filter((version) => versions.includes(version))
}

function service(
  own: ListenerSettings | TcprelaySettings,
  section: TcprelaySettings,
  given: Pick<TlsService, 'mode' | 'certificates' | 'pskFile'>,
): TlsService {
  const clientCaFile = own.tlsClientCaFile ?? section.tlsClientCaFile
  const verify = (own.tlsVerify ?? section.tlsVerify)?.value
  return {
    ...given,
    position: own.position,
    versions: versionsBetween(
      given.mode.versions,
      own.tlsMinVersion ?? section.tlsMinVersion,
      own.tlsMaxVersion ?? section.tlsMaxVersion,
    ),
    ciphers: own.tlsCiphers ?? section.tlsCiphers,
    ciphersuites: own.tlsCiphersuites ?? section.tlsCiphersuites,
    groups: own.tlsGroups ?? section.tlsGroups,
    alpn: own.tlsAlpn ?? section.tlsAlpn,
    unknownName: own.tlsUnknownName ?? section.tlsUnknownName ?? 'default',
    // A CA for clients without `tls verify` is a request to verify them.
    verify: verify ?? (clientCaFile === undefined ? 'none' : 'require'),
    clientCaFile,
    crlFile: own.tlsCrlFile ?? section.tlsCrlFile,
    verifyDepth: own.tlsVerifyDepth ?? section.tlsVerifyDepth,
    handshakeTimeoutMs: own.tlsHandshakeTimeoutMs ?? section.tlsHandshakeTimeoutMs,
    detectTimeoutMs: own.tlsDetectTimeoutMs ?? section.tlsDetectTimeoutMs,
    truncation: own.tlsTruncation ?? section.tlsTruncation,
  }
}

/** `ocsp`: default for certificates without `ocsp`. */
function certificatesOf(own: Own, ocsp: OcspMode): readonly ServedCertificate[] {
  const { tlsCertFile } = own
  const tlsCertificates = own.tlsCertificates.map((one) => ({ ...one, ocsp: one.ocsp ?? ocsp }))
  const main: readonly ServedCertificate[] =
    tlsCertFile === undefined
      ? []
      : [
          {
            certFile: tlsCertFile,
            keyFile: own.tlsKeyFile,
            passphrase: own.tlsPassphrase,
            passphraseFile: own.tlsPassphraseFile,
            ocspFile: own.tlsOcspFile,
            ocsp,
            serverNames: undefined,
            position: tlsCertFile.position,
          },
        ]
  // The first one serves clients without SNI: the default, then `tls cert-file`.
  const first = tlsCertificates.filter(({ isDefault }) => isDefault)
  return [...first, ...main, ...tlsCertificates.filter(({ isDefault }) => !isDefault)]
}
