import type { Position } from '../base/problem.js'
import type { Located } from './located.js'
import type { Problems } from './problems.js'
import type { ListenerSettings, SpawndSettings } from './table-spawnd.js'
import type { RemoteSettings, TcprelaySettings } from './table-tcprelay.js'
import { listenerTlsRows, remoteTlsRows } from './table-tls.js'
import { listenerService, type TlsService, versionsBetween } from './tls-service.js'

const LISTENER_KEYS = Object.keys(listenerTlsRows)
const REMOTE_KEYS = Object.keys(remoteTlsRows)

/**
 * Checks what no directive of TLS can see for itself; what is in the files is checked when they are read. `spawnd`
 * is undefined when it was not read; `hasMistakes`: what seems to be missing may have been meant.
 */
export function checkTls(
  spawnd: Pick<SpawndSettings, 'listeners' | 'spawn'> | undefined,
  tcprelay: TcprelaySettings,
  hasMistakes: boolean,
  problems: Problems,
): void {
  const { listeners, spawn } = spawnd ?? {}
  checkCertificates(tcprelay, problems)
  if (listeners?.every(({ tls }) => tls.kind === 'off' || tls.kind === 'pass') === true) {
    const unused = tcprelay.tlsCertFile?.position ?? tcprelay.tlsCertificates[0]?.position
    if (unused !== undefined) problems.warn(unused, "no listener has 'tls': this certificate is not used")
  }
  const services: TlsService[] = []
  for (const listener of listeners ?? []) {
    if (listener.isTlsGiven) checkCertificates(listener, problems)
    else checkUnused(firstGiven(listener, LISTENER_KEYS), 'listener', problems)
    const service = listenerService(listener, tcprelay)
    if (service === undefined) continue
    services.push(service)
    const mayLackFiles = hasMistakes || listener.hasMistakes
    checkService(service, mayLackFiles, problems)
    // Children of another program have keys of their own.
    const isElsewhere = listener.tlsPsk && spawn?.exec !== undefined
    if (!mayLackFiles && !isElsewhere) checkIdentities(service, listener.tlsPsk, problems)
  }
  checkRevocations(services, problems)
  for (const remote of tcprelay.remotes) checkRemote(remote, problems)
  if (tcprelay.tlsKeylogFile !== undefined) {
    const text = 'whoever can read this file can read everything that TLS is to keep secret'
    problems.warn(tcprelay.tlsKeylogFile.position, text)
  }
}

function checkCertificates(own: TcprelaySettings | ListenerSettings, problems: Problems): void {
  const { tlsCertFile, tlsCertificates, tlsKeyFile, tlsOcspFile, tlsPassphrase, tlsPassphraseFile } = own
  if (tlsCertFile === undefined) {
    checkLonely(tlsKeyFile, "a key needs a certificate: 'tls cert-file'", problems)
    checkLonely(tlsOcspFile, "an OCSP response needs a certificate: 'tls cert-file'", problems)
  }
  checkOnePassphrase(tlsPassphrase, tlsPassphraseFile, problems)
  for (const { passphrase, passphraseFile } of tlsCertificates) {
    checkOnePassphrase(passphrase, passphraseFile, problems)
  }
  const [first, second] = tlsCertificates.filter(({ isDefault }) => isDefault)
  if (first === undefined || second === undefined) return
  const { file, line } = first.position
  problems.error(second.position, `there is a default certificate already: ${file}:${line}`)
}

function checkService(service: TlsService, mayLackFiles: boolean, problems: Problems): void {
  const { clientCaFile, position, verify, versions } = service
  if (versions.length === 0) problems.error(position, 'no version of TLS is left that is allowed')
  if (verify !== 'none' && clientCaFile === undefined && !mayLackFiles) {
    const hint = "give 'tls client-ca-file'"
    problems.error(position, 'to verify clients an authority is needed', { hint })
  }
}

/** A list that is used nowhere keeps nobody out. */
function checkRevocations(services: readonly TlsService[], problems: Problems): void {
  const used = services.flatMap(({ crlFile, verify }) => (verify === 'none' ? [] : crlFile))
  for (const { crlFile } of services) {
    if (crlFile === undefined || used.includes(crlFile)) continue
    problems.warn(crlFile.position, 'this has no effect, as clients are not verified')
  }
}

/** Whether there is anything by which somebody can prove who he is. */
function checkIdentities(
  { certificates, position, pskFile }: TlsService,
  isPsk: boolean,
  problems: Problems,
): void {
  if (isPsk && pskFile === undefined) {
    const hint = "give 'tls psk file' here or in the tcprelay section"
    problems.error(position, 'a listener with pre-shared keys needs them', { hint })
  } else if (certificates.length === 0 && pskFile === undefined) {
    const hint = "give 'tls cert-file' here or in the tcprelay section"
    problems.error(position, 'a listener with TLS needs a certificate', { hint })
  }
}

function checkRemote(remote: RemoteSettings, problems: Problems): void {
  const { caFile, certFile, crlFile, isTlsGiven, keyFile, passphrase, passphraseFile, position } = remote
  if (!isTlsGiven) checkUnused(firstGiven(remote, REMOTE_KEYS), 'remote', problems)
  if (remote.tls.kind === 'off') return
  checkOnePassphrase(passphrase, passphraseFile, problems)
  if (certFile === undefined && !remote.hasMistakes) {
    checkLonely(keyFile, "a key needs a certificate: 'cert-file'", problems)
  }
  if (versionsBetween(remote.tls.versions, remote.minVersion, remote.maxVersion).length === 0) {
    problems.error(position, 'no version of TLS is left that is allowed')
  }
  if (remote.pskFile === undefined && !remote.hasMistakes) {
    checkLonely(remote.pskIdentity, "an identity needs its key: 'psk file'", problems)
  }
  if (crlFile !== undefined && caFile === undefined && !remote.hasMistakes) {
    problems.error(crlFile.position, "a revocation list needs its authority: 'ca-file'")
  }
}

/** An error, because what was to be secret would be plain. */
function checkUnused(first: Position | undefined, whose: string, problems: Problems): void {
  if (first === undefined) return
  const hint = `add 'tls = yes', or 'tls = no' to keep it`
  problems.error(first, `this ${whose} does not have TLS`, { hint })
}

/** Where the first of these directives was given. */
function firstGiven(settings: object, keys: readonly string[]): Position | undefined {
  const given = Object.entries(settings).filter(([key]) => keys.includes(key))
  const places = given.flatMap(([, value]) => [value].flat()).flatMap((value) => positionOf(value) ?? [])
  return places.sort((a, b) => a.line - b.line || a.column - b.column)[0]
}

function positionOf(value: unknown): Position | undefined {
  const isPlaced = typeof value === 'object' && value !== null && 'position' in value
  return isPlaced ? (value.position as Position) : undefined
}

function checkLonely(given: Located<string> | undefined, message: string, problems: Problems): void {
  if (given !== undefined) problems.error(given.position, message)
}

function checkOnePassphrase(
  text: Located<string> | undefined,
  file: Located<string> | undefined,
  problems: Problems,
): void {
  if (text !== undefined && file !== undefined) {
    problems.error(file.position, 'there is a passphrase already')
  }
}
