import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { sServer } from '../harness/openssl.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { fileWith, localhost, servedWith } from '../harness/tls.js'
import { variants } from '../harness/variants.js'

/** Remotes that authenticate with a pre-shared key. */

const VERSIONS = variants([['-tls1_3', 'TLSv1.3'] as const], [['-tls1_2', 'TLSv1.2'] as const])

const newKey = () => randomBytes(32).toString('hex')

function keyFile(t: TestContext, ...lines: readonly string[]): string {
  return fileWith(t, `# IDENTITY:KEY\n${lines.join('\n')}\n`)
}

for (const [flag, version] of VERSIONS) {
  test(`${version}: s_server and the relay authenticate each other by a key`, async (t) => {
    if (!needs(t, 'openssl')) return
    const key = newKey()
    const words = `tls = yes psk file = ${keyFile(t, `relay:${key}`, `other:${newKey()}`)} psk identity = relay`
    const server = localhost(t)
    const remote = await sServer(
      t,
      server,
      words,
      flag,
      '-psk',
      key,
      '-psk_identity',
      'relay',
      '-nocert',
      '-rev',
    )
    const relay = await relayTo(remote).with('access log = stderr').start(t)
    for (let i = 0; i < 2; i++) {
      const client = await relay.connect()
      await client.send('hello\n')
      assert.equal(await client.read(6), 'olleh\n')
      await client.send('CLOSE\n')
      assert.equal(await client.ending(), 'end')
      await client.close()
    }
    await relay.logged(
      new RegExp(` remote_tls=${version} .*remote_resumed=no remote_psk=relay .* end=done`),
      2,
    )
  })

  test(`${version}: a remote with another key or identity is down: s_server`, async (t) => {
    if (!needs(t, 'openssl')) return
    const key = newKey()
    const server = localhost(t)
    const rows: readonly (readonly [identity: string, theirs: string, more: readonly string[]])[] = [
      ['relay', newKey(), []],
      // With TLS 1.2 s_server only warns of an unknown identity.
      ...(version === 'TLSv1.2'
        ? []
        : ([
            ['nobody', key, []],
            // It continues with its certificate, which the configuration does not trust.
            ['nobody', key, ['-cert', server.certFile, '-key', server.keyFile]],
          ] as const)),
    ]
    for (const [identity, theirs, more] of rows) {
      const words = `tls = yes verify = no psk file = ${keyFile(t, `${identity}:${key}`)}`
      const without = more.length === 0 ? ['-nocert'] : []
      const options = [flag, '-psk', theirs, '-psk_identity', 'relay', ...without]
      const remote = await sServer(t, server, words, ...options)
      const relay = await relayTo(remote).with('dial retries = 0').start(t)
      const client = await relay.connect()
      assert.equal(await client.ending(), 'ECONNRESET')
      await client.close()
      await relay.logged(
        /is down: TLS: .*(alert|decrypt|psk|verify failed|handshake failure|bad record mac|digest check)/i,
      )
    }
  })

  test(`${version}: two relays, whose children have the key from their master`, async (t) => {
    const key = newKey()
    const inner = await remoteThat(echoes).start(t)
    const server = await relayTo(inner)
      .with(servedWith(localhost(t)), `tls psk file = ${keyFile(t, `joe:${newKey()}`, `relay:${key}`)}`)
      .with('access log = stderr')
      .listeningOn(`address = 127.0.0.1 port = 0 tls = ${version} tls psk = yes`)
      .start(t)
    const words = `tls = yes psk file = ${keyFile(t, `relay:${key}`)}`
    const plan = relayTo({ directive: `address = 127.0.0.1 port = ${server.port()} ${words}` })
    const master = await startMaster(t, plan.withMaster(spawning([2, 2], [5, 5])), { children: 2 })
    for (let i = 0; i < 3; i++) {
      const client = await master.connect()
      assert.equal(await client.exchange('hello'), 'hello')
      await client.close()
    }
    await server.logged(new RegExp(` tls=${version} .* psk=relay .* end=done`), 3)
  })
}
