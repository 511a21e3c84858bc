/**
 * PROXY headers between this program and HAProxy or nginx, beyond `proxy-protocol.test.ts` and `send-proxy-peers.full.test.ts`: with the facts of
 * TLS, over IPv6, to the stream module of nginx, and in a chain.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { freePort } from '../harness/free-ports.js'
import { needs } from '../harness/needs.js'
import { answers } from '../harness/nginx.js'
import { Program } from '../harness/program.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { connectTls, fileWith } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { makeIdentity } from '../support/certificates.js'

const ANY_PORT = 'address = 127.0.0.1 port = 0'
const ACCEPTS = 'proxy protocol = yes proxy from = 127.0.0.0/8'

const portOf = (client: Client) => (client.socket.address() as AddressInfo).port

async function started(t: TestContext, words: readonly string[], port: number): Promise<number> {
  const program = new Program(t, words)
  afterwards(t, async () => {
    program.signal('SIGTERM')
    await program.ended()
  })
  await until(`${words[0]} to answer`, () => answers(port))
  return port
}

interface Front {
  /** Behind `bind`. */
  readonly bind?: string
  /** Behind `server`. */
  readonly server: string
  readonly more?: string
}

/** HAProxy in front of a port, for both families. */
async function haproxyTo(t: TestContext, to: number, { bind = '', more = '', server }: Front) {
  const port = await freePort()
  const file = join(temporaryFolder(t), 'haproxy.cfg')
  writeFileSync(
    file,
    `defaults\n  timeout client 9s\n  timeout server 9s\n  timeout connect 9s\n` +
      `listen l\n  bind 127.0.0.1:${port},::1:${port} ${bind}\n${more}  server s 127.0.0.1:${to} ${server}\n`,
  )
  return started(t, ['haproxy', '-db', '-f', file], port)
}

/** nginx as a stream server that requires a header, and answers with what it says. */
async function nginxStream(t: TestContext) {
  const [port, folder] = [await freePort(), temporaryFolder(t)]
  const seen = ['addr', 'port', 'server_addr', 'server_port'].map((name) => `$proxy_protocol_${name}`)
  const file = fileWith(
    t,
    `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
    daemon off; master_process off; pid ${folder}/nginx.pid; events {}
    stream { server { listen 127.0.0.1:${port} proxy_protocol; return "${seen.join(' ')}"; } }`,
  )
  return started(t, ['nginx', '-p', folder, '-c', file, '-e', 'stderr'], port)
}

/** A relay that expects headers, with a server that echoes, and its access log. */
async function relayThatAccepts(t: TestContext): Promise<{ relay: Relay; lines(): string }> {
  const file = join(temporaryFolder(t), 'access.log')
  const relay = await relayTo(await remoteThat(echoes).start(t))
    .listeningOn(`${ANY_PORT} ${ACCEPTS}`)
    .with(`access log = ${file}`)
    .start(t)
  return { relay, lines: () => readFileSync(file, 'utf8') }
}

test('HAProxy that terminates TLS says server name, ALPN, cipher and the certificate of the client', async (t) => {
  if (!needs(t, 'haproxy')) return
  const authority = makeIdentity({ name: 'clients', isAuthority: true })
  const alice = makeIdentity({ name: 'alice', issuer: authority })
  const site = makeIdentity({ name: 'www.example.com', alternativeNames: ['www.example.com'] })
  const { relay, lines } = await relayThatAccepts(t)
  const options = 'ssl,cert-cn,ssl-cipher,authority,unique-id,crc32c'
  const port = await haproxyTo(t, relay.port(), {
    bind: `ssl crt ${fileWith(t, Buffer.concat([site.pem, site.keyPem]))} ca-file ${fileWith(t, authority.pem)} verify optional alpn h2`,
    more: '  unique-id-format abcd\n',
    server: `send-proxy-v2 proxy-v2-options ${options}`,
  })
  for (const identity of [alice, undefined]) {
    const client = await connectTls(t, port, {
      servername: 'www.example.com',
      ALPNProtocols: ['h2'],
      ...(identity && { cert: identity.pem, key: identity.keyPem }),
    })
    assert.equal(await client.exchange('hello'), 'hello')
    const at = `client=127.0.0.1:${portOf(client)} via=127.0.0.1:`
    await client.close()
    const line = await until('a line', () =>
      lines()
        .split('\n')
        .find((one) => one.includes(at)),
    )
    const [, tlvs = ''] = / tlvs=(\S+) /.exec(line) ?? []
    assert.match(tlvs, /^authority:www\.example\.com,alpn:h2,unique-id:61626364,tls:TLSv1\.3,cipher:TLS_\w+,/)
    assert.ok(tlvs.endsWith(identity === undefined ? ',verified:no' : ',cn:alice,verified:yes'), tlvs)
  }
})

for (const version of ['send-proxy', 'send-proxy-v2']) {
  test(`HAProxy with '${version}' names clients of IPv6`, async (t) => {
    if (!needs(t, 'haproxy')) return
    const { relay, lines } = await relayThatAccepts(t)
    const port = await haproxyTo(t, relay.port(), { server: version })
    const client = await Client.connect(t, { port, host: '::1' })
    assert.equal(await client.exchange('hello'), 'hello')
    const at = `client=[::1]:${portOf(client)} via=127.0.0.1:`
    await client.close()
    await until('a line', () => lines().includes(at))
  })

  test(`checks of HAProxy with '${version}' are served, and in no log as a failure`, async (t) => {
    if (!needs(t, 'haproxy')) return
    const { relay } = await relayThatAccepts(t)
    const port = await haproxyTo(t, relay.port(), { server: `${version} check inter 20ms check-send-proxy` })
    const client = await Client.connect(t, { port })
    for (let i = 0; i < 3; i++) assert.equal(await client.exchange(`hello ${i}`), `hello ${i}`)
    await client.close()
    assert.doesNotMatch(relay.program.stderr.text, /PROXY header|warning/)
  })
}

for (const version of ['v1', 'v2', 'v2 send proxy tlv = authority, alpn, ssl, unique-id, crc32c']) {
  test(`nginx as a stream server takes ${version}`, async (t) => {
    if (!needs(t, 'nginx')) return
    const port = await nginxStream(t)
    const relay = await relayTo({ directive: `address = 127.0.0.1 port = ${port}` })
      .with(`send proxy = ${version}`)
      .start(t)
    const client = await relay.connect()
    assert.equal(await client.readToEnd(), `127.0.0.1 ${portOf(client)} 127.0.0.1 ${relay.port()}`)
  })
}

for (const [before, behind] of [
  ['send-proxy', 'v2'],
  ['send-proxy-v2', 'v1'],
]) {
  test(`in a chain of HAProxy (${before}), this program (${behind}) and nginx, nginx sees the client`, async (t) => {
    if (!needs(t, 'haproxy') || !needs(t, 'nginx')) return
    const server = await nginxStream(t)
    const relay = await relayTo({ directive: `address = 127.0.0.1 port = ${server}` })
      .listeningOn(`${ANY_PORT} ${ACCEPTS}`)
      .with(`send proxy = ${behind}`)
      .start(t)
    const port = await haproxyTo(t, relay.port(), { server: before ?? '' })
    const client = await Client.connect(t, { port, localAddress: '127.0.0.9' })
    assert.equal(await client.readToEnd(), `127.0.0.9 ${portOf(client)} 127.0.0.1 ${port}`)
  })
}
