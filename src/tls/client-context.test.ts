import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { type Identity, makeIdentity, makeRevocations, trustedPem } from '../../test/support/certificates.js'
import {
  authority,
  channels,
  client,
  connected,
  localhost,
  readText,
  runHandshake,
  server,
  writeText,
} from '../../test/support/tls-pair.js'
import { channelsAlive } from './channel.js'
import { checkClientTls, openClientContext } from './client-context.js'
import { type ClientTlsOptions, TlsProblems } from './options.js'
import { findSystemAuthorities } from './system-authorities.js'
import { TicketKeys } from './ticket-keys.js'
import { freeTrustStore, openTrustStore } from './trust-store.js'

after(() => assert.equal(channelsAlive(), 0, 'channels are left'))

const certificate = ({ pem, keyPem }: Identity) => ({ chain: pem, key: keyPem })

/** Connects to a server with this certificate; returns the reason of the failure, or ''. */
function reasonWith(remote: Identity, options: ClientTlsOptions): string {
  const [from, to] = [server({ certificates: [certificate(remote)] }), client(options)]
  const pair = channels(from, to)
  runHandshake(pair)
  const { reason } = pair.client
  if (reason !== '') assert.match(pair.server.reason, /alert/, 'the remote gets an alert')
  pair.close()
  from.retire()
  to.retire()
  return reason
}

test('accepts remotes with a matching certificate of a trusted authority only', () => {
  const other = makeIdentity({ name: 'other', isAuthority: true })
  const make = (wishes: object) => makeIdentity({ name: 'remote', issuer: authority, ...wishes })
  const named = make({ alternativeNames: ['db.example', '*.wild.example', '10.0.0.1', '2001:db8::1'] })
  const failed = (why: string) => `certificate verify failed (${why})`
  const rows: readonly (readonly [Identity, ClientTlsOptions, string])[] = [
    [named, { serverName: 'db.example' }, ''],
    [named, { serverName: 'DB.Example.' }, ''],
    [named, { serverName: 'a.wild.example' }, ''],
    [named, { serverName: 'a.b.wild.example' }, failed('hostname mismatch')],
    [named, { serverName: 'wild.example' }, failed('hostname mismatch')],
    [named, { serverName: 'remote' }, failed('hostname mismatch')],
    [named, { serverName: '10.0.0.1' }, ''],
    [named, { serverName: '2001:db8:0::1' }, ''],
    [named, { serverName: '10.0.0.2' }, failed('IP address mismatch')],
    [make({}), { serverName: 'remote' }, ''],
    [make({ issuer: other }), { serverName: 'remote' }, failed('unable to get local issuer certificate')],
    [make({ issuer: other }), { serverName: 'remote', authorities: other.pem }, ''],
    [make({ issuer: other }), { serverName: 'remote', authorities: trustedPem(other, 'trust') }, ''],
    [
      make({ issuer: other }),
      { serverName: 'remote', authorities: trustedPem(other, 'reject') },
      failed('certificate rejected'),
    ],
    [make({ issuer: other }), { serverName: 'elsewhere', verify: false }, ''],
    [make({ fromDays: -3, toDays: -1 }), { serverName: 'remote' }, failed('certificate has expired')],
    [make({ fromDays: 1 }), { serverName: 'remote' }, failed('certificate is not yet valid')],
    [
      named,
      { serverName: 'db.example', revocations: makeRevocations(authority, [named]) },
      failed('certificate revoked'),
    ],
    [named, { serverName: 'db.example', revocations: makeRevocations(authority, []) }, ''],
  ]
  for (const [remote, options, reason] of rows) {
    assert.equal(reasonWith(remote, options), reason, JSON.stringify(options.serverName))
  }
})

test('verifyError is available without verify', () => {
  const pair = connected({ certificates: [certificate(makeIdentity({ name: 'x' }))] }, { verify: false })
  assert.match(pair.client.verifyError ?? '', /self.signed certificate/)
  assert.equal(pair.server.verifyError, undefined)
  pair.close()
})

test('does not send an IP address as server name', () => {
  const certificates = [
    certificate(makeIdentity({ name: 'x', issuer: authority, alternativeNames: ['127.0.0.1'] })),
  ]
  const pair = connected({ certificates }, { serverName: '127.0.0.1' })
  assert.equal(pair.server.facts().serverName, undefined)
  pair.close()
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: keeps a limited number of sessions and resumes them`, () => {
    const tickets = new TicketKeys()
    tickets.set([{ name: randomBytes(16), hmac: randomBytes(32), aes: randomBytes(32) }])
    const [from, to] = [server({ tickets, versions: [version] }), client()]
    const resumed: boolean[] = []
    for (let i = 0; i < 40; i++) {
      const pair = channels(from, to)
      assert.deepEqual(runHandshake(pair), [0, 0])
      writeText(pair.server, 'hello')
      readText(pair.client)
      resumed.push(pair.client.facts().isResumed)
      assert.equal(pair.client.verifyError, undefined)
      pair.close()
    }
    assert.deepEqual(resumed, [false, ...Array(39).fill(true)])
    // Several connections at once: each TLS 1.3 ticket is used by one of them.
    const crowd = Array.from({ length: 30 }, () => channels(from, to))
    for (const pair of crowd) {
      runHandshake(pair)
      writeText(pair.server, 'hello')
      readText(pair.client)
    }
    const count = crowd.filter(({ client }) => client.facts().isResumed).length
    if (version === 'TLSv1.3') assert.ok(count < 3, `${count} resumed`)
    else assert.equal(count, 30)
    assert.ok(to.sessionCount <= 16)
    for (const { close } of crowd) close()
    from.retire()
    to.retire()
    tickets.free()
  })
}

test('contexts can share a trust store', () => {
  const problems = new TlsProblems()
  const trust = openTrustStore(authority.pem, undefined, problems)
  assert.deepEqual(problems.list, [])
  const contexts = ['localhost', 'elsewhere'].map(
    (serverName) => openClientContext({ serverName }, trust).context,
  )
  freeTrustStore(trust)
  const from = server()
  const reasons = contexts.map((to) => {
    assert.ok(to)
    const pair = channels(from, to)
    runHandshake(pair)
    pair.close()
    to.retire()
    return pair.client.reason
  })
  assert.deepEqual(reasons, ['', 'certificate verify failed (hostname mismatch)'])
  from.retire()
})

test('reports problems of the options of a remote', () => {
  const find = (options: ClientTlsOptions) =>
    checkClientTls(options).map(({ severity, part, message }) => `${severity} ${part}: ${message}`)
  const authorities = authority.pem
  assert.deepEqual(find({ authorities, serverName: 'a.example', certificate: certificate(localhost) }), [])
  assert.deepEqual(find({ verify: false }), [])
  assert.deepEqual(find({ authorities }), ['error server-name: verifying a remote requires its server name'])
  assert.deepEqual(find({ serverName: 'a' }), [
    'error authorities: verifying a remote requires trusted authorities',
  ])
  assert.deepEqual(find({ authorities, serverName: 'größe' }), [
    "error server-name: 'größe' is not a valid host name",
  ])
  assert.deepEqual(find({ authorities, serverName: '*.example' }), [
    "error server-name: '*.example' is not a valid host name",
  ])
  assert.deepEqual(find({ authorities, serverName: 'a', certificate: { chain: localhost.pem } }), [
    'error key: the file contains no private key',
  ])
  assert.match(
    find({ authorities: Buffer.from('x'), serverName: 'a' }).join(),
    /^error authorities: .* cannot be read: \S/,
  )
})

test("finds the system's authorities by SSL_CERT_FILE, or at the first existing location", () => {
  const files = new Map([
    ['/etc/ssl/cert.pem', Uint8Array.of(1)],
    ['/etc/pki/tls/certs/ca-bundle.crt', Uint8Array.of(2)],
    ['/mine.pem', Uint8Array.of(3)],
  ])
  const asked: string[] = []
  const read = (path: string) => {
    asked.push(path)
    return files.get(path)
  }
  assert.equal(findSystemAuthorities(read, {})?.path, '/etc/pki/tls/certs/ca-bundle.crt')
  assert.deepEqual(findSystemAuthorities(read, { SSL_CERT_FILE: '/mine.pem' })?.bytes, Uint8Array.of(3))
  assert.equal(findSystemAuthorities(read, { SSL_CERT_FILE: '/gone.pem' }), undefined)
  assert.equal(
    findSystemAuthorities(() => undefined, {}),
    undefined,
  )
  assert.ok(asked.includes('/etc/ssl/certs/ca-certificates.crt'))
})
