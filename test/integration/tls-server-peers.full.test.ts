import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { needs } from '../harness/needs.js'
import { type SServer, sServer } from '../harness/openssl.js'
import { relayTo } from '../harness/relay.js'
import { type IdentityFiles, localhost } from '../harness/tls.js'

/** `openssl s_server` as a TLS remote. */

const VERSIONS = [
  ['-tls1_2', 'TLSv1.2'],
  ['-tls1_3', 'TLSv1.3'],
] as const

const believed = ({ certFile }: IdentityFiles, more = '') =>
  `tls = yes server name = localhost ca-file = ${certFile} ${more}`

/** It sends back each line reversed. */
async function reverses(t: TestContext, more = '', ...options: readonly string[]): Promise<SServer> {
  const server = localhost(t)
  return sServer(t, server, believed(server, more), '-rev', ...options)
}

for (const [flag, version] of VERSIONS) {
  test(`${version}: s_server gets the server name and protocol, and the session is resumed`, async (t) => {
    if (!needs(t, 'openssl')) return
    const remote = await reverses(t, 'alpn = one,two', flag, '-alpn', 'two')
    const relay = await relayTo(remote).with('access log = stderr').start(t)
    for (const resumed of ['no', 'yes']) {
      const client = await relay.connect()
      await client.send('hello\n')
      assert.equal(await client.read(6), 'olleh\n')
      await client.send('CLOSE\n')
      assert.equal(await client.ending(), 'end')
      await client.close()
      await relay.logged(
        new RegExp(`remote_tls=${version} .*remote_alpn=two .*remote_resumed=${resumed} .* end=done`),
      )
    }
  })
}

test('s_server: common and missing ciphers, groups and versions', async (t) => {
  if (!needs(t, 'openssl')) return
  for (const [words, options, expected] of [
    [
      'ciphers = ECDHE-ECDSA-AES128-GCM-SHA256 max version = TLSv1.2',
      '',
      / remote_cipher=ECDHE-ECDSA-AES128-GCM-SHA256 /,
    ],
    [
      'ciphersuites = TLS_CHACHA20_POLY1305_SHA256',
      '-groups P-384:X25519',
      / remote_cipher=TLS_CHACHA20_POLY1305_SHA256 /,
    ],
    ['min version = TLSv1.3', '-tls1_2', /is down: TLS: .*(protocol version|unsupported protocol)/],
    ['ciphers = ECDHE-RSA-AES128-GCM-SHA256', '-tls1_2', /is down: TLS: .*handshake failure/],
    ['groups = P-256', '-tls1_3 -groups X25519', /is down: TLS: .*handshake failure/],
  ] as const) {
    const remote = await reverses(t, words, ...options.split(' ').filter(Boolean))
    const relay = await relayTo(remote).with('access log = stderr', 'dial retries = 0').start(t)
    const client = await relay.connect()
    await client.send('hello\n').catch(() => {})
    await client.endWriting().catch(() => {})
    await client.ending()
    await client.close()
    await relay.logged(expected)
  }
})

test('s_server updates its keys, and asks for updates of ours', async (t) => {
  if (!needs(t, 'openssl')) return
  const server = localhost(t)
  const remote = await sServer(t, server, believed(server), '-tls1_3')
  const relay = await relayTo(remote).with('access log = stderr').start(t)
  const client = await relay.connect()
  for (let i = 0; i < 10; i++) {
    await client.send(`from the client ${i}\n`)
    await remote.dialogue.saw(new RegExp(`from the client ${i}`))
    await remote.dialogue.takes(i % 2 === 0 ? 'k\n' : 'K\n')
    remote.dialogue.say(`from the server ${i}\n`)
    assert.equal(await client.read(18), `from the server ${i}\n`)
  }
  remote.dialogue.say('Q\n')
  // It closes its socket without close_notify.
  assert.equal(await client.ending(), 'ECONNRESET')
  await relay.logged(/ end=remote-reset/)
  assert.equal((await remote.dialogue.ended()).match(/SSL_do_handshake -> 1/g)?.length, 10)
  await client.close()
})

test('s_server asks for renegotiation: the relay continues without, or the connection ends', async (t) => {
  if (!needs(t, 'openssl')) return
  const server = localhost(t)
  const remote = await sServer(t, server, believed(server), '-tls1_2')
  const relay = await relayTo(remote).with('access log = stderr').start(t)
  const client = await relay.connect()
  await client.send('before\n')
  await remote.dialogue.saw(/^before$/m)
  remote.dialogue.say('r\n')
  assert.notEqual(await client.ending(), 'end')
  await relay.isIdle()
  await client.close()
})
