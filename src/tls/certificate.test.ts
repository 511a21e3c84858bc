import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { type KeyKind, makeIdentity, makeRevocations, trustedPem } from '../../test/support/certificates.js'
import { authority, channels, client, localhost, runHandshake } from '../../test/support/tls-pair.js'
import type { ServerCertificateOptions, ServerTlsOptions } from './options.js'
import { checkServerTls, openServerContext } from './server-context.js'

const SECRET = 'öpen sesame'
const kinds: readonly KeyKind[] = ['ec', 'rsa', 'ed25519']

/** The problems as `severity part index: message`. */
function findings(options: Partial<ServerTlsOptions>): readonly string[] {
  return checkServerTls({ certificates: [{ chain: localhost.pem, key: localhost.keyPem }], ...options }).map(
    ({ severity, part, index, message }) =>
      `${severity} ${part}${index === undefined ? '' : ` ${index}`}: ${message}`,
  )
}

const ofCertificate = (certificate: ServerCertificateOptions) => findings({ certificates: [certificate] })

// Made once: a key of RSA may take a second.
const identities = new Map(
  kinds.map((kind) => [
    kind,
    makeIdentity({ name: 'localhost', kind, issuer: authority, alternativeNames: ['localhost'] }),
  ]),
)

function exported(
  kind: KeyKind,
  format: 'pem' | 'der',
  type: 'pkcs8' | 'pkcs1' | 'sec1',
  passphrase?: string,
) {
  const identity = identities.get(kind)
  assert.ok(identity)
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  // Node's types are stricter than necessary: all but one combination works.
  const options = { format, type, ...cipher } as { format: 'pem'; type: 'pkcs8' }
  return { chain: identity.pem, key: Buffer.from(identity.key.export(options)), identity }
}

for (const kind of kinds) {
  test(`${kind}: loads keys in every format`, () => {
    const older = kind === 'ec' ? 'sec1' : 'pkcs1'
    const forms: readonly ServerCertificateOptions[] = [
      exported(kind, 'pem', 'pkcs8'),
      exported(kind, 'der', 'pkcs8'),
      { ...exported(kind, 'pem', 'pkcs8', SECRET), passphrase: SECRET },
      { ...exported(kind, 'der', 'pkcs8', SECRET), passphrase: SECRET },
      ...(kind === 'ed25519'
        ? []
        : [
            exported(kind, 'pem', older),
            exported(kind, 'der', older),
            { ...exported(kind, 'pem', older, SECRET), passphrase: SECRET },
          ]),
    ]
    for (const [i, form] of forms.entries()) {
      const { context, problems } = openServerContext({ certificates: [form] })
      assert.deepEqual(problems, [], `form ${i}`)
      assert.ok(context)
      const to = client()
      const pair = channels(context, to)
      assert.deepEqual(runHandshake(pair), [0, 0], `form ${i}: ${pair.client.reason}`)
      pair.close()
      context.retire()
      to.retire()
    }
  })
}

test('loads certificate, chain and key from one file, from DER, and among other text', () => {
  const noise = Buffer.from('a comment\n-----BEGIN NOISE-----\nAAAA\n-----END NOISE-----\n-----BEGIN \n')
  assert.deepEqual(
    ofCertificate({ chain: Buffer.concat([noise, localhost.pem, noise, localhost.keyPem]) }),
    [],
  )
  assert.deepEqual(ofCertificate({ chain: localhost.certificate, key: localhost.keyPem }), [])
  assert.deepEqual(ofCertificate({ chain: trustedPem(localhost, 'trust'), key: localhost.keyPem }), [])
})

test('sends the chain with the certificate', () => {
  const between = makeIdentity({ name: 'between', issuer: authority, isAuthority: true })
  const leaf = makeIdentity({ name: 'localhost', issuer: between, alternativeNames: ['localhost'] })
  for (const [chain, reason] of [
    [Buffer.concat([leaf.pem, between.pem]), ''],
    [leaf.pem, 'certificate verify failed (unable to get local issuer certificate)'],
  ] as const) {
    const { context } = openServerContext({ certificates: [{ chain, key: leaf.keyPem }] })
    assert.ok(context)
    const pair = channels(context, client())
    runHandshake(pair)
    assert.equal(pair.client.reason, reason)
    pair.close()
    context.retire()
  }
})

/** With one of 256 keys the wrong passphrase leaves valid padding; then what is decrypted is no key. */
const UNDECRYPTED =
  /^error passphrase 0: the key cannot be decrypted with this passphrase: (bad decrypt|wrong tag)/

test('reports problems of certificate and key with the reason of OpenSSL', () => {
  const { chain, key } = exported('ec', 'pem', 'pkcs8', SECRET)
  const legacy = exported('rsa', 'pem', 'pkcs1', SECRET)
  const nothing = new Uint8Array(0)
  const cut = localhost.pem.subarray(0, 200)
  const bent = Buffer.from(localhost.pem.toString().replace('MII', 'NII'))
  const rows: readonly (readonly [ServerCertificateOptions, RegExp])[] = [
    [{ chain: nothing }, /^error certificate 0: the file is empty$/],
    [{ chain: Buffer.from('hello\n') }, /^error certificate 0: the certificate cannot be read: \S/],
    [{ chain: cut }, /^error certificate 0: the file contains no certificate$/],
    [{ chain: bent }, /^error certificate 0: the certificate cannot be read: \S/],
    [
      { chain: Buffer.concat([localhost.pem, bent]) },
      /^error certificate 0: certificate 2 of 2 cannot be read: \S/,
    ],
    [{ chain: localhost.pem }, /^error key 0: the file contains no private key$/],
    [{ chain: localhost.pem, key: localhost.pem }, /^error key 0: the file contains no private key$/],
    [{ chain: localhost.pem, key: nothing }, /^error key 0: the file is empty$/],
    [{ chain: localhost.pem, key: Buffer.from('hello\n') }, /^error key 0: the key cannot be read: \S/],
    [
      { chain: localhost.pem, key: authority.keyPem },
      /^error key 0: the key does not match the certificate: key values mismatch$/,
    ],
    [{ chain, key }, /^error passphrase 0: the key is encrypted: a passphrase is needed$/],
    [{ chain, key, passphrase: 'guess' }, UNDECRYPTED],
    [{ ...legacy, passphrase: 'guess' }, UNDECRYPTED],
    [{ ...exported('ec', 'der', 'pkcs8', SECRET), passphrase: 'guess' }, UNDECRYPTED],
    [
      { chain: localhost.pem, key: localhost.keyPem, serverNames: ['a b'] },
      /^error server-name 0: 'a b' is not a valid host name$/,
    ],
  ]
  for (const [certificate, expected] of rows) {
    const found = ofCertificate(certificate)
    assert.equal(found.length, 1, found.join('; '))
    assert.match(found[0] ?? '', expected)
  }
})

test('warns of certificates and revocation lists outside of their validity period', () => {
  const old = makeIdentity({ name: 'old', fromDays: -20, toDays: -10 })
  const early = makeIdentity({ name: 'early', fromDays: 10 })
  const [expired, future] = [old, early].map(({ pem, keyPem }) => ofCertificate({ chain: pem, key: keyPem }))
  assert.match(
    expired?.join() ?? '',
    /^warning certificate 0: the certificate has expired: \w+ +\d+ [\d:]+ \d+ GMT$/,
  )
  assert.match(future?.join() ?? '', /^warning certificate 0: the certificate is not valid before \w/)
  const clientCertificates = {
    verify: 'require',
    authorities: authority.pem,
    revocations: makeRevocations(authority, [], -1),
  } as const
  assert.match(
    findings({ clientCertificates }).join(),
    /^warning revocations: the revocation list has expired/,
  )
})

test('reports all problems in one pass, each with its certificate', () => {
  const good = { chain: localhost.pem, key: localhost.keyPem }
  const found = findings({
    certificates: [good, { chain: localhost.pem }, good, { chain: Buffer.from('-----BEGIN X') }],
    versions: [],
    ciphers: 'NO-SUCH:ALSO-NOT',
    ciphersuites: 'TLS_NOTHING',
    groups: 'P-256:no-such',
    alpn: ['', 'x'.repeat(256)],
    psk: new Map([['joe', new Uint8Array(0)]]),
    clientCertificates: {
      verify: 'require',
      authorities: Buffer.from('-----BEGIN X'),
      revocations: localhost.pem,
    },
  })
  assert.deepEqual(
    found.map((text) => text.split(':')[0]),
    [
      'error alpn',
      'error alpn',
      'error psk',
      'error key 1',
      'error certificate 3',
      'error versions',
      'error ciphersuites',
      'warning ciphers',
      'warning ciphers',
      'error ciphers',
      'error groups',
      'error authorities',
      'error revocations',
    ],
  )
  assert.match(found.join('\n'), /these ciphers cannot be used: no cipher match/)
})

test('warns of an unknown cipher if known ones remain', () => {
  assert.deepEqual(findings({ ciphers: 'ECDHE+AESGCM:NO-SUCH:!aNULL:@STRENGTH' }), [
    "warning ciphers: unknown cipher 'NO-SUCH'",
  ])
})

test('a server needs a certificate or a pre-shared key', () => {
  assert.deepEqual(findings({ certificates: [] }), ['error certificate: no certificate is configured'])
  assert.deepEqual(findings({ certificates: [], psk: new Map([['joe', Uint8Array.of(1)]]) }), [])
})

test('rejects a key that is too short with the reason of OpenSSL', () => {
  const { pem, keyPem } = makeIdentity({ name: 'weak', kind: 'weak' })
  assert.deepEqual(ofCertificate({ chain: pem, key: keyPem }), [
    'error certificate 0: the certificate cannot be used: ee key too small',
  ])
})
