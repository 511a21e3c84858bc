/** Checks of TLS directives against each other. */
import type { Position } from '../base/problem.js'
import { checkTlsModeOf } from './health-tls.js'
import type { Located } from './located.js'
import type { Problems } from './problems.js'
import type { ListenerSettings, SpawndSettings } from './table-spawnd.js'
import type { RemoteSettings, TcprelaySettings } from './table-tcprelay.js'
import { listenerTlsRows, remoteTlsRows } from './table-tls.js'
import { TLS_VERSIONS } from './tls-mode.js'
import { listenerService, type TlsService, versionsBetween } from './tls-service.js'

const LISTENER_KEYS = Object.keys(listenerTlsRows)
const REMOTE_KEYS = Object.keys(remoteTlsRows)

/**
 * Checks TLS directives against each other; the contents of files are checked when they are read (plan/load/tls-loading.ts).
 * `spawnd` is undefined if its section was not read. `hasMistakes`: directives may be missing only because they were
 * rejected.
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
    if (unused !== undefined) problems.warn(unused, "this certificate is not used: no listener has 'tls'")
  }
  const services: TlsService[] = []
  // Those of one block have the same directives.
  for (const listener of listeners?.filter(({ portIndex }) => portIndex === 0) ?? []) {
    // `tls = no` counts as given: the directives are kept on purpose.
    if (listener.isTlsGiven) checkCertificates(listener, problems)
    else checkUnused(firstGiven(listener, LISTENER_KEYS), 'listener', problems)
    const service = listenerService(listener, tcprelay)
    if (service === undefined) continue
    services.push(service)
    const mayLackFiles = hasMistakes || listener.hasMistakes
    checkService(service, mayLackFiles, problems)
    // Children of another program have their own pre-shared keys.
    const isElsewhere = listener.tlsPsk && spawn?.exec !== undefined
    if (!mayLackFiles && !isElsewhere) checkIdentities(service, listener.tlsPsk, problems)
  }
  checkRevocations(services, problems)
  for (const remote of tcprelay.remotes) {
    const isChecked = checkTlsModeOf(remote, tcprelay.pools[remote.pool]) !== 'none'
    checkRemote(remote, isChecked, problems)
  }
  if (tcprelay.tlsKeylogFile !== undefined) {
    const text = 'TLS secrets are written to this file: anyone who can read it can decrypt all connections'
    problems.warn(tcprelay.tlsKeylogFile.position, text)
  }
}

function checkCertificates(own: TcprelaySettings | ListenerSettings, problems: Problems): void {
  const { tlsCertFile, tlsCertificates, tlsKeyFile, tlsOcspFile, tlsPassphrase, tlsPassphraseFile } = own
  if (tlsCertFile === undefined) {
    reportIfGiven(tlsKeyFile, "this private key needs a certificate: add 'tls cert-file'", problems)
    reportIfGiven(tlsOcspFile, "this OCSP response needs a certificate: add 'tls cert-file'", problems)
  }
  checkOnePassphrase(tlsPassphrase, tlsPassphraseFile, problems)
  for (const { passphrase, passphraseFile } of tlsCertificates) {
    checkOnePassphrase(passphrase, passphraseFile, problems)
  }
  const [first, second] = tlsCertificates.filter(({ isDefault }) => isDefault)
  if (first === undefined || second === undefined) return
  const { file, line } = first.position
  problems.error(second.position, `duplicate default certificate, first set at ${file}:${line}`)
}

function checkService(service: TlsService, mayLackFiles: boolean, problems: Problems): void {
  const { clientCaFile, position, verify, versions } = service
  if (versions.length === 0) problems.error(position, 'no enabled TLS version remains')
  if (verify !== 'none' && clientCaFile === undefined && !mayLackFiles) {
    const hint = "add 'tls client-ca-file'"
    problems.error(position, 'client verification requires a CA bundle', { hint })
  }
}

/** A revocation list without client verification has no effect. */
function checkRevocations(services: readonly TlsService[], problems: Problems): void {
  // A list of the section is shared: it is used if one of the services verifies.
  const used = services.flatMap(({ crlFile, verify }) => (verify === 'none' ? [] : crlFile))
  for (const { crlFile } of services) {
    if (crlFile === undefined || used.includes(crlFile)) continue
    problems.warn(
      crlFile.position,
      'this revocation list has no effect: client certificates are not verified',
    )
  }
}

/** A listener with TLS authenticates itself by certificate or pre-shared key, and needs at least one. */
function checkIdentities(
  { certificates, position, pskFile }: TlsService,
  isPsk: boolean,
  problems: Problems,
): void {
  if (isPsk && pskFile === undefined) {
    const hint = "add 'tls psk file' here or in the tcprelay section"
    problems.error(position, "'tls psk' requires a file of pre-shared keys", { hint })
  } else if (certificates.length === 0 && pskFile === undefined) {
    const hint = "add 'tls cert-file' here or in the tcprelay section"
    problems.error(position, 'a listener with TLS needs a certificate', { hint })
  }
}

/** `isChecked`: its health check speaks TLS. */
function checkRemote(remote: RemoteSettings, isChecked: boolean, problems: Problems): void {
  const { caFile, certFile, crlFile, isTlsGiven, keyFile, passphrase, passphraseFile, position } = remote
  if (!isTlsGiven && !isChecked) checkUnused(firstGiven(remote, REMOTE_KEYS), 'remote', problems)
  if (remote.tls.kind === 'off' && !isChecked) return
  checkOnePassphrase(passphrase, passphraseFile, problems)
  if (certFile === undefined && !remote.hasMistakes) {
    reportIfGiven(keyFile, "this private key needs a certificate: add 'cert-file'", problems)
  }
  if (
    versionsBetween(
      remote.tls.kind === 'off' ? TLS_VERSIONS : remote.tls.versions,
      remote.minVersion,
      remote.maxVersion,
    ).length === 0
  ) {
    problems.error(position, 'no enabled TLS version remains')
  }
  if (remote.pskFile === undefined && !remote.hasMistakes) {
    reportIfGiven(remote.pskIdentity, "this identity needs a pre-shared key: add 'psk file'", problems)
  }
  if (crlFile !== undefined && caFile === undefined && !remote.hasMistakes) {
    problems.error(crlFile.position, "this revocation list needs a CA bundle: add 'ca-file'")
  }
}

/** An error, not a warning: the connections would silently be unencrypted. */
function checkUnused(first: Position | undefined, owner: string, problems: Problems): void {
  if (first === undefined) return
  const hint = `add 'tls = yes' to enable it, or 'tls = no' to keep this directive without TLS`
  problems.error(first, `TLS is not enabled for this ${owner}`, { hint })
}

/** The position of the first of these directives that is given. */
function firstGiven(settings: object, keys: readonly string[]): Position | undefined {
  const given = keys.map((key) => (settings as Readonly<Record<string, unknown>>)[key])
  if (given.every((value) => value === undefined)) return undefined
  const places = given.flat().flatMap((value) => positionOf(value) ?? [])
  // All of them are in one block, and so almost always in one file.
  return places.sort((a, b) => a.line - b.line || a.column - b.column)[0]
}

function positionOf(value: unknown): Position | undefined {
  const isPlaced = typeof value === 'object' && value !== null && 'position' in value
  return isPlaced ? (value.position as Position) : undefined
}

function reportIfGiven(given: Located<string> | undefined, message: string, problems: Problems): void {
  if (given !== undefined) problems.error(given.position, message)
}

function checkOnePassphrase(
  text: Located<string> | undefined,
  file: Located<string> | undefined,
  problems: Problems,
): void {
  if (text !== undefined && file !== undefined) {
    problems.error(file.position, "'passphrase' and 'passphrase file' cannot both be given")
  }
}
