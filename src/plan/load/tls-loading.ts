/** Loads TLS settings: reads the named files, checks them with OpenSSL, and deduplicates equal settings. */

import { effectiveStarttls } from '../../config/effective-starttls.js'
import { shown } from '../../config/expectation.js'
import { checkTlsMode } from '../../config/health-tls.js'
import type { Configuration } from '../../config/load.js'
import type { Located } from '../../config/located.js'
import { mergedHealth } from '../../config/merged-health.js'
import { type ConfigProblem, Problems } from '../../config/problems.js'
import type { Sources } from '../../config/sources.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import type { RemoteSettings, TcprelaySettings } from '../../config/table-tcprelay.js'
import type { CertificateSettings } from '../../config/table-tls.js'
import { TLS_ON } from '../../config/tls-mode.js'
import {
  listenerService,
  type ServedCertificate,
  sectionService,
  type TlsService,
  versionsBetween,
} from '../../config/tls-service.js'
import {
  type ClientTlsSettings,
  type HandedOverSettings,
  type ListenerTlsSettings,
  NO_TLS,
  type ServedCertificateSettings,
  type ServerTlsSettings,
  type TlsPlan,
} from '../../engine/tls-settings.js'
import type { ProbeTls } from '../../health/probe-tls.js'
import { sha256Of } from '../../kernel/openssl-digest.js'
import type { Stamps } from '../../services/file-watch.js'
import { type OcspSource, ocspSource } from '../../tls/ocsp.js'
import type { CertificateOptions } from '../../tls/options.js'
import { findSystemAuthorities } from '../../tls/system-authorities.js'
import { endless } from './endless.js'
import { ProbeTlsTable } from './probe-tls-loading.js'
import { TlsChecks } from './tls-checks.js'
import { TlsFiles } from './tls-files.js'
import { describeFinding, type PlaceOf, remotePlaces, servicePlaces } from './tls-places.js'

/** The TLS settings of a configuration: the part of the plan, and the choices of its listeners and remotes. */
export interface TlsSettings extends TlsPlan {
  /** By slot. */
  readonly listeners: readonly ListenerTlsSettings[]
  /** In the order of the configuration: the index among the clients; undefined: plain. */
  readonly remotes: readonly (number | undefined)[]
}

export const NO_TLS_SETTINGS: TlsSettings = { ...NO_TLS, listeners: [], remotes: [] }

/** The TLS settings of a configuration, with the contents of its files. */
export interface LoadedTls {
  readonly settings: TlsSettings
  /** Of health checks, in the order of the remotes; undefined: plain, or none. */
  readonly probes: readonly (ProbeTls | undefined)[]
  /** Stamps of the files, taken before they were read. */
  readonly stamps: Stamps
  /** OCSP sources of the certificates whose responses are fetched. */
  readonly ocsp: readonly OcspSource[]
  readonly problems: readonly ConfigProblem[]
}

export interface TlsLoadOptions {
  readonly sources: Sources
  /** Which clients are served: of our listeners, from a classic master, or none (children of another program). */
  readonly service: 'listeners' | 'clients-handed-over' | 'none'
}

/** Loads and checks the TLS settings of a configuration without errors. Never throws. */
export function loadTls(configuration: Configuration, options: TlsLoadOptions): LoadedTls {
  if (options.service === 'none')
    return { settings: NO_TLS_SETTINGS, probes: [], stamps: new Map(), ocsp: [], problems: [] }
  const { spawnd, tcprelay } = configuration
  const loader = new TlsLoader(configuration, options.sources)
  const listeners = spawnd.listeners.map((listener) => loader.listener(listener))
  const isHandedOver = options.service === 'clients-handed-over'
  const handedOver = isHandedOver ? loader.handedOver() : NO_TLS.handedOver
  const remotes = tcprelay.remotes.map((remote) => loader.remote(remote))
  const probes = tcprelay.remotes.map((remote) => loader.probe(remote))
  loader.process()
  const settings = {
    ...loader.tables,
    // The listeners of a classic master are not in the configuration of its child.
    listeners: isHandedOver ? [] : listeners,
    handedOver,
    remotes,
    keylogFile: tcprelay.tlsKeylogFile?.value,
  }
  return { settings, probes, stamps: loader.stamps, ocsp: loader.ocsp, problems: loader.finish() }
}

class TlsLoader {
  readonly #tcprelay: TcprelaySettings
  readonly #environment: ReadonlyMap<string, string>
  readonly #sources: Sources
  readonly #problems = new Problems()
  readonly #files: TlsFiles
  readonly #checks = new TlsChecks()
  readonly #servers = new Table<ServerTlsSettings>()
  readonly #clients = new Table<ClientTlsSettings>()
  readonly #probes = new ProbeTlsTable(keyOf)
  /** Settings by index of the `listen` block. */
  readonly #listeners = new Map<number, ListenerTlsSettings>()
  readonly #ocsp = new Map<string, OcspSource>()
  /** Undefined: not searched yet; null: not found. */
  #systemAuthorities: Uint8Array | null | undefined

  constructor({ environment, tcprelay }: Configuration, sources: Sources) {
    this.#tcprelay = tcprelay
    this.#environment = environment
    this.#sources = sources
    this.#files = new TlsFiles(sources, this.#problems)
  }

  get stamps(): Stamps {
    return this.#files.stamps
  }

  get ocsp(): readonly OcspSource[] {
    return [...this.#ocsp.values()]
  }

  get tables(): Pick<TlsPlan, 'clients' | 'servers' | 'systemAuthorities'> {
    const systemAuthorities = this.#systemAuthorities ?? undefined
    return { servers: this.#servers.entries, clients: this.#clients.entries, systemAuthorities }
  }

  /** Call last: frees what the checks hold. */
  finish(): readonly ConfigProblem[] {
    this.#checks.end()
    return this.#problems.sorted()
  }

  /** Checks directives that apply to all connections. */
  process(): void {
    const { tlsKernel, tlsKeylogFile } = this.#tcprelay
    if (tlsKernel?.value === 'yes') {
      const text = 'kTLS is not available: the OpenSSL of Node is built without it'
      this.#problems.error(tlsKernel.position, text, { hint: "'auto' uses it if available" })
    }
    if (tlsKeylogFile !== undefined) {
      const text = 'TLS secrets are written to this file: anyone who can read it can decrypt all connections'
      this.#problems.warn(tlsKeylogFile.position, text)
    }
  }

  listener(listener: ListenerSettings): ListenerTlsSettings {
    // The ports of a block share their settings, and each problem is reported once.
    const known = this.#listeners.get(listener.block) ?? this.#listenerSettings(listener)
    this.#listeners.set(listener.block, known)
    return known
  }

  #listenerSettings(listener: ListenerSettings): ListenerTlsSettings {
    const tcprelay = this.#tcprelay
    const handshakeMs = listener.tlsHandshakeTimeoutMs ?? tcprelay.tlsHandshakeTimeoutMs
    // Zero: as long as the handshake may take.
    const detectMs = (listener.tlsDetectTimeoutMs ?? tcprelay.tlsDetectTimeoutMs) || handshakeMs
    const [handshakeTimeoutMs, detectTimeoutMs] = [endless(handshakeMs), endless(detectMs)]
    if (listener.tls.kind === 'pass') return { mode: 'pass', detectTimeoutMs, handshakeTimeoutMs }
    const service = listenerService(listener, tcprelay)
    if (service === undefined) return { mode: 'off' }
    const server = this.server(service)
    return listener.tls.kind === 'auto' ? { mode: 'auto', server, detectTimeoutMs } : { mode: 'on', server }
  }

  /** Settings for clients from a classic master. */
  handedOver(): HandedOverSettings {
    const { tlsDetectTimeoutMs, tlsHandshakeTimeoutMs } = this.#tcprelay
    const detectTimeoutMs = endless(tlsDetectTimeoutMs || tlsHandshakeTimeoutMs)
    const service = sectionService(this.#tcprelay)
    const hasCertificates = service !== undefined && service.certificates.length > 0
    return {
      // Without pre-shared keys both settings are equal, and so one entry of the table.
      withKeys: service && this.server(service),
      withoutKeys: hasCertificates ? this.server({ ...service, pskFile: undefined }) : undefined,
      detectTimeoutMs,
    }
  }

  /** The index of the settings in the table of servers. */
  server(service: TlsService): number {
    const { failures } = this.#files
    const index = this.#servers.indexOf(this.#serverSettings(service))
    // OpenSSL would report missing contents a second time.
    if (this.#files.failures > failures) return index
    const settings = this.#servers.entries[index] as ServerTlsSettings
    this.#report(this.#checks.server(settings), servicePlaces(service))
    return index
  }

  /** The index among the clients; undefined: plain. */
  remote(remote: RemoteSettings): number | undefined {
    if (remote.tls.kind === 'off') return undefined
    const { failures } = this.#files
    const client = this.#clients.indexOf(this.#clientSettings(remote))
    if (this.#files.failures === failures)
      this.#checkClient(this.#clients.entries[client] as ClientTlsSettings, remote)
    return client
  }

  /** TLS of the health check of a remote; undefined: plain, or none. */
  probe(remote: RemoteSettings): ProbeTls | undefined {
    const pool = this.#tcprelay.pools[remote.pool]
    const health = mergedHealth(remote.health, pool?.health)
    const mode = checkTlsMode(health, remote, effectiveStarttls(remote, pool)?.value)
    if (mode === 'none') return undefined
    const { failures } = this.#files
    const tls = remote.tls.kind === 'off' ? TLS_ON : remote.tls
    const settings = this.#clientSettings({
      ...remote,
      tls,
      serverName: health?.serverName ?? remote.serverName,
    })
    if (this.#files.failures > failures) return undefined
    // Otherwise its problems have been reported.
    if (remote.tls.kind === 'off') this.#checkClient(settings, remote)
    if (settings.depth !== undefined)
      this.#problems.warn(remote.position, "the health check of this remote does not apply 'verify depth'")
    const system = settings.usesSystemAuthorities ? (this.#system() ?? undefined) : undefined
    return this.#probes.of(settings, system, mode === 'in protocol')
  }

  #checkClient(settings: ClientTlsSettings, remote: RemoteSettings): void {
    const system = settings.usesSystemAuthorities ? this.#system() : undefined
    if (system === null) {
      const hint = "add 'ca-file'"
      const text = 'cannot find the CA bundle of the system: this remote cannot be verified'
      this.#problems.error(remote.position, text, { hint })
    } else this.#report(this.#checks.client(settings, system), remotePlaces(remote))
  }

  #report(found: ReturnType<TlsChecks['server']>, placeOf: PlaceOf): void {
    for (const problem of found) {
      const place = placeOf(problem)
      const text = describeFinding(problem, place)
      if (problem.severity === 'error') this.#problems.error(place.position, text)
      else this.#problems.warn(place.position, text)
    }
  }

  #serverSettings(service: TlsService): ServerTlsSettings {
    const { alpn, ciphers, ciphersuites, clientCaFile, crlFile, groups, pskFile, verify } = service
    const isVerifying = verify !== 'none' && clientCaFile !== undefined
    return {
      certificates: service.certificates.map((certificate) => this.#servedCertificate(certificate)),
      versions: service.versions,
      ciphers: ciphers?.value,
      ciphersuites: ciphersuites?.value,
      groups: groups?.value,
      alpn: alpn?.value,
      clientCertificates: isVerifying
        ? {
            verify,
            authorities: this.#files.read(clientCaFile),
            depth: service.verifyDepth,
            revocations: this.#files.optional(crlFile),
          }
        : undefined,
      refusesUnknownNames: service.unknownName === 'refuse',
      psk: pskFile && this.#files.preSharedKeys(pskFile),
      handshakeTimeoutMs: endless(service.handshakeTimeoutMs),
      truncation: service.truncation,
    }
  }

  #servedCertificate(certificate: ServedCertificate): ServedCertificateSettings {
    const { ocspFile, serverNames } = certificate
    const files = this.#certificate(certificate.certFile, certificate)
    return {
      ...files,
      serverNames: serverNames?.value,
      staple: ocspFile && this.#files.staple(ocspFile),
      stapleId: ocspFile === undefined ? this.#stapleId(certificate, files.chain) : undefined,
    }
  }

  /** Id of the OCSP response to fetch. A file that cannot be read has been reported already. */
  #stapleId({ certFile, ocsp }: ServedCertificate, chain: Uint8Array): string | undefined {
    if (ocsp === 'no' || chain.length === 0) return undefined
    const source = ocspSource(chain)
    if (typeof source !== 'string') {
      this.#ocsp.set(source.id, source)
      return source.id
    }
    // Otherwise a certificate without a responder is normal: stapling is best effort.
    if (ocsp === 'yes') this.#problems.warn(certFile.position, `${shown(certFile.value)}: ${source}`)
    return undefined
  }

  #certificate(
    certFile: Located<string>,
    {
      keyFile,
      passphrase,
      passphraseFile,
    }: Pick<CertificateSettings, 'keyFile' | 'passphrase' | 'passphraseFile'>,
  ): CertificateOptions {
    return {
      chain: this.#files.read(certFile),
      key: this.#files.optional(keyFile),
      passphrase: passphraseFile === undefined ? passphrase?.value : this.#files.passphrase(passphraseFile),
    }
  }

  #clientSettings(remote: RemoteSettings): ClientTlsSettings {
    const { caFile, certFile, pskFile } = remote
    // The pre-shared key authenticates the remote; certificates are verified only with `ca-file`.
    const verify = pskFile === undefined ? remote.verify : caFile !== undefined
    const { tlsHandshakeTimeoutMs, tlsTruncation } = this.#tcprelay
    return {
      versions: versionsBetween(remote.tls.versions, remote.minVersion, remote.maxVersion),
      ciphers: remote.ciphers?.value,
      ciphersuites: remote.ciphersuites?.value,
      groups: remote.groups?.value,
      alpn: remote.alpn?.value,
      serverName: remote.serverName?.value ?? hostOf(remote),
      verify,
      psk: pskFile && this.#files.preSharedKey(pskFile, remote.pskIdentity),
      authorities: verify ? this.#files.optional(caFile) : undefined,
      usesSystemAuthorities: verify && caFile === undefined,
      depth: remote.verifyDepth,
      revocations: verify ? this.#files.optional(remote.crlFile) : undefined,
      certificate: certFile && this.#certificate(certFile, remote),
      handshakeTimeoutMs: endless(tlsHandshakeTimeoutMs),
      truncation: tlsTruncation,
    }
  }

  /** The bundle of the system, searched once; null if there is none. */
  #system(): Uint8Array | null {
    if (this.#systemAuthorities !== undefined) return this.#systemAuthorities
    const read = (path: string) => {
      const answer = this.#sources.read(path)
      return answer.ok ? new Uint8Array(answer.bytes) : undefined
    }
    const found = findSystemAuthorities(read, Object.fromEntries(this.#environment))
    this.#systemAuthorities = found?.bytes ?? null
    return this.#systemAuthorities
  }
}

/** A table of distinct values. */
class Table<T> {
  readonly entries: T[] = []
  /** By `keyOf` of the entry. */
  readonly #indexes = new Map<string, number>()

  indexOf(value: T): number {
    const key = keyOf(value)
    const known = this.#indexes.get(key)
    if (known !== undefined) return known
    this.#indexes.set(key, this.entries.length)
    return this.entries.push(value) - 1
  }
}

/** Equal settings have the same key; bytes are replaced by their digest. */
export function keyOf(settings: unknown): string {
  return JSON.stringify(settings, digestOfBytes)
}

function digestOfBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(sha256Of([value])).toString('hex') : value
}

/** The host of the remote's address, for SNI and verification; a Unix socket has none. */
function hostOf({ target }: RemoteSettings): string | undefined {
  if (target.kind === 'name') return target.host
  if (target.kind === 'discovered') return undefined
  return target.address.family === 'unix' ? undefined : target.address.host
}
