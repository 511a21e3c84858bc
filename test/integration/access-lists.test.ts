import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { clientHello } from '../harness/client-hello.js'
import { MODES, type Running } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { echoes, type Remote, remoteThat, says } from '../harness/remote.js'
import { replaceFile } from '../harness/replace-file.js'
import { connectTls, fileWith, localhost, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { type Identity, makeIdentity } from '../support/certificates.js'
import { inCountry, mmdb } from '../support/mmdb.js'

/** Lists of access rules at the section, at listeners and at routes. */

const ANY_PORT = 'address = 127.0.0.1 port = 0'

/** What a client from an address of the loopback receives up to the end; '' if it is refused. */
async function answer(
  t: TestContext,
  running: Running,
  { from = '127.0.0.1', bytes = Buffer.alloc(0) as Uint8Array, listener = 0 },
): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: running.port(listener), localAddress: from })
  const client = new Client(t, socket)
  if (bytes.length > 0) await client.send(bytes).catch(() => {})
  const received = await client.readToEnd().catch(() => '')
  await client.close()
  return received
}

const pool = (name: string, { directive }: Remote): string => `pool = ${name} { remote = { ${directive} } }`

for (const mode of MODES) {
  test(`${mode.name}: a client has to pass the list of the section and that of its listener`, async (t) => {
    const remote = await remoteThat(says('served')).start(t)
    const plan = relayTo(remote)
      .listeningOn(
        `${ANY_PORT} permit = 127.0.0.1, 127.0.0.2`,
        `${ANY_PORT} deny = 127.0.0.3 default = permit`,
      )
      .withMaster('deny = 127.0.0.2', 'default = permit')
      .with('access log = stderr')
    const running = await mode.start(t, plan)
    const served = async (listener: number) => {
      const hosts = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
      const answers = await Promise.all(hosts.map((from) => answer(t, running, { from, listener })))
      return hosts.filter((_, i) => answers[i] === 'served').join()
    }
    assert.deepEqual([await served(0), await served(1)], ['127.0.0.1', '127.0.0.1'])
    await running.logged(/client=127\.0\.0\.2:.* end=rejected rule=\S+:\d+$/, 2)
    await running.logged(/client=127\.0\.0\.3:.* end=listener-rule rule=none@listener$/)
    await running.logged(/client=127\.0\.0\.3:.* end=listener-rule rule=\S+:\d+@listener$/)
  })

  test(`${mode.name}: rules about the server name decide when it is known, those of a route after it`, async (t) => {
    const [web, other] = await Promise.all(['web', 'other'].map((text) => remoteThat(says(text)).start(t)))
    assert.ok(web && other)
    const plan = relayTo(other)
      .withMaster('deny = 127.0.0.9', 'deny server name = bad.test', 'default = permit')
      .with(
        pool('web', web),
        'route = { server name = web.test  pool = web  permit = 127.0.0.1 }',
        'access log = stderr',
      )
    const running = await mode.start(t, plan)
    const named = async (servername: string, from = '127.0.0.1') =>
      answer(t, running, { from, bytes: await clientHello({ servername }) })
    assert.equal(await named('web.test'), 'web')
    assert.equal(await named('web.test', '127.0.0.2'), '')
    assert.equal(await named('other.test', '127.0.0.2'), 'other')
    assert.equal(await named('bad.test'), '')
    assert.equal(await named('other.test', '127.0.0.9'), '')
    await running.logged(/client=127\.0\.0\.2:.* end=route-rule rule=none@route:\S+:\d+$/)
    await running.logged(/client=127\.0\.0\.1:.* end=rejected rule=\S+:\d+$/)
    await running.logged(/client=127\.0\.0\.9:.* end=rejected rule=\S+:\d+$/)
    await running.logged(/connection attempt from 127\.0\.0\.2:\d+ rejected \(listener .*, rule none@route:/)
  })
}

for (const mode of MODES) {
  test(`${mode.name}: rules about time are evaluated at the accept`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote)
      .listeningOn(
        `${ANY_PORT} deny time = "00:00-24:00 UTC" default = permit`,
        `${ANY_PORT} permit time = "00:00-24:00 UTC"`,
      )
      .with('access log = stderr')
    const running = await mode.start(t, plan)
    assert.equal(await answer(t, running, {}), '')
    await running.logged(/ end=listener-rule rule=\S+:\d+@listener$/)
    const client = await Client.connect(t, { port: running.port(1) })
    assert.equal(await client.exchange('hello'), 'hello')
    await client.close()
  })
}

for (const mode of MODES) {
  test(`${mode.name}: a database that changes decides without a reload, a broken one does not`, async (t) => {
    const remote = await remoteThat(says('served')).start(t)
    const path = join(temporaryFolder(t), 'geo.mmdb')
    const inGermany = (network: string) => mmdb({ [network]: inCountry('DE') })
    writeFileSync(path, inGermany('127.0.0.2/32'))
    const plan = relayTo(remote)
      .withTop(`geo file = ${path}`)
      .withMaster('deny country = DE', 'default = permit')
    const running = await mode.start(t, plan)
    const served = async () => {
      const hosts = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
      const answers = await Promise.all(hosts.map((from) => answer(t, running, { from })))
      return hosts.filter((_, i) => answers[i] === 'served').join()
    }
    assert.equal(await served(), '127.0.0.1,127.0.0.3')
    replaceFile(path, inGermany('127.0.0.2/31'))
    await running.logged(/access rules: .*geo\.mmdb has changed: 1 range is in force/)
    await until('the new networks', async () => (await served()) === '127.0.0.1')
    replaceFile(path, 'rubbish')
    await running.logged(
      /geo\.mmdb' is not a database in the format MMDB: .*: the previous ranges \(1\) stay in force/,
    )
    assert.equal(await served(), '127.0.0.1')
  })
}

for (const mode of MODES) {
  test(`${mode.name}: rules about the certificate and the version of TLS`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const authority = makeIdentity({ name: 'devices', isAuthority: true })
    const device = (name: string) => makeIdentity({ name, issuer: authority })
    const plan = relayTo(remote)
      .with(
        servedWith(localhost(t)),
        `tls client-ca-file = ${fileWith(t, authority.pem)}`,
        'tls verify = request',
        'access log = stderr',
      )
      .listeningOn(
        `${ANY_PORT} tls = yes deny not tls version = TLSv1.3 deny client certificate subject = "CN=lost" ` +
          'permit client certificate issuer = "CN=devices"',
      )
    const running = await mode.start(t, plan)
    const isServed = async (
      identity: Identity | undefined,
      maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3',
    ) => {
      const shown = identity === undefined ? {} : { cert: identity.pem, key: identity.keyPem }
      const client = await connectTls(t, running.port(), { ...shown, maxVersion })
      const echoed = await client.exchange('hello').catch(() => '')
      await client.close()
      return echoed === 'hello'
    }
    assert.equal(await isServed(device('good')), true)
    assert.equal(await isServed(device('lost')), false)
    assert.equal(await isServed(undefined), false)
    assert.equal(await isServed(device('good'), 'TLSv1.2'), false)
    await running.logged(/ subject=CN=lost .* end=listener-rule rule=\S+:\d+@listener$/)
    await running.logged(/ end=listener-rule rule=none@listener$/)
  })
}
