import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import { fakeWorld } from '../../../test/config/fake-world.js'
import { makeIdentity, makeRevocations } from '../../../test/support/certificates.js'
import { loadConfiguration } from '../../config/load.js'
import type { ServerTlsSettings } from '../../engine/tls-settings.js'
import { loadTls, NO_TLS_SETTINGS } from './tls-loading.js'

const authority = makeIdentity({ name: 'authority', isAuthority: true })
const www = makeIdentity({ name: 'www', issuer: authority, alternativeNames: ['www.example.com'] })
const other = makeIdentity({ name: 'other', issuer: authority, kind: 'rsa' })
const stapled = makeIdentity({ name: 'stapled', issuer: authority, responders: ['http://ocsp.example/'] })
const old = makeIdentity({ name: 'old', issuer: authority, fromDays: -9, toDays: -2 })
const PSK = '000102030405060708090a0b0c0d0e0f'
const SECRET = 'open sesame'

function encryptedKey({ key }: typeof www): Buffer {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: SECRET } as const
  return Buffer.from(key.export(options))
}

const FILES: Readonly<Record<string, Uint8Array>> = {
  'ca.pem': authority.pem,
  'crl.pem': makeRevocations(authority, [other]),
  'www.pem': www.pem,
  'www.key': www.keyPem,
  'www-secret.key': encryptedKey(www),
  'both.pem': Buffer.concat([other.pem, other.keyPem]),
  'ocsp.pem': Buffer.concat([stapled.pem, stapled.keyPem, authority.pem]),
  'copy.pem': Buffer.concat([other.pem, other.keyPem]),
  'old.pem': Buffer.concat([old.pem, old.keyPem]),
  'staple.der': Buffer.of(0x30, 0),
  'passphrase.txt': Buffer.from(`${SECRET}\r\nmore\n`),
  'keys.psk': Buffer.from(`joe:${PSK}\n`),
  'several.psk': Buffer.from(`joe:${PSK}\njim:${PSK}\n`),
  'empty.pem': Buffer.alloc(0),
  'text.pem': Buffer.from('hello'),
  'locked.pem': Buffer.from('!EACCES'),
  '/etc/ssl/certs/ca-certificates.crt': authority.pem,
}

interface Given {
  readonly listen?: readonly string[]
  readonly section?: string
  readonly remotes?: readonly string[]
  readonly without?: string
  readonly environment?: readonly (readonly [string, string])[]
  readonly isForeignChild?: boolean
}

/** Loads a configuration: listeners from line 2 on, then remotes, then directives of the section. */
function load({ listen = [], remotes = [], section = '', without, ...more }: Given) {
  const lines = [
    'id = spawnd { listen { port = 1 }',
    ...listen.map((text, i) => `listen { port = ${i + 2} ${text} }`),
    '} id = tcprelay { remote { 1.2.3.4:5 }',
    ...remotes.map((text) => `remote { address = ${text} }`),
    section,
    '}',
  ]
  const files = Object.fromEntries(Object.entries(FILES).filter(([name]) => name !== without))
  const world = fakeWorld({ ...files, case: lines.join('\n') })
  const configuration = loadConfiguration({
    ...world,
    file: 'case',
    environment: new Map(more.environment),
    isInetd: false,
    masterId: more.isForeignChild ? undefined : 'spawnd',
    childId: 'tcprelay',
  })
  assert.deepEqual(
    configuration.problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const service = more.isForeignChild ? 'clients-handed-over' : 'listeners'
  const { problems, ...loaded } = loadTls(configuration, { sources: world.sources, service })
  const found = problems.map(({ message, position, severity }) => {
    const { column, line } = position
    const [from = ''] = /^\S+/.exec((lines[line - 1] ?? '').slice(column - 1)) ?? []
    return `${severity} at ${line} ${from}: ${message}`
  })
  return { ...loaded, problems: found }
}

function only<T>(values: readonly T[]): T {
  assert.equal(values.length, 1)
  return values[0] as T
}

test('loads nothing without TLS', () => {
  const { problems, settings, stamps } = load({})
  assert.deepEqual(problems, [])
  assert.deepEqual(settings, { ...NO_TLS_SETTINGS, listeners: [{ mode: 'off' }], remotes: [undefined] })
  assert.equal(stamps.size, 0)
})

test('listeners with equal settings share an entry, inherited or not', () => {
  const { problems, settings } = load({
    listen: ['tls', 'tls = auto', 'tls cert-file = copy.pem tls', 'tls alpn = h2 tls', 'tls = pass'],
    section: 'tls cert-file = both.pem tls detect timeout = 0 tls handshake timeout = 4',
  })
  assert.deepEqual(problems, [])
  assert.deepEqual(settings.listeners, [
    { mode: 'off' },
    { mode: 'on', server: 0 },
    { mode: 'auto', server: 0, detectTimeoutMs: 4_000 },
    { mode: 'on', server: 0 },
    { mode: 'on', server: 1 },
    { mode: 'pass', detectTimeoutMs: 4_000, handshakeTimeoutMs: 4_000 },
  ])
  assert.deepEqual(settings.servers[1], { ...settings.servers[0], alpn: ['h2'] })
  assert.equal(settings.servers[0]?.handshakeTimeoutMs, 4_000)
})

test('loads all settings of a listener', () => {
  const { problems, settings, stamps } = load({
    listen: [
      'tls = TLSv1.2,TLSv1.3 tls verify = request tls client-ca-file = ca.pem tls crl-file = crl.pem ' +
        'tls verify depth = 2 tls psk tls psk file = keys.psk tls truncation = close tls min version = TLSv1.3 ' +
        'tls alpn = h2, http/1.1 tls ciphers = HIGH tls ciphersuites = TLS_AES_128_GCM_SHA256 tls groups = P-256 ' +
        'tls unknown name = refuse',
    ],
    section:
      'tls certificate { cert-file = both.pem } tls cert-file = www.pem tls key-file = www-secret.key ' +
      'tls passphrase file = passphrase.txt tls ocsp-file = staple.der ' +
      'tls certificate { cert-file = www.pem key-file = www.key server name = a.example, *.b.example default }',
  })
  assert.deepEqual(problems, [])
  const bytes = (name: string) => new Uint8Array(FILES[name] as Uint8Array)
  const expected: ServerTlsSettings = {
    certificates: [
      {
        chain: bytes('www.pem'),
        key: bytes('www.key'),
        passphrase: undefined,
        serverNames: ['a.example', '*.b.example'],
        staple: undefined,
        stapleId: undefined,
      },
      {
        chain: bytes('www.pem'),
        key: bytes('www-secret.key'),
        passphrase: SECRET,
        serverNames: undefined,
        staple: bytes('staple.der'),
        stapleId: undefined,
      },
      {
        chain: bytes('both.pem'),
        key: undefined,
        passphrase: undefined,
        serverNames: undefined,
        staple: undefined,
        stapleId: undefined,
      },
    ],
    versions: ['TLSv1.3'],
    ciphers: 'HIGH',
    ciphersuites: 'TLS_AES_128_GCM_SHA256',
    groups: 'P-256',
    alpn: ['h2', 'http/1.1'],
    clientCertificates: {
      verify: 'request',
      authorities: bytes('ca.pem'),
      depth: 2,
      revocations: bytes('crl.pem'),
    },
    refusesUnknownNames: true,
    psk: [['joe', new Uint8Array(Buffer.from(PSK, 'hex'))]],
    handshakeTimeoutMs: 10_000,
    truncation: 'close',
  }
  assert.deepEqual(only(settings.servers), expected)
  assert.deepEqual(
    [...stamps.keys()].sort(),
    'both.pem ca.pem crl.pem keys.psk passphrase.txt staple.der www-secret.key www.key www.pem'.split(' '),
  )
})

test('lists OCSP sources of certificates that enable it and name a responder, once each', () => {
  const { ocsp, problems, settings } = load({
    listen: ['tls', 'tls tls ocsp = no', 'tls tls cert-file = ocsp.pem tls ocsp yes'],
    section:
      'tls cert-file = ocsp.pem tls certificate { cert-file = both.pem } ' +
      'tls certificate { cert-file = ocsp.pem ocsp = yes server name = a.example } ' +
      'tls certificate { cert-file = ocsp.pem ocsp-file = staple.der server name = b.example }',
  })
  assert.deepEqual(problems, [])
  const { id, url } = only(ocsp)
  assert.equal(url, 'http://ocsp.example/')
  const ids = settings.servers.map(({ certificates }) => certificates.map(({ stapleId }) => stapleId))
  assert.deepEqual(ids, [[id, undefined, id, undefined], [undefined, undefined, id, undefined], [id]])
})

test('settings are plain data: they can be posted to a thread and sent to a child', () => {
  const { settings } = load({
    listen: ['tls'],
    section: 'tls cert-file = both.pem',
    remotes: ['www.example.com:1 tls'],
  })
  assert.deepEqual(structuredClone(settings), settings)
  assert.deepEqual(deserialize(serialize(settings)), settings)
  const isBytes = (value: unknown) => value instanceof Uint8Array
  const walk = (value: unknown): unknown[] =>
    isBytes(value) || typeof value !== 'object' || value === null
      ? [value]
      : Object.values(value).flatMap(walk)
  for (const value of walk(settings)) {
    if (value instanceof Uint8Array) assert.equal(value.buffer.byteLength, value.byteLength)
    else assert.ok(value === undefined || ['string', 'number', 'boolean'].includes(typeof value))
  }
})

test('remotes get their CAs; the bundle of the system is included once', () => {
  const { problems, settings } = load({
    section: 'tls handshake timeout = 3 tls truncation = close',
    remotes: [
      'www.example.com:443 tls',
      'www.example.com:444 tls = yes',
      '1.2.3.4:1 tls = TLSv1.3 ca-file = ca.pem crl-file = crl.pem verify depth = 1 cert-file = both.pem',
      '/run/socket tls verify = no server name = inner.example alpn = h2',
      'off.example:1 tls = no ca-file = ca.pem',
    ],
  })
  assert.deepEqual(problems, [])
  assert.deepEqual(settings.remotes, [undefined, 0, 0, 1, 2, undefined])
  const [system, own, blind] = settings.clients
  assert.deepEqual(
    [system?.serverName, system?.verify, system?.usesSystemAuthorities, system?.authorities],
    ['www.example.com', true, true, undefined],
  )
  assert.deepEqual(settings.systemAuthorities, new Uint8Array(authority.pem))
  assert.deepEqual(
    [own?.serverName, own?.versions, own?.usesSystemAuthorities, own?.depth],
    ['1.2.3.4', ['TLSv1.3'], false, 1],
  )
  assert.deepEqual(own?.authorities, new Uint8Array(authority.pem))
  assert.deepEqual(own?.certificate?.chain, new Uint8Array(FILES['both.pem'] as Uint8Array))
  assert.deepEqual(
    [blind?.serverName, blind?.verify, blind?.usesSystemAuthorities, blind?.alpn],
    ['inner.example', false, false, ['h2']],
  )
  assert.deepEqual([blind?.handshakeTimeoutMs, blind?.truncation], [3_000, 'close'])
})

test('a remote with a pre-shared key needs neither certificate nor CAs', () => {
  const { problems, settings } = load({
    remotes: [
      'a.example:1 tls psk file = keys.psk',
      'b.example:1 tls psk file = several.psk psk identity = jim',
      'c.example:1 tls verify = no psk file = keys.psk ca-file = ca.pem',
    ],
  })
  assert.deepEqual(problems, [])
  assert.equal(settings.systemAuthorities, undefined)
  const key = new Uint8Array(Buffer.from(PSK, 'hex'))
  assert.deepEqual(
    settings.clients.map(({ psk, verify }) => [psk, verify]),
    [
      [{ identity: 'joe', key }, false],
      [{ identity: 'jim', key }, false],
      [{ identity: 'joe', key }, true],
    ],
  )
  const bad = load({
    remotes: [
      'a.example:1 tls psk file = several.psk',
      'b.example:1 tls psk file = keys.psk psk identity = jack',
      'c.example:1 tls psk file = text.pem',
    ],
  })
  assert.deepEqual(bad.problems, [
    "error at 3 several.psk: 'several.psk' contains several keys: select one with 'psk identity'",
    "error at 4 jack: no key for identity 'jack' in 'keys.psk'",
    "error at 5 text.pem: 'text.pem': line 1: expected IDENTITY:KEY, the key in hexadecimal",
  ])
})

test('does not search the CA bundle of the system if no remote needs it', () => {
  const { settings } = load({ remotes: ['a.example:1 tls verify = no', 'b.example:1 tls ca-file = ca.pem'] })
  assert.equal(settings.systemAuthorities, undefined)
})

test('SSL_CERT_FILE overrides the CA bundle; without any bundle a remote cannot be verified', () => {
  const remotes = ['a.example:1 tls']
  const environment = [['SSL_CERT_FILE', 'ca.pem']] as const
  const named = load({ remotes, environment, without: '/etc/ssl/certs/ca-certificates.crt' })
  assert.deepEqual(named.settings.systemAuthorities, new Uint8Array(authority.pem))
  const missing = load({ remotes, without: '/etc/ssl/certs/ca-certificates.crt' })
  assert.deepEqual(missing.problems, [
    'error at 3 remote: cannot find the CA bundle of the system: this remote cannot be verified',
  ])
})

test('clients from a classic master are served with the settings of the section', () => {
  const handedOver = (section: string) => {
    const { problems, settings } = load({ section, isForeignChild: true })
    assert.deepEqual([problems, settings.listeners], [[], []])
    const { withKeys, withoutKeys } = settings.handedOver
    const keys = (index: number | undefined) =>
      index === undefined ? 'nobody' : (settings.servers[index]?.psk?.length ?? 0)
    return [keys(withKeys), keys(withoutKeys), settings.handedOver.detectTimeoutMs]
  }
  assert.deepEqual(handedOver(''), ['nobody', 'nobody', 3_000])
  assert.deepEqual(handedOver('tls cert-file = both.pem tls detect timeout = 1'), [0, 0, 1_000])
  assert.deepEqual(handedOver('tls cert-file = both.pem tls psk file = keys.psk'), [1, 0, 3_000])
  assert.deepEqual(handedOver('tls psk file = keys.psk'), [1, 'nobody', 3_000])
})

test('reports errors in files at the directive, with the reason of OpenSSL', () => {
  const { problems } = load({
    listen: [
      'tls tls cert-file = www.pem tls key-file = both.pem',
      'tls tls cert-file = www.pem tls key-file = www-secret.key',
      'tls tls cert-file = www.pem tls key-file = www-secret.key tls passphrase = wrong',
      'tls tls cert-file = www.pem tls key-file = www-secret.key tls passphrase file = text.pem',
      'tls tls cert-file = www.pem',
      'tls tls cert-file = text.pem',
      'tls tls cert-file = empty.pem',
      'tls tls cert-file = locked.pem',
      'tls tls cert-file = old.pem',
      'tls tls certificate { cert-file = both.pem server name = a..b }',
      'tls tls certificate { cert-file = both.pem } tls certificate { cert-file = www.pem key = text.pem }',
      'tls tls cert-file = both.pem tls ocsp-file = ca.pem',
    ],
  })
  // The wording of reasons depends on the version of OpenSSL.
  assert.deepEqual(
    problems.map((text) => text.replace(/(certificate|read|passphrase): [a-z ]+$/, '$1: …')),
    [
      "error at 2 both.pem: 'both.pem': the key does not match the certificate: …",
      "error at 3 www-secret.key: 'www-secret.key': the key is encrypted: a passphrase is needed",
      'error at 4 wrong: the key cannot be decrypted with this passphrase: …',
      "error at 5 text.pem: 'text.pem': the key cannot be decrypted with this passphrase: …",
      "error at 6 www.pem: 'www.pem': the file contains no private key",
      "error at 7 text.pem: 'text.pem': the certificate cannot be read: …",
      "error at 8 empty.pem: 'empty.pem' is empty",
      "error at 9 locked.pem: cannot read '/here/locked.pem': permission denied",
      problems[8],
      "error at 11 a..b: 'a..b' is not a valid host name",
      "error at 12 text.pem: 'text.pem': the key cannot be read: …",
      "error at 13 ca.pem: 'ca.pem' is not an OCSP response (DER)",
    ],
  )
  assert.match(problems[8] ?? '', /^warning at 10 old\.pem: 'old\.pem': the certificate has expired: /)
})

test('reports errors in other options at the directive', () => {
  const { problems } = load({
    section: 'tls cert-file = both.pem',
    listen: [
      'tls tls ciphers = NONE',
      'tls tls ciphersuites = NONE',
      'tls tls groups = NONE',
      "tls tls alpn = 'h2', ''",
      'tls tls client-ca-file = text.pem',
      'tls tls client-ca-file = ca.pem tls crl-file = text.pem',
      'tls tls psk tls psk file = text.pem',
    ],
    remotes: [
      'a_b.example:1 tls server name = "a b"',
      '/run/x tls ca-file = ca.pem',
      'a.example:1 tls ca-file = text.pem',
      'a.example:1 tls verify = no cert-file = both.pem key-file = www.key',
    ],
  })
  const places = problems.map((text) => text.slice(0, text.indexOf(': ')))
  assert.deepEqual(places, [
    'warning at 2 NONE',
    'error at 2 NONE',
    'error at 3 NONE',
    'error at 4 NONE',
    "error at 5 'h2',",
    'error at 6 text.pem',
    'error at 7 text.pem',
    'error at 8 text.pem',
    'error at 10 "a',
    'error at 11 remote',
    'error at 12 text.pem',
    'error at 13 www.key',
  ])
})

test('reports an error that two listeners inherit once', () => {
  const { problems } = load({ listen: ['tls', 'tls alpn = h2 tls'], section: 'tls cert-file = www.pem' })
  assert.deepEqual(problems, ["error at 5 www.pem: 'www.pem': the file contains no private key"])
})

test('health checks use the TLS settings of their remotes, also where sessions are plain', () => {
  const health = 'health { type = tls }'
  const { problems, probes, settings } = load({
    remotes: [
      `10.0.0.1:1 tls = yes ca-file = ca.pem ${health}`,
      '10.0.0.2:1 tls = yes ca-file = ca.pem health { type = ldap tls = no }',
      '10.0.0.3:1 ca-file = ca.pem health { type = postgres tls = yes server name = db.example }',
      '10.0.0.4:1 tls = yes ca-file = ca.pem health { type = postgres }',
      '10.0.0.5:1 tls = yes ca-file = ca.pem',
    ],
  })
  assert.deepEqual(problems, [])
  assert.deepEqual(
    probes.map((tls) => tls && [tls.serverName, tls.startsInProtocol]),
    [undefined, ['10.0.0.1', false], undefined, ['db.example', true], ['10.0.0.4', false], undefined],
  )
  assert.equal(probes[1]?.context, probes[3]?.context)
  assert.equal(settings.clients.length, 4, 'that of a check is no context of the reactors')
})

test('reports what is wrong with the TLS settings of a health check alone, once', () => {
  const found = (remote: string) => load({ remotes: [remote] }).problems
  assert.deepEqual(found('10.0.0.1:1 ca-file = text.pem health { type = tls }'), [
    "error at 3 text.pem: 'text.pem': the certificate cannot be read: not enough data",
  ])
  assert.deepEqual(found('10.0.0.1:1 tls = yes ca-file = ca.pem verify depth = 1 health { type = tls }'), [
    "warning at 3 remote: the health check of this remote does not apply 'verify depth'",
  ])
})
