import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { temporaryFolder } from '../../test/harness/clean-up.js'
import { needs } from '../../test/harness/needs.js'
import { makeIdentity } from '../../test/support/certificates.js'
import { makeRefusal, makeResponse } from '../../test/support/ocsp.js'
import { checkOcspResponse, type OcspSource, ocspSource } from './ocsp.js'

const URLS = ['https://secure.example/', 'ldap://directory.example/', 'http://ocsp.example:8080/path']

const root = makeIdentity({ name: 'root', isAuthority: true })
const issuer = makeIdentity({ name: 'intermediate', isAuthority: true, issuer: root })
const leaf = makeIdentity({ name: 'www.example', issuer, responders: URLS })
const other = makeIdentity({ name: 'other.example', issuer, responders: URLS })
const chain = Buffer.concat([leaf.pem, root.pem, issuer.pem])

function sourceOf(bytes: Uint8Array): OcspSource {
  const source = ocspSource(bytes)
  if (typeof source === 'string') throw new Error(source)
  return source
}

const source = sourceOf(chain)

test('uses the first http responder and finds the issuer anywhere in the chain', () => {
  assert.equal(source.url, URLS[2])
  assert.equal(source.name, `'CN=www.example' (serial ${leaf.serial.toString('hex').toUpperCase()})`)
  const same = sourceOf(Buffer.concat([leaf.pem, issuer.pem]))
  assert.equal(same.id, source.id)
  assert.notEqual(sourceOf(Buffer.concat([other.pem, issuer.pem])).id, source.id)
})

test('reports a missing responder or issuer', () => {
  const silent = makeIdentity({ name: 'silent', issuer, responders: URLS.slice(0, 2) })
  const noResponder = 'the certificate names no OCSP responder with an http URL'
  assert.equal(ocspSource(Buffer.concat([silent.pem, issuer.pem])), noResponder)
  assert.equal(ocspSource(makeIdentity({ name: 'plain' }).pem), noResponder)
  const noIssuer = "the file lacks the issuer's certificate, which an OCSP request needs"
  assert.equal(ocspSource(leaf.pem), noIssuer)
  assert.equal(ocspSource(Buffer.concat([leaf.pem, root.pem])), noIssuer)
  assert.equal(ocspSource(leaf.certificate), noIssuer)
  assert.equal(ocspSource(Buffer.from('nothing')), 'the certificate cannot be read')
})

test('interoperates with the responder of openssl', (t) => {
  if (!needs(t, 'openssl')) return
  const folder = temporaryFolder(t)
  const file = (name: string, content: Uint8Array | string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const serial = leaf.serial.toString('hex').toUpperCase()
  const expiry = new Date(Date.now() + 86_400_000)
    .toISOString()
    .replace(/\.\d+|[-:T]/g, '')
    .slice(2)
  const answerWith = (line: string) => {
    const answer = join(folder, 'answer')
    const { status, stderr } = spawnSync('openssl', [
      ...['ocsp', '-index', file('index', line), '-CA', file('ca.pem', issuer.pem)],
      ...['-rsigner', file('ca.pem', issuer.pem), '-rkey', file('ca.key', issuer.keyPem)],
      ...['-reqin', file('request', source.request), '-respout', answer, '-ndays', '1'],
    ])
    assert.equal(status, 0, String(stderr))
    return checkOcspResponse(source, readFileSync(answer))
  }
  const good = answerWith(`V\t${expiry}\t\t${serial}\tunknown\t/CN=www.example\n`)
  assert.equal(good.kind, 'good')
  assert.ok('expiresInMs' in good && Math.abs(good.expiresInMs - 86_400_000) < 60_000)
  const revoked = answerWith(`R\t${expiry}\t260101000000Z\t${serial}\tunknown\t/CN=www.example\n`)
  assert.equal(revoked.kind, 'revoked')
  const unknown = answerWith(`V\t${expiry}\t\t01\tunknown\t/CN=else\n`)
  assert.deepEqual(unknown, { kind: 'useless', reason: 'the responder reports the certificate as unknown' })
})

test('accepts responses of the issuer and of its delegated responders', () => {
  const about = { about: leaf, issuer }
  const delegate = makeIdentity({ name: 'responder', issuer, isOcspSigner: true })
  for (const response of [makeResponse(about), makeResponse({ ...about, signer: delegate })]) {
    const verdict = checkOcspResponse(source, response)
    assert.ok(verdict.kind === 'good' && Math.abs(verdict.expiresInMs - 3_600_000) < 10_000)
  }
  assert.equal(checkOcspResponse(source, makeResponse({ ...about, status: 'revoked' })).kind, 'revoked')
  const endless = checkOcspResponse(source, makeResponse({ ...about, toS: null }))
  assert.ok(endless.kind === 'good' && endless.expiresInMs > 80_000_000 && endless.expiresInMs < 86_400_000)
})

const NOT_SIGNED = /^invalid signature: /
const stranger = makeIdentity({ name: 'intermediate', isAuthority: true })
const foreign = makeIdentity({ name: 'responder', issuer: stranger, isOcspSigner: true })
const late = makeIdentity({ name: 'responder', issuer, isOcspSigner: true, fromDays: -9, toDays: -2 })

const REFUSED: Readonly<Record<string, readonly [response: Buffer, reason: RegExp]>> = {
  unknown: [makeResponse({ about: leaf, issuer, status: 'unknown' }), /reports the certificate as unknown/],
  'for another certificate': [makeResponse({ about: other, issuer }), /^it does not cover this certificate$/],
  expired: [makeResponse({ about: leaf, issuer, fromS: -60, toS: -5 }), /^it expired \d+ s ago$/],
  'not yet valid': [makeResponse({ about: leaf, issuer, fromS: 900 }), /^it only becomes valid in \d+ s$/],
  'by another issuer of the same name': [makeResponse({ about: leaf, issuer, signer: stranger }), NOT_SIGNED],
  'by a delegate of another issuer': [makeResponse({ about: leaf, issuer, signer: foreign }), NOT_SIGNED],
  'by a certificate without the OCSP signing usage': [
    makeResponse({ about: leaf, issuer, signer: other }),
    NOT_SIGNED,
  ],
  'by the certificate itself': [makeResponse({ about: leaf, issuer, signer: leaf }), NOT_SIGNED],
  'by an expired delegate': [makeResponse({ about: leaf, issuer, signer: late }), NOT_SIGNED],
  'by the issuer of the issuer': [makeResponse({ about: leaf, issuer, signer: root }), NOT_SIGNED],
  'an error status': [makeRefusal(6), /^the responder returned: unauthorized$/],
  'success without a response': [makeRefusal(0), /^not a basic OCSP response: /],
  'trailing bytes': [
    Buffer.concat([makeResponse({ about: leaf, issuer }), Buffer.of(0)]),
    /^trailing bytes after the response$/,
  ],
  nothing: [Buffer.alloc(0), /^not an OCSP response: /],
  'an HTML page': [Buffer.from('<html>Please log in</html>'), /^not an OCSP response: /],
}

for (const [name, [response, reason]] of Object.entries(REFUSED)) {
  test(`rejects a response: ${name}`, () => {
    const verdict = checkOcspResponse(source, response)
    assert.match(verdict.kind === 'useless' ? verdict.reason : verdict.kind, reason)
  })
}

test('rejects a response with any byte changed or missing', () => {
  const response = makeResponse({ about: leaf, issuer })
  const index = fc.nat(response.length - 1)
  fc.assert(
    fc.property(index, fc.integer({ min: 1, max: 255 }), (at, change) => {
      const wrong = Buffer.from(response)
      wrong[at] = (wrong[at] as number) ^ change
      assert.equal(checkOcspResponse(source, wrong).kind, 'useless')
    }),
  )
  fc.assert(
    fc.property(index, (length) => {
      assert.equal(checkOcspResponse(source, response.subarray(0, length)).kind, 'useless')
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(checkOcspResponse(source, bytes).kind, 'useless')
    }),
  )
})
