import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { freePort } from '../harness/free-ports.js'
import { needs } from '../harness/needs.js'
import { answers } from '../harness/nginx.js'
import { Program } from '../harness/program.js'
import { relayTo, type Target } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { type IdentityFiles, localhost, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'

/** curl, nginx and stunnel at both sides of the relay. */

const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'
const BIG_BYTES = 8_000_000

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Starts nginx with this configuration; returns when something listens on `port`. */
async function nginx(t: TestContext, port: number, text: (folder: string) => string): Promise<string> {
  const folder = temporaryFolder(t)
  const file = join(folder, 'nginx.conf')
  const modules = existsSync(STREAM_MODULE) ? `load_module ${STREAM_MODULE};` : ''
  const head = `${modules} daemon off; master_process off; pid ${folder}/nginx.pid; events {}`
  writeFileSync(file, `${head}\n${text(folder)}\n`)
  await serves(t, port, ['nginx', '-p', folder, '-c', file, '-e', 'stderr'])
  return folder
}

async function serves(t: TestContext, port: number, command: readonly string[]): Promise<void> {
  const program = new Program(t, command)
  afterwards(t, async () => {
    program.signal('SIGTERM')
    await program.ended()
  })
  await until(`${command[0]} to answer`, () => {
    if (program.hasEnded) throw new Error(program.stderr.text)
    return answers(port)
  })
}

/** An nginx that serves pages over TLS, a large one among them. */
async function secureSite(t: TestContext, server: IdentityFiles): Promise<{ target: Target; big: Buffer }> {
  const port = await freePort()
  const big = randomBytes(BIG_BYTES)
  await nginx(t, port, (folder) => {
    mkdirSync(join(folder, 'pages'))
    writeFileSync(join(folder, 'pages', 'page.txt'), 'a page')
    writeFileSync(join(folder, 'pages', 'big.bin'), big)
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join(' ')
    const secrets = `ssl_certificate ${server.certFile}; ssl_certificate_key ${server.keyFile};`
    const site = `listen 127.0.0.1:${port} ssl http2; ${secrets} root ${folder}/pages;`
    return `http { access_log off; ${paths} keepalive_requests 10000; server { ${site} } }`
  })
  const words = `tls = yes server name = localhost ca-file = ${server.certFile}`
  return { target: { directive: `address = 127.0.0.1 port = ${port} ${words}` }, big }
}

async function curl(t: TestContext, ...words: readonly string[]): Promise<string> {
  const program = new Program(t, ['curl', '--noproxy', '*', '--silent', '--fail', ...words])
  const { code } = await program.ended(30_000)
  assert.equal(code, 0, `${code} ${program.stderr.text}`)
  return program.stdout.text
}

test('curl and nginx over TLS on both sides, with HTTP/1.1 or 2', async (t) => {
  if (!needs(t, 'curl', 'nginx')) return
  const [outer, inner] = [localhost(t), localhost(t)]
  const { big, target } = await secureSite(t, inner)
  for (const [alpn, word] of [
    ['http/1.1', '--http1.1'],
    ['h2', '--http2'],
  ] as const) {
    const relay = await relayTo({ directive: `${target.directive} alpn = ${alpn}` })
      .with(servedWith(outer), `tls alpn = ${alpn}`, 'access log = stderr')
      .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
      .start(t)
    const site = `https://localhost:${relay.port()}`
    const trust = ['--cacert', outer.certFile, word]
    const pages = Array.from({ length: 50 }, (_, i) => `${site}/page.txt?${i}`)
    assert.equal(await curl(t, ...trust, ...pages), 'a page'.repeat(50))
    const copy = join(temporaryFolder(t), 'copy')
    await curl(t, ...trust, '--output', copy, `${site}/big.bin`)
    assert.equal(digest(readFileSync(copy)), digest(big))
    await relay.logged(new RegExp(` alpn=${alpn} .*remote_alpn=${alpn} `), 2)
  }
})

test('nginx as a TLS client in front of the relay', async (t) => {
  if (!needs(t, 'nginx')) return
  if (!existsSync(STREAM_MODULE) && !needs(t, STREAM_MODULE)) return
  const server = localhost(t)
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .with(servedWith(server), 'access log = stderr')
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    .start(t)
  const port = await freePort()
  const verify = `proxy_ssl_verify on; proxy_ssl_trusted_certificate ${server.certFile};`
  const secure = `proxy_ssl on; proxy_ssl_name localhost; proxy_ssl_server_name on; ${verify}`
  const place = `listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${relay.port()};`
  await nginx(t, port, () => `stream { server { ${place} ${secure} } }`)
  const client = await relay.connect({ port })
  const text = 'over nginx '.repeat(50_000)
  assert.equal(await client.exchange(text), text)
  await client.close()
  await relay.logged(/ sni=localhost .*to_remote=550000 to_client=550000 /)
})

test('stunnel as a client and as a remote', async (t) => {
  if (!needs(t, 'stunnel')) return
  const server = localhost(t)
  const remote = await remoteThat(echoes).start(t)
  const far = await stunnel(t, 'no', remote.port, `cert = ${server.certFile}\nkey = ${server.keyFile}`)
  const words = `tls = yes server name = localhost ca-file = ${server.certFile}`
  const relay = await relayTo({ directive: `address = 127.0.0.1 port = ${far} ${words}` })
    .with(servedWith(server), 'access log = stderr')
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    .start(t)
  const trust = `CAfile = ${server.certFile}\nverifyChain = yes\ncheckHost = localhost`
  const near = await stunnel(t, 'yes', relay.port(), trust)
  for (let i = 0; i < 3; i++) {
    const client = await relay.connect({ port: near })
    const text = `over two stunnels, ${i}, `.repeat(20_000)
    assert.equal(await client.exchange(text), text)
    await client.endWriting()
    assert.equal(await client.readToEnd(), '')
    await client.close()
  }
  await relay.logged(/ tls=TLSv1\.3 .* remote_tls=TLSv1\.3 .* end=done/, 3)
})

async function stunnel(t: TestContext, isClient: string, to: number, more: string): Promise<number> {
  const port = await freePort()
  const file = join(temporaryFolder(t), 'stunnel.conf')
  const service = `[it]\nclient = ${isClient}\naccept = 127.0.0.1:${port}\nconnect = 127.0.0.1:${to}`
  writeFileSync(file, `foreground = yes\npid =\n${service}\n${more}\n`)
  await serves(t, port, ['stunnel', file])
  return port
}
