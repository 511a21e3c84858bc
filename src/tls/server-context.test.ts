import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { type Identity, makeIdentity, makeRevocations } from '../../test/support/certificates.js'
import {
  authority,
  type ChannelPair,
  channels,
  client,
  connected,
  readText,
  runHandshake,
  scratch,
  server,
  writeText,
} from '../../test/support/tls-pair.js'
import { channelsAlive } from './channel.js'
import type { ClientContext } from './client-context.js'
import type { ClientTlsOptions, ServerTlsOptions, TlsVersion } from './options.js'
import { PROTOCOL_ERROR } from './outcomes.js'
import type { ServerContext } from './server-context.js'
import { type TicketKey, TicketKeys } from './ticket-keys.js'

const VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3']

after(() => assert.equal(channelsAlive(), 0, 'channels are left'))

const makeTicketKey = (): TicketKey => ({
  name: randomBytes(16),
  hmac: randomBytes(32),
  aes: randomBytes(32),
})

const certificate = ({ pem, keyPem }: Identity) => ({ chain: pem, key: keyPem })

/** A handshake that may fail: the reasons of both sides, '' for none. */
function attempt(serverOptions: Partial<ServerTlsOptions>, clientOptions: ClientTlsOptions) {
  const [from, to] = [server(serverOptions), client(clientOptions)]
  const pair = channels(from, to)
  const outcomes = runHandshake(pair)
  // A TLS 1.3 client completes its handshake before the server has verified its certificate.
  if (outcomes[1] === 0 && outcomes[0] !== 0) pair.client.read(scratch, 0, 10)
  const reasons = { server: pair.server.reason, client: pair.client.reason }
  const verifyError = pair.server.verifyError
  pair.close()
  from.retire()
  to.retire()
  return { ...reasons, outcomes, verifyError }
}

function subjectFor(pair: ChannelPair): string | undefined {
  const subject = pair.client.facts().peer?.subject
  pair.close()
  return subject
}

for (const version of VERSIONS) {
  test(`${version}: chooses the certificate by the server name`, () => {
    const make = (name: string, ...alternativeNames: string[]) =>
      certificate(makeIdentity({ name, issuer: authority, alternativeNames }))
    const certificates = [
      make('first', 'first.example'),
      make('exact', 'www.example.com'),
      make('wild', '*.example.com', 'example.com'),
      make('common.example'),
      { ...make('named', 'not.this.one'), serverNames: ['Given.Example.'] },
    ]
    const rows: Record<string, string> = {
      'first.example': 'CN=first',
      'www.example.com': 'CN=exact',
      'WWW.Example.COM': 'CN=exact',
      'other.example.com': 'CN=wild',
      'example.com': 'CN=wild',
      'a.b.example.com': 'CN=first',
      'common.example': 'CN=common.example',
      'given.example': 'CN=named',
      'not.this.one': 'CN=first',
      'unknown.example': 'CN=first',
      '127.0.0.1': 'CN=first',
    }
    for (const [serverName, subject] of Object.entries(rows)) {
      const pair = connected({ certificates, versions: [version] }, { serverName, verify: false })
      assert.equal(
        pair.server.facts().serverName,
        serverName === '127.0.0.1' ? undefined : serverName.toLowerCase(),
      )
      assert.equal(subjectFor(pair), subject, serverName)
    }
  })
}

for (const version of VERSIONS) {
  test(`${version}: rejects unknown server names if configured`, () => {
    const from = server({ refusesUnknownNames: true, versions: [version] })
    for (const [serverName, isWelcome] of [
      ['localhost', true],
      ['127.0.0.1', true], // is not sent
      ['unknown.example', false],
      ['localhost', true],
    ] as const) {
      const to = client({ serverName, verify: false })
      const pair = channels(from, to)
      const outcomes = runHandshake(pair)
      assert.deepEqual(outcomes, isWelcome ? [0, 0] : [PROTOCOL_ERROR, PROTOCOL_ERROR])
      if (!isWelcome) {
        assert.equal(pair.server.reason, "no certificate for server name 'unknown.example'")
        assert.match(pair.client.reason, /unrecognized name/)
      }
      pair.close()
      to.retire()
    }
    from.retire()
  })
}

test('chooses between certificates of different key types by what the client supports', () => {
  const names = { issuer: authority, alternativeNames: ['localhost'] }
  const certificates = (['rsa', 'ec'] as const).map((kind) =>
    certificate(makeIdentity({ name: kind, kind, ...names })),
  )
  for (const [ciphers, subject] of [
    ['ECDHE-RSA-AES128-GCM-SHA256', 'CN=rsa'],
    ['ECDHE-ECDSA-AES128-GCM-SHA256', 'CN=ec'],
  ] as const) {
    for (const serverName of ['localhost', '127.0.0.1']) {
      const options = { ciphers, serverName, verify: false, versions: ['TLSv1.2'] } as const
      assert.equal(subjectFor(connected({ certificates }, options)), subject)
    }
  }
})

test('rejects versions that are not listed', () => {
  for (const version of VERSIONS) {
    const other = VERSIONS.filter((one) => one !== version)
    const { outcomes, server, client } = attempt({ versions: [version] }, { versions: other })
    assert.deepEqual(outcomes, [PROTOCOL_ERROR, PROTOCOL_ERROR])
    assert.match(server, /unsupported protocol|version/)
    assert.match(client, /alert protocol version/)
  }
  assert.deepEqual(attempt({ versions: VERSIONS }, { versions: VERSIONS }).outcomes, [0, 0])
})

test('negotiates only listed ciphers, cipher suites and groups', () => {
  const facts = (options: Partial<ServerTlsOptions>) => {
    const pair = connected(options)
    const { cipher, group } = pair.server.facts()
    pair.close()
    return `${cipher} ${group.toLowerCase()}`
  }
  const ciphersuites = 'TLS_AES_128_GCM_SHA256'
  assert.match(facts({ ciphersuites, groups: 'P-384' }), /^TLS_AES_128_GCM_SHA256 (secp384r1|p-384)$/)
  const ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384'
  assert.match(facts({ ciphers, versions: ['TLSv1.2'] }), /^ECDHE-ECDSA-AES256-GCM-SHA384 /)
  assert.equal(attempt({ groups: 'P-384' }, { groups: 'P-256' }).outcomes[0], PROTOCOL_ERROR)
})

for (const version of VERSIONS) {
  test(`${version}: chooses the application protocol by the server's preference`, () => {
    const alpn = (ours: string[] | undefined, theirs: string[] | undefined) => {
      const pair = connected({ alpn: ours, versions: [version] }, { alpn: theirs })
      const [one, other] = [pair.server.facts().alpn, pair.client.facts().alpn]
      assert.equal(one, other)
      pair.close()
      return one
    }
    assert.equal(alpn(['h2', 'http/1.1'], ['http/1.1', 'h2']), 'h2')
    assert.equal(alpn(['x', 'http/1.1'], ['http/1.1', 'h2']), 'http/1.1')
    assert.equal(alpn(['h2'], undefined), undefined)
    assert.equal(alpn(undefined, ['h2']), undefined)
    const refused = attempt({ alpn: ['h2'], versions: [version] }, { alpn: ['h3'] })
    assert.match(refused.client, /no application protocol/)
    assert.match(refused.server, /no application protocol/)
  })

  test(`${version}: verifies client certificates`, () => {
    const other = makeIdentity({ name: 'other', isAuthority: true })
    const make = (options: object) =>
      certificate(
        makeIdentity({ name: 'joe', issuer: authority, alternativeNames: ['joe@example.com'], ...options }),
      )
    const revoked = makeIdentity({ name: 'revoked', issuer: authority })
    const revocations = makeRevocations(authority, [revoked])
    const rows = [
      ['require', make({}), ''],
      ['request', make({}), ''],
      ['request', undefined, ''],
      ['require', undefined, 'peer did not return a certificate'],
      ['require', make({ toDays: -1, fromDays: -2 }), 'certificate verify failed (certificate has expired)'],
      [
        'request',
        make({ issuer: other }),
        'certificate verify failed (unable to get local issuer certificate)',
      ],
      ['require', make({ issuer: undefined }), /certificate verify failed \(self.signed certificate\)/],
      ['require', certificate(revoked), 'certificate verify failed (certificate revoked)'],
    ] as const
    for (const [verify, shown, reason] of rows) {
      const clientCertificates = { verify, authorities: authority.pem, revocations }
      const versions = [version]
      const result = attempt({ clientCertificates, versions }, { certificate: shown })
      if (typeof reason === 'string') assert.equal(result.server, reason)
      else assert.match(result.server, reason)
      assert.equal(result.outcomes[0], reason === '' ? 0 : PROTOCOL_ERROR)
      if (reason !== '') assert.match(result.client, /alert/)
    }
    const clientCertificates = { verify: 'require', authorities: authority.pem } as const
    const pair = connected({ clientCertificates, versions: [version] }, { certificate: make({}) })
    const peer = pair.server.facts().peer
    assert.equal(peer?.subject, 'CN=joe')
    assert.equal(peer.subjectLine, '/CN=joe')
    assert.equal(peer.issuer, 'CN=authority')
    assert.deepEqual(peer.alternativeNames, ['email:joe@example.com'])
    pair.close()
  })

  test(`${version}: resumes a session of another context with the same current or previous keys`, () => {
    const [first, second] = [makeTicketKey(), makeTicketKey()]
    const [one, other] = [new TicketKeys(), new TicketKeys()]
    one.set([first])
    other.set([first])
    const contexts = [one, other].map((tickets) => server({ tickets, versions: [version] }))
    const to = client({ versions: [version] })
    const [here, there] = contexts as [ServerContext, ServerContext]
    assert.equal(isResumed(here, to), false)
    assert.equal(isResumed(there, to), true, 'the other context decrypts its ticket')
    other.set([second, first])
    assert.equal(isResumed(there, to), true, 'the previous key still decrypts')
    assert.equal(isResumed(here, to), false, 'the new ticket is encrypted with the new key')
    other.set([second])
    assert.equal(isResumed(there, to), false, 'the previous key was removed')
    for (const context of [...contexts, to]) context.retire()
    for (const tickets of [one, other]) tickets.free()
  })

  test(`${version}: resumes no session without ticket keys`, () => {
    const [from, to] = [server({ versions: [version] }), client()]
    assert.equal(isResumed(from, to), false)
    assert.equal(isResumed(from, to), false)
    assert.equal(to.sessionCount, 0)
    from.retire()
    to.retire()
  })

  test(`${version}: resumes a session only with the same client authorities and revocations`, () => {
    const tickets = new TicketKeys()
    tickets.set([makeTicketKey()])
    const joe = makeIdentity({ name: 'joe', issuer: authority })
    const make = (options: object) =>
      server({
        tickets,
        versions: [version],
        clientCertificates: { verify: 'require', authorities: authority.pem, ...options },
      })
    const revocations = makeRevocations(authority, [joe])
    const contexts = [make({}), make({}), make({ revocations })]
    const [same, again, revoking] = contexts as [ServerContext, ServerContext, ServerContext]
    const to = client({ certificate: certificate(joe) })
    assert.equal(isResumed(same, to), false)
    assert.equal(isResumed(again, to), true)
    const pair = channels(revoking, to)
    runHandshake(pair)
    assert.equal(pair.server.reason, 'certificate verify failed (certificate revoked)')
    pair.close()
    for (const context of [...contexts, to]) context.retire()
    tickets.free()
  })

  test(`${version}: writes a key log`, () => {
    const lines: string[] = []
    connected({ onKeyLog: (line) => lines.push(line), versions: [version] }).close()
    const label = version === 'TLSv1.2' ? 'CLIENT_RANDOM' : 'CLIENT_TRAFFIC_SECRET_0'
    assert.ok(lines.some((line) => new RegExp(`^${label} [0-9a-f]{64} [0-9a-f]{64,96}$`, 'i').test(line)))
  })
}

/** A handshake, data in both directions so that tickets arrive, and an end. */
function isResumed(from: ServerContext, to: ClientContext): boolean {
  const pair = channels(from, to)
  assert.deepEqual(runHandshake(pair), [0, 0], `${pair.server.reason} / ${pair.client.reason}`)
  writeText(pair.server, 'hello')
  assert.equal(readText(pair.client), 'hello')
  const [one, other] = [pair.server.facts().isResumed, pair.client.facts().isResumed]
  assert.equal(one, other)
  pair.close()
  return one
}

test('a retired context remains usable until its last channel is freed', () => {
  const from = server()
  const pair = channels(from, client())
  from.retire()
  assert.deepEqual(runHandshake(pair), [0, 0])
  writeText(pair.server, 'still here')
  assert.equal(readText(pair.client), 'still here')
  pair.close()
})

test('a callback that throws fails only its own handshake', () => {
  const onKeyLog = () => {
    throw new Error('disk full')
  }
  const from = server({ onKeyLog })
  const pair = channels(from, client())
  assert.deepEqual(runHandshake(pair), [0, 0])
  pair.close()
  from.retire()
})
