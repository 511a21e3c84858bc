/** TLS of health checks, for Node's own TLS, from what is loaded for OpenSSL. */
import { Buffer } from 'node:buffer'
import type { SecureContextOptions } from 'node:tls'
import type { ClientTlsSettings } from '../../engine/tls-settings.js'
import type { ProbeTls } from '../../health/probe-tls.js'
import { sha256Of } from '../../kernel/openssl-digest.js'
import { isPem, pemBlocks } from '../../tls/pem.js'
import { PSK_CIPHERS, PSK_CIPHERSUITES } from '../../tls/psk-keys.js'

/** OpenSSL's defaults (openssl-ciphers(1)). Node has its own, and takes ciphersuites only together with ciphers. */
const CIPHERSUITES = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256'
const CIPHERS = 'DEFAULT'

/** `keyOf`: a text that is the same for equal settings. */
export class ProbeTlsTable {
  readonly #keyOf: (settings: unknown) => string
  /** By what they are made of: a bundle of authorities is parsed once for all remotes. */
  readonly #contexts = new Map<string, SecureContextOptions>()

  constructor(keyOf: (settings: unknown) => string) {
    this.#keyOf = keyOf
  }

  /** `system`: the bundle for settings with `usesSystemAuthorities`. */
  of(settings: ClientTlsSettings, system: Uint8Array | undefined, startsInProtocol: boolean): ProbeTls {
    const { alpn, authorities, psk, serverName, verify = true, ...common } = settings
    const key = this.#keyOf({ ...common, authorities, psk })
    const context = this.#contexts.get(key) ?? contextOptions(settings, system)
    this.#contexts.set(key, context)
    const id = digest(this.#keyOf({ ...settings, startsInProtocol }))
    // The settings of a key without authorities accept no certificate at all.
    const verifies = psk === undefined ? verify : true
    return { id, context, serverName, alpn, verifies, psk, startsInProtocol }
  }
}

function contextOptions(settings: ClientTlsSettings, system: Uint8Array | undefined): SecureContextOptions {
  const { authorities, certificate, ciphers, ciphersuites, groups, psk, revocations, versions } = settings
  const trusted = settings.usesSystemAuthorities ? system : authorities
  const some =
    psk === undefined ? CIPHERS : authorities === undefined ? PSK_CIPHERS : `${PSK_CIPHERS}:${CIPHERS}`
  const suites = psk === undefined ? CIPHERSUITES : PSK_CIPHERSUITES
  return {
    minVersion: versions?.includes('TLSv1.2') === false ? 'TLSv1.3' : 'TLSv1.2',
    maxVersion: versions?.includes('TLSv1.3') === false ? 'TLSv1.2' : 'TLSv1.3',
    ciphers: `${ciphersuites ?? suites}:${ciphers ?? some}`,
    // An empty list: with none Node trusts its own bundle.
    ca: trusted === undefined ? [] : [pem(trusted, 'CERTIFICATE')],
    ...(groups === undefined ? {} : { ecdhCurve: groups }),
    ...(revocations === undefined ? {} : { crl: revocationLists(revocations) }),
    ...(certificate === undefined
      ? {}
      : {
          cert: pem(certificate.chain, 'CERTIFICATE'),
          key: keyText(certificate.key ?? certificate.chain, certificate.passphrase !== undefined),
          ...(certificate.passphrase === undefined ? {} : { passphrase: certificate.passphrase }),
        }),
  }
}

/** Node reads one list of each entry. */
function revocationLists(file: Uint8Array): Buffer[] {
  if (!isPem(file)) return [pem(file, 'X509 CRL')]
  const blocks = pemBlocks(file).filter(({ label }) => label === 'X509 CRL')
  return blocks.map(({ bytes }) => Buffer.from(bytes))
}

/** Node reads PEM only. */
function pem(file: Uint8Array, label: string): Buffer {
  if (isPem(file)) return Buffer.from(file)
  const lines = Buffer.from(file).toString('base64').replace(/.{64}/g, '$&\n')
  return Buffer.from(`-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`)
}

function keyText(file: Uint8Array, hasPassphrase: boolean): Buffer {
  return pem(file, isPem(file) ? '' : keyLabel(file, hasPassphrase))
}

const INTEGER = 0x02
const OCTET_STRING = 0x04
const SEQUENCE = 0x30

/** The format of a key in DER, by its first elements (RFC 5958, RFC 8017 A.1.2, RFC 5915). */
function keyLabel(file: Uint8Array, hasPassphrase: boolean): string {
  const first = contentOf(file, 0)
  if (file[first] !== INTEGER) return hasPassphrase ? 'ENCRYPTED PRIVATE KEY' : 'PRIVATE KEY'
  // Behind the version, whose length is a single byte.
  const second = file[first + 2 + (file[first + 1] ?? 0)]
  if (second === SEQUENCE) return 'PRIVATE KEY'
  return second === OCTET_STRING ? 'EC PRIVATE KEY' : 'RSA PRIVATE KEY'
}

/** Where the content of an element begins. */
function contentOf(file: Uint8Array, at: number): number {
  const length = file[at + 1] ?? 0
  return at + 2 + (length < 0x80 ? 0 : length & 0x7f)
}

function digest(text: string): string {
  return Buffer.from(sha256Of([Buffer.from(text)])).toString('hex')
}
