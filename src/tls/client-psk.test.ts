import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { makeIdentity } from '../../test/support/certificates.js'
import {
  authority,
  channels,
  readText,
  runHandshake,
  server,
  writeText,
} from '../../test/support/tls-pair.js'
import { channelsAlive } from './channel.js'
import { openClientContext } from './client-context.js'
import type { ClientTlsOptions, ServerTlsOptions, TlsVersion } from './options.js'

/** Pre-shared keys on the client's side. */

const VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3']
const key = randomBytes(32)
const psk = { identity: 'relay', key }
const keys = new Map([['relay', key]])
const own = { authorities: authority.pem, serverName: 'localhost' }

after(() => assert.equal(channelsAlive(), 0, 'channels are left'))

/** The result of a handshake: the identity on the server, or the reason of the failure. */
function meeting(serves: Partial<ServerTlsOptions>, options: ClientTlsOptions) {
  const from = server(serves)
  const { context: to, problems } = openClientContext(options)
  assert.ok(to, problems.map(({ message }) => message).join('; '))
  const pair = channels(from, to)
  const hasMet = runHandshake(pair).every((outcome) => outcome === 0)
  const { reason } = pair.client
  const facts = hasMet ? pair.client.facts() : undefined
  if (facts !== undefined) {
    assert.equal(pair.server.facts().pskIdentity, facts.pskIdentity)
    writeText(pair.server, 'hello')
    assert.equal(readText(pair.client), 'hello')
  }
  pair.close()
  from.retire()
  to.retire()
  return { facts, reason }
}

for (const version of VERSIONS) {
  const versions = [version]
  const withKeys = { certificates: [], psk: keys, versions }

  test(`${version}: authenticates a remote by its key, without a certificate, repeatedly`, () => {
    for (const serves of [withKeys, { psk: keys, versions }]) {
      const { facts, reason } = meeting(serves, { psk })
      assert.equal(reason, '')
      assert.deepEqual(
        [facts?.pskIdentity, facts?.isResumed, facts?.peer, facts?.version],
        ['relay', false, undefined, version],
      )
      if (version === 'TLSv1.2') assert.match(facts?.cipher ?? '', /^ECDHE-PSK-/, 'forward secrecy')
      else assert.notEqual(facts?.group, '', 'forward secrecy')
    }
  })

  test(`${version}: rejects another key or identity`, () => {
    for (const wrong of [
      { identity: 'relay', key: randomBytes(32) },
      { identity: 'nobody', key },
    ]) {
      const { facts, reason } = meeting(withKeys, { psk: wrong })
      assert.equal(facts, undefined)
      assert.match(reason, /alert|decrypt/)
    }
  })

  test(`${version}: accepts a certificate instead of the key only with own authorities`, () => {
    for (const verify of [true, false]) {
      assert.equal(meeting({ versions }, { psk, verify }).facts, undefined, 'no authority')
      const { facts } = meeting({ versions }, { psk, verify, ...own })
      assert.deepEqual([facts?.pskIdentity, facts?.peer?.subject], [undefined, 'CN=localhost'])
      const stranger = makeIdentity({ name: 'localhost', alternativeNames: ['localhost'] })
      const certificates = [{ chain: stranger.pem, key: stranger.keyPem }]
      assert.equal(meeting({ certificates, versions }, { psk, verify, ...own }).facts, undefined, 'another')
    }
    assert.equal(meeting({ psk: keys, versions }, { psk, ...own }).facts?.pskIdentity, 'relay')
  })
}

test('rejects keys and identities of invalid length', () => {
  for (const wrong of [
    { identity: '', key },
    { identity: 'x'.repeat(129), key },
    { identity: 'relay', key: new Uint8Array(0) },
    { identity: 'relay', key: new Uint8Array(257) },
  ]) {
    const { context, problems } = openClientContext({ psk: wrong })
    assert.equal(context, undefined)
    assert.deepEqual(
      problems.map(({ part }) => part),
      ['psk'],
    )
  }
})
