import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import type { Dialogue } from '../harness/dialogue.js'
import { spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { sClient } from '../harness/openssl.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { fileWith, identityFiles, localhost, servedWith } from '../harness/tls.js'
import { type Identity, type KeyKind, makeIdentity } from '../support/certificates.js'

/** `openssl s_client` as the client of a TLS listener. */

const VERSIONS = [
  ['-tls1_2', 'TLSv1.2'],
  ['-tls1_3', 'TLSv1.3'],
] as const

async function terminating(t: TestContext, ...lines: readonly string[]): Promise<RelayPlan> {
  const remote = await remoteThat(echoes).start(t)
  return relayTo(remote)
    .with(...lines, 'access log = stderr')
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
}

function named(t: TestContext, name: string, kind: KeyKind = 'ec') {
  return identityFiles(t, makeIdentity({ name, kind, alternativeNames: [name] }))
}

/** Sends a line, reads its echo and closes. */
async function exchanges(client: Dialogue, line = 'a line'): Promise<string> {
  client.say(`${line}\n`)
  await client.saw(new RegExp(`^${line}$`, 'm'))
  client.say('Q\n')
  return client.ended()
}

test('s_client: ciphers, groups and kinds of certificates', async (t) => {
  if (!needs(t, 'openssl')) return
  const kinds = ['rsa', 'ec', 'ed25519'] as const
  const blocks = kinds.map((kind) => {
    const { certFile, keyFile } = named(t, 'localhost', kind)
    return `tls certificate = { cert-file = ${certFile} key-file = ${keyFile} }`
  })
  const relay = await (await terminating(t, ...blocks)).start(t)
  for (const [options, cipher] of [
    ['-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
    ['-tls1_2 -cipher ECDHE-RSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
    ['-tls1_2 -cipher ECDHE-RSA-AES128-SHA', 'ECDHE-RSA-AES128-SHA'],
    ['-tls1_2 -groups X448:P-256 -sigalgs ed25519', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
    ['-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256 -sigalgs rsa_pss_rsae_sha256', 'TLS_AES_128_GCM_SHA256'],
    ['-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
    ['-tls1_3 -groups P-384 -sigalgs ed25519', 'TLS_AES_256_GCM_SHA384'],
  ] as const) {
    const words = ['-servername', 'localhost', ...options.split(' ')]
    const output = await exchanges(sClient(t, relay.port(), ...words))
    assert.match(output, new RegExp(`Cipher is ${cipher}$`, 'm'), options)
  }
  await relay.logged(/ cipher=.* end=done/, 7)
})

test('an s_client without common parameters gets an alert', async (t) => {
  if (!needs(t, 'openssl')) return
  const lines = [servedWith(named(t, 'localhost', 'rsa')), 'tls groups = X25519:P-256']
  const relay = await (await terminating(t, ...lines)).start(t)
  for (const options of [
    '-tls1_1 -cipher ALL@SECLEVEL=0',
    '-tls1_2 -cipher aNULL@SECLEVEL=0',
    '-tls1_2 -cipher AES128-SHA',
    '-tls1_3 -groups P-521',
  ]) {
    const output = await sClient(t, relay.port(), ...options.split(' ')).ended()
    assert.match(output, /alert (handshake failure|protocol version)/, options)
  }
  await relay.logged(/TLS with .* failed: (no shared cipher|unsupported protocol|no suitable key share)/)
  await relay.logged(/end=bad-greeting/, 4)
})

test('s_client gets the certificate of its server name, and the protocol', async (t) => {
  if (!needs(t, 'openssl')) return
  const other = named(t, 'other.example')
  const block = `tls certificate = { cert-file = ${other.certFile} key-file = ${other.keyFile} }`
  const plan = await terminating(t, servedWith(named(t, 'main.example')), block, 'tls alpn = h2,http/1.1')
  const relay = await plan.start(t)
  for (const [flag] of VERSIONS) {
    for (const [asked, shown] of [
      ['other.example', 'other.example'],
      ['nobody.example', 'main.example'],
    ] as const) {
      const words = [flag, '-servername', asked, '-alpn', 'http/1.1,h2']
      const output = await exchanges(sClient(t, relay.port(), ...words))
      assert.match(output, new RegExp(`subject=CN = ${shown}`))
      assert.match(output, /ALPN protocol: h2/)
    }
  }
  const refused = await sClient(t, relay.port(), '-alpn', 'spdy/3').ended()
  assert.match(refused, /alert no application protocol/)
})

test('an s_client with an unknown server name is rejected if the listener says so', async (t) => {
  if (!needs(t, 'openssl')) return
  const plan = await terminating(t, servedWith(named(t, 'main.example')), 'tls unknown name = refuse')
  const relay = await plan
    .listeningOn(
      'address = 127.0.0.1 port = 0 tls = yes',
      'address = 127.0.0.1 port = 0 tls = yes tls unknown name = default',
    )
    .start(t)
  for (const [flag] of VERSIONS) {
    const refused = await sClient(t, relay.port(0), flag, '-servername', 'nobody.example').ended()
    assert.match(refused, /unrecognized name/)
    await exchanges(sClient(t, relay.port(0), flag, '-servername', 'MAIN.example'))
    await exchanges(sClient(t, relay.port(0), flag, '-noservername'))
    await exchanges(sClient(t, relay.port(1), flag, '-servername', 'nobody.example'))
  }
  await relay.logged(/TLS with .* failed: no certificate for server name 'nobody\.example'/)
  await relay.logged(/ sni=nobody\.example .* end=done/, 2)
  await relay.logged(/ end=bad-greeting/, 2)
})

test('s_client with a pre-shared key; with a wrong one; with an unknown identity', async (t) => {
  if (!needs(t, 'openssl')) return
  const key = randomBytes(32).toString('hex')
  const file = fileWith(t, `# who may come\n\njoe:${key}\n`)
  const plan = await terminating(t, `tls psk file = ${file}`)
  const relay = await plan.listeningOn('address = 127.0.0.1 port = 0 tls = yes tls psk = yes').start(t)
  for (const [flag, version] of VERSIONS) {
    const client = (identity: string, secret: string) =>
      sClient(t, relay.port(), flag, '-psk', secret, '-psk_identity', identity)
    await exchanges(client('joe', key))
    await relay.logged(new RegExp(` tls=${version} .* end=done`))
    for (const [identity, secret] of [
      ['joe', randomBytes(32).toString('hex')],
      ['jim', key],
    ] as const) {
      assert.match(await client(identity, secret).ended(), /alert|error/)
    }
  }
  await relay.logged(/end=bad-greeting/, 4)
})

test('s_client gets the OCSP response of the file and accepts it', async (t) => {
  if (!needs(t, 'openssl')) return
  const authority = makeIdentity({ name: 'authority', isAuthority: true })
  const identity = makeIdentity({ name: 'localhost', alternativeNames: ['localhost'], issuer: authority })
  const server = identityFiles(t, identity)
  const { authorityFile, response } = responseFor(t, authority, identity, server.certFile)
  const plan = await terminating(t, servedWith(server), `tls ocsp-file = ${response}`)
  const relay = await plan.start(t)
  for (const [flag] of VERSIONS) {
    const words = [flag, '-status', '-CAfile', authorityFile, '-verify_return_error']
    const output = await exchanges(sClient(t, relay.port(), ...words))
    assert.match(output, /OCSP Response Status: successful/)
    assert.match(output, /Cert Status: good/)
    assert.match(output, /Verify return code: 0 \(ok\)/)
  }
})

test('s_client resumes its session in another child', async (t) => {
  if (!needs(t, 'openssl')) return
  const plan = await terminating(t, servedWith(localhost(t)))
  const master = await startMaster(t, plan.withMaster(spawning([2, 2], [1, 100])), { children: 2 })
  for (const [flag, version] of VERSIONS) {
    await master.holds(0, 0)
    const file = join(temporaryFolder(t), 'session')
    const first = sClient(t, master.port(), flag, '-sess_out', file)
    first.say('first\n')
    await first.saw(/^first$/m)
    const second = sClient(t, master.port(), flag, '-sess_in', file)
    second.say('second\n')
    await second.saw(/^second$/m)
    await master.holds(1, 1)
    for (const client of [first, second]) {
      client.say('Q\n')
      await client.ended()
    }
    assert.match(first.text, /^New, /m)
    assert.match(second.text, /^Reused, /m)
    await master.logged(new RegExp(` tls=${version} .* resumed=yes `))
  }
})

/** A response of `openssl ocsp` that says that the certificate is good. */
function responseFor(t: TestContext, authority: Identity, { serial }: Identity, certFile: string) {
  const { certFile: authorityFile, keyFile } = identityFiles(t, authority)
  const folder = temporaryFolder(t)
  const response = join(folder, 'response.der')
  const row = ['V', '491231235959Z', '', serial.toString('hex').toUpperCase(), 'unknown', '/CN=localhost']
  const index = fileWith(t, `${row.join('\t')}\n`)
  const signer = ['-CA', authorityFile, '-rsigner', authorityFile, '-rkey', keyFile]
  const about = ['-issuer', authorityFile, '-cert', certFile]
  const words = [
    'ocsp',
    '-index',
    index,
    ...signer,
    ...about,
    '-noverify',
    '-ndays',
    '7',
    '-respout',
    response,
  ]
  const { stderr } = spawnSync('openssl', words)
  assert.ok(readFileSync(response).length > 100, stderr.toString())
  return { authorityFile, response }
}

test('s_client updates its keys, and makes the relay update its own, many times', async (t) => {
  if (!needs(t, 'openssl')) return
  const relay = await (await terminating(t, servedWith(localhost(t)))).start(t)
  const client = sClient(t, relay.port(), '-tls1_3')
  for (let i = 0; i < 10; i++) {
    client.say(`line ${i}\n`)
    await client.saw(new RegExp(`^line ${i}$`, 'm'))
    client.text = ''
    client.say(i % 2 === 0 ? 'k\n' : 'K\n')
    await client.saw(/KEYUPDATE/)
  }
  await exchanges(client, 'the last line')
  await relay.logged(/ to_remote=84 to_client=84 .* end=done/)
})

test('renegotiation by s_client is refused', async (t) => {
  if (!needs(t, 'openssl')) return
  const relay = await (await terminating(t, servedWith(localhost(t)))).start(t)
  const client = sClient(t, relay.port(), '-tls1_2')
  client.say('before\n')
  await client.saw(/^before$/m)
  client.say('R\n')
  await client.saw(/RENEGOTIATING/)
  assert.match(await client.ended(), /no.renegotiation/)
  await relay.isIdle()
})
