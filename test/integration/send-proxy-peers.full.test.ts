/** HAProxy and nginx as servers of `send proxy`. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import type { Client } from '../harness/client.js'
import { freePort } from '../harness/free-ports.js'
import { needs } from '../harness/needs.js'
import { answers } from '../harness/nginx.js'
import { Program } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { connectTls, fileWith, type identityFiles, localhost, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'

const LISTEN = 'address = 127.0.0.1 port = 0'

const portOf = (client: Client) => (client.socket.address() as AddressInfo).port

const QUERY = 'GET / HTTP/1.0\r\n\r\n'

/** The last line of the answer of an HTTP server. */
async function askedBy(client: Client): Promise<string> {
  await client.send(QUERY)
  return (await client.readToEnd()).split('\r\n\r\n').at(-1)?.trim() ?? ''
}

test('nginx takes headers of both versions, of health checks, and before TLS', async (t) => {
  if (!needs(t, 'nginx')) return
  const folder = temporaryFolder(t)
  const [plain, secure] = [await freePort(), await freePort()]
  const identity = localhost(t)
  const file = fileWith(t, nginxText(folder, plain, secure, identity))
  const nginx = new Program(t, ['nginx', '-p', folder, '-c', file, '-e', 'stderr'])
  afterwards(t, async () => {
    nginx.signal('SIGTERM')
    await nginx.ended()
  })
  await until('nginx to answer', () => answers(plain))
  for (const version of ['v1', 'v2']) {
    for (const words of [
      `port = ${plain}`,
      `port = ${secure} tls = yes server name = localhost ca-file = ${identity.certFile}`,
    ]) {
      const relay = await relayTo({ directive: `address = 127.0.0.1 ${words}` })
        .with(`send proxy = ${version}`, 'health = { type = http interval = 50ms timeout = 5 }')
        .start(t)
      const client = await relay.connect()
      assert.equal(await askedBy(client), `127.0.0.1 ${portOf(client)} 127.0.0.1 ${relay.port()}`)
      assert.doesNotMatch(relay.program.stderr.text, /is down/)
    }
  }
  assert.doesNotMatch(nginx.stderr.text, /broken header/)
})

function nginxText(
  folder: string,
  plain: number,
  secure: number,
  identity: ReturnType<typeof identityFiles>,
): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  const seen = ['addr', 'port', 'server_addr', 'server_port']
    .map((name) => `$proxy_protocol_${name}`)
    .join(' ')
  return `
    daemon off; master_process off; pid ${folder}/nginx.pid;
    events {}
    http {
      access_log off; ${paths.join(' ')}
      server {
        listen 127.0.0.1:${plain} proxy_protocol;
        listen 127.0.0.1:${secure} ssl proxy_protocol;
        ssl_certificate ${identity.certFile}; ssl_certificate_key ${identity.keyFile};
        location / { return 200 "${seen}"; }
      }
    }`
}

test('HAProxy takes headers of both versions, with values and a checksum, and of health checks', async (t) => {
  if (!needs(t, 'haproxy')) return
  const port = await freePort()
  const file = join(temporaryFolder(t), 'haproxy.cfg')
  writeFileSync(file, haproxyText(port))
  const haproxy = new Program(t, ['haproxy', '-db', '-f', file])
  await until('HAProxy to answer', () => answers(port))
  for (const version of ['v1', 'v2 send proxy tlv = unique-id, ssl, alpn, authority, crc32c']) {
    const relay = await relayTo({ directive: `address = 127.0.0.1 port = ${port}` })
      .with(
        `send proxy = ${version}`,
        'health = { type = http interval = 50ms timeout = 5 }',
        'access log = stderr',
      )
      .with(servedWith(localhost(t)))
      .listeningOn(`${LISTEN} tls = yes`)
      .start(t)
    const client = await connectTls(t, relay.port(), { servername: 'www.example.com' })
    const [ends, authority, id] = (await askedBy(client)).split('|')
    assert.equal(ends, `127.0.0.1 ${portOf(client)} 127.0.0.1 ${relay.port()}`)
    await client.close()
    const [, logged] = await relay.logged(/ id=(\S+) .*end=/)
    assert.deepEqual([authority, id], version === 'v1' ? ['', ''] : ['www.example.com', logged])
    assert.doesNotMatch(relay.program.stderr.text, /is down/)
  }
  haproxy.signal('SIGTERM')
  await haproxy.ended()
})

function haproxyText(port: number): string {
  const seen = '%[src] %[src_port] %[dst] %[dst_port]|%[fc_pp_authority]|%[fc_pp_unique_id]'
  return `
defaults
  mode http
  timeout client 10s
frontend front
  bind 127.0.0.1:${port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "${seen}"
`
}
