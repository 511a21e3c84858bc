import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { TlsOptions } from 'node:tls'
import { until } from '../../../test/harness/until.js'
import { makeIdentity, makeRevocations } from '../../../test/support/certificates.js'
import { checkAt, PLAN } from '../../../test/support/checked.js'
import { tlsServerThat } from '../../../test/support/tls-served.js'
import type { ClientTlsSettings } from '../../engine/tls-settings.js'
import { ProbeTlsTable } from './probe-tls-loading.js'
import { keyOf } from './tls-loading.js'

/** What the check does on Node's TLS with settings that are made for OpenSSL. */

const DAYS_MS = 14 * 86_400_000
const authority = makeIdentity({ name: 'authority', isAuthority: true })
const server = makeIdentity({
  name: 'server',
  issuer: authority,
  alternativeNames: ['db.example', '127.0.0.1'],
})
const client = makeIdentity({ name: 'client', issuer: authority, kind: 'rsa' })
const SECRET = 'open sesame'

const SETTINGS: ClientTlsSettings = {
  versions: ['TLSv1.3', 'TLSv1.2'],
  serverName: 'db.example',
  verify: true,
  authorities: authority.pem,
  usesSystemAuthorities: false,
  handshakeTimeoutMs: 0,
  truncation: 'reset',
}

async function checked(
  t: TestContext,
  settings: Partial<ClientTlsSettings>,
  serves: TlsOptions = {},
  system?: Uint8Array,
): Promise<string> {
  const address = await tlsServerThat(t, { key: server.keyPem, cert: server.pem, ...serves })
  const tls = new ProbeTlsTable(keyOf).of({ ...SETTINGS, ...settings }, system, false)
  return checkAt(address, { type: 'tls', expiresWithinMs: DAYS_MS }, PLAN, { tls })
}

test('verifies the certificate against the CA, or the bundle of the system', async (t) => {
  assert.equal(await checked(t, {}), 'up: TLSv1.3')
  assert.equal(await checked(t, { authorities: authority.certificate }), 'up: TLSv1.3', 'DER')
  assert.equal(await checked(t, { serverName: '127.0.0.1' }), 'up: TLSv1.3')
  const usesSystem = { authorities: undefined, usesSystemAuthorities: true }
  assert.equal(await checked(t, usesSystem, {}, authority.pem), 'up: TLSv1.3')
  const other = makeIdentity({ name: 'other', isAuthority: true })
  const unknown = 'down: its certificate is not trusted: its issuer is not known (CN=server)'
  assert.equal(await checked(t, { authorities: other.pem }), unknown)
  assert.equal(await checked(t, usesSystem, {}, other.pem), unknown)
})

test('says why a certificate is not accepted', async (t) => {
  const serving = (identity: typeof server) => ({ key: identity.keyPem, cert: identity.pem })
  const names = { issuer: authority, alternativeNames: ['db.example'] }
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
  const old = makeIdentity({ name: 'old', ...names, fromDays: -9, toDays: -2 })
  assert.equal(
    await checked(t, {}, serving(old)),
    `down: its certificate has expired, or one of its chain (CN=old, ${day(-2)})`,
  )
  const early = makeIdentity({ name: 'early', ...names, fromDays: 2, toDays: 9 })
  assert.equal(
    await checked(t, {}, serving(early)),
    `down: its certificate is not valid yet (CN=early, from ${day(2)})`,
  )
  assert.equal(
    await checked(t, { serverName: 'www.example' }),
    'down: its certificate is not for "www.example" (CN=server)',
  )
  const self = makeIdentity({ name: 'self', alternativeNames: ['db.example'] })
  assert.equal(
    await checked(t, {}, serving(self)),
    'down: its certificate is not trusted: self-signed (CN=self)',
  )
  assert.equal(await checked(t, { verify: false }, serving(self)), 'up: TLSv1.3')
})

test('applies revocation lists, of each CA of a file', async (t) => {
  const other = makeIdentity({ name: 'other', isAuthority: true })
  const lists = (revoked: readonly (typeof server)[]) =>
    Buffer.concat([makeRevocations(other, []), makeRevocations(authority, revoked)])
  assert.equal(await checked(t, { revocations: lists([]) }), 'up: TLSv1.3')
  assert.equal(
    await checked(t, { revocations: lists([server]) }),
    'down: its certificate is revoked (CN=server)',
  )
})

test('uses the enabled versions, ciphers and groups', async (t) => {
  assert.equal(await checked(t, { versions: ['TLSv1.2'] }), 'up: TLSv1.2')
  assert.equal(await checked(t, {}, { maxVersion: 'TLSv1.2' }), 'up: TLSv1.2')
  assert.equal(
    await checked(t, { versions: ['TLSv1.3'] }, { maxVersion: 'TLSv1.2' }),
    'down: TLS handshake failed: tlsv1 alert protocol version',
  )
  const ciphers = { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', versions: ['TLSv1.2'] } as const
  assert.equal(await checked(t, ciphers), 'up: TLSv1.2')
  const refused = 'down: TLS handshake failed: sslv3 alert handshake failure'
  assert.equal(await checked(t, ciphers, { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }), refused)
  const suites = { ciphersuites: 'TLS_CHACHA20_POLY1305_SHA256', versions: ['TLSv1.3'] } as const
  assert.equal(await checked(t, suites), 'up: TLSv1.3')
  assert.equal(await checked(t, suites, { ciphers: 'TLS_AES_256_GCM_SHA384' }), refused)
  assert.equal(await checked(t, { groups: 'P-384:X25519' }, { ecdhCurve: 'P-384' }), 'up: TLSv1.3')
  assert.equal(await checked(t, { groups: 'X25519' }, { ecdhCurve: 'P-384' }), refused)
})

test('offers the protocols', async (t) => {
  const seen: unknown[] = []
  const options = { key: server.keyPem, cert: server.pem, ALPNProtocols: ['h2', 'x'] }
  const address = await tlsServerThat(t, options, (socket) => {
    seen.push(socket.alpnProtocol)
  })
  const tls = new ProbeTlsTable(keyOf).of({ ...SETTINGS, alpn: ['x'] }, undefined, false)
  assert.equal(await checkAt(address, { type: 'tls', expiresWithinMs: 0 }, PLAN, { tls }), 'up: TLSv1.3')
  await until('the server has shaken hands', () => seen.length > 0)
  assert.deepEqual(seen, ['x'])
})

test('sends the client certificate, with a key in any format', async (t) => {
  // TLS 1.2: the server then refuses within the handshake.
  const serves = {
    ca: authority.pem,
    requestCert: true,
    rejectUnauthorized: true,
    maxVersion: 'TLSv1.2',
  } as const
  assert.equal(await checked(t, {}, serves), 'down: TLS handshake failed: sslv3 alert handshake failure')
  const key = (type: 'pkcs8' | 'pkcs1', format: 'pem' | 'der', cipher?: string) =>
    Buffer.from(
      client.key.export({ type, format, ...(cipher && { cipher, passphrase: SECRET }) } as never) as never,
    )
  const ec = makeIdentity({ name: 'ec', issuer: authority })
  const secret = { passphrase: SECRET }
  const certificates = [
    { chain: Buffer.concat([client.pem, client.keyPem]) },
    { chain: client.certificate, key: key('pkcs8', 'der') },
    { chain: client.pem, key: key('pkcs1', 'der') },
    { chain: client.pem, key: key('pkcs1', 'pem') },
    { chain: client.pem, key: key('pkcs8', 'pem', 'aes-256-cbc'), ...secret },
    { chain: client.pem, key: key('pkcs8', 'der', 'aes-256-cbc'), ...secret },
    { chain: ec.pem, key: ec.key.export({ type: 'sec1', format: 'der' }) },
    { chain: ec.pem, key: ec.key.export({ type: 'pkcs8', format: 'der' }), ...secret },
  ]
  for (const [i, certificate] of certificates.entries())
    assert.equal(await checked(t, { certificate }, serves), 'up: TLSv1.2', `certificate ${i}`)
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: authenticates the remote by a pre-shared key alone`, async (t) => {
    const key = randomBytes(32)
    const psk = { identity: 'relay', key }
    const own = { psk, authorities: undefined, versions: [version] } as const
    const serves = (served: Buffer): TlsOptions => ({
      pskCallback: (_socket, identity) => (identity === 'relay' ? served : null),
      ciphers: 'PSK:TLS_AES_128_GCM_SHA256',
      maxVersion: version,
      minVersion: version,
    })
    const withKey = { ...serves(key), key: undefined, cert: undefined }
    assert.equal(await checked(t, own, withKey), `up: ${version}`)
    const wrong = { ...serves(randomBytes(32)), key: undefined, cert: undefined }
    assert.match(await checked(t, own, wrong), /^down: TLS handshake failed: /)
    // A server without the key, whose certificate no CA is given for.
    assert.match(await checked(t, own), /^down: (its certificate is not trusted|TLS handshake failed)/)
  })
}

test('remotes that differ in the name only share a context', () => {
  const table = new ProbeTlsTable(keyOf)
  const a = table.of(SETTINGS, undefined, false)
  const b = table.of({ ...SETTINGS, serverName: 'other' }, undefined, false)
  const c = table.of({ ...SETTINGS, ciphers: 'HIGH' }, undefined, false)
  assert.equal(a.context, b.context)
  assert.notEqual(a.context, c.context)
  assert.equal(new Set([a.id, b.id, c.id, table.of(SETTINGS, undefined, true).id]).size, 4)
  assert.equal(table.of(SETTINGS, undefined, false).id, a.id)
})
