/** PROXY headers of clients: in every mode, and from real proxies. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import * as tls from 'node:tls'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { freePort } from '../harness/free-ports.js'
import { MODES, SINGLE } from '../harness/modes.js'
import { needs } from '../harness/needs.js'
import { answers } from '../harness/nginx.js'
import { Program } from '../harness/program.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { echoes, remoteThat, says } from '../harness/remote.js'
import { localhost, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { v1Header, v2Header } from '../support/proxy-header.js'

const FROM_2 = 'address = 127.0.0.1 port = 0 proxy protocol = yes proxy from = 127.0.0.2'
const HEADERS = [
  v1Header({ source: '198.51.100.9', port: 7 }),
  v2Header({ family: 0x11, source: [198, 51, 100, 9], port: 7, hasChecksum: true }),
]

/** The lines of the access log, without time and id. */
function linesOf(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => line.slice(line.indexOf(' client=') + 1))
}

async function logsTo(t: TestContext, ...lines: readonly string[]) {
  const file = join(temporaryFolder(t), 'access.log')
  const remote = await remoteThat(echoes).start(t)
  return { file, remote, plan: relayTo(remote).with(`access log = ${file}`, ...lines) }
}

for (const { name, start } of MODES) {
  test(`${name}: rules and access log see the client, and the remote gets what follows the header`, async (t) => {
    const { file, plan } = await logsTo(t)
    const rules = ['deny 198.51.100.0/28', 'permit 198.51.100.0/24']
    const denied = v1Header({ source: '198.51.100.9', port: 7 })
    const permitted = v2Header({ family: 0x11, source: [198, 51, 100, 77], port: 8 })
    const running = await start(t, plan.listeningOn(FROM_2).withMaster(...rules))
    const from = (localAddress: string) => Client.connect(t, { port: running.port(), localAddress })
    const client = await from('127.0.0.2')
    await client.send(Buffer.concat([permitted, Buffer.from('whole')]))
    assert.equal(await client.read(5), 'whole')
    await client.close()
    // Not in `proxy from`, so its header would not be believed.
    const stranger = await from('127.0.0.3')
    await stranger.ending()
    await running.logged(
      /connection attempt from 127\.0\.0\.3:\d+ rejected \(listener \S+, rule proxy-from\)/,
    )
    const refused = await from('127.0.0.2')
    await refused.send(denied)
    assert.equal(await refused.readToEnd(), '')
    // Health checks: neither is in the log.
    await (await from('127.0.0.2')).close()
    ;(await from('127.0.0.2')).reset()
    const bad = await from('127.0.0.2')
    await bad.send('GET / HTTP/1.1\r\n')
    await bad.ending()
    await running.logged(/closed the connection of 127\.0\.0\.2:\d+ to \S+: PROXY header is missing/)
    const lines = await until('four lines', () => linesOf(file).length === 4 && linesOf(file))
    const fields = /\b(?:client|via|end)=\S+|\brule=(?:proxy-from)?/g
    const found = lines.map((line) =>
      line
        .match(fields)
        ?.join(' ')
        .replace(/:\d{4,5}/g, ':P'),
    )
    assert.deepEqual(found.sort(), [
      'client=127.0.0.2:P end=proxy-header',
      'client=127.0.0.3:P end=rejected rule=proxy-from',
      'client=198.51.100.77:8 via=127.0.0.2:P end=done',
      'client=198.51.100.9:7 via=127.0.0.2:P end=rejected rule=',
    ])
  })

  test(`${name}: with optional, others are clients whose headers are relayed`, async (t) => {
    const { plan } = await logsTo(t)
    const running = await start(t, plan.listeningOn(FROM_2.replace('= yes', '= optional')))
    for (const header of HEADERS) {
      const text = header.toString('latin1')
      const other = await Client.connect(t, { port: running.port() })
      await other.send(header)
      assert.equal(await other.read(text.length), text)
      const trusted = await Client.connect(t, { port: running.port(), localAddress: '127.0.0.2' })
      await trusted.send(Buffer.concat([header, Buffer.from('x')]))
      assert.equal(await trusted.read(1), 'x')
      const plain = await Client.connect(t, { port: running.port(), localAddress: '127.0.0.2' })
      assert.equal(await plain.exchange('no header'), 'no header')
    }
  })
}

test('a header in single bytes, and over a Unix socket', async (t) => {
  const { file, plan } = await logsTo(t)
  const path = join(temporaryFolder(t), 'socket')
  await plan.listeningOn(`path = ${path} proxy protocol = yes`).start(t)
  for (const header of HEADERS) {
    const client = await Client.connect(t, { path })
    for (const byte of header) await client.send(Buffer.of(byte))
    assert.equal(await client.exchange('and more'), 'and more')
    await client.close()
  }
  const lines = await until('two lines', () => linesOf(file).length === 2 && linesOf(file))
  for (const line of lines) assert.match(line, /^client=198\.51\.100\.9:7 via=unix: /)
})

test('TLS begins behind the header, in one segment with it or later', async (t) => {
  const { file, plan } = await logsTo(t)
  const files = localhost(t)
  const relay = await plan.listeningOn(`${FROM_2} tls = yes`).with(servedWith(files)).start(t)
  for (const header of HEADERS) {
    const socket = connect({ port: relay.port(), host: '127.0.0.1', localAddress: '127.0.0.2' })
    socket.write(header)
    const secure = tls.connect({ socket, ca: readFileSync(files.certFile), servername: 'localhost' })
    const client = new Client(t, secure)
    assert.equal(await client.exchange('over TLS'), 'over TLS')
    await client.close()
  }
  const lines = await until('two lines', () => linesOf(file).length === 2 && linesOf(file))
  for (const line of lines)
    assert.match(line, /^client=198\.51\.100\.9:7 via=127\.0\.0\.2:\d+ .* tls=TLSv1\.3 /)
})

test('routes choose by the address and the authority of the header', async (t) => {
  const [first, second, third] = [
    await remoteThat(says('first')).start(t),
    await remoteThat(says('second')).start(t),
    await remoteThat(says('third')).start(t),
  ]
  const relay = await relayTo()
    .listeningOn(FROM_2)
    .with(
      `pool = first { remote { ${first.directive} } }`,
      `pool = second { remote { ${second.directive} } }`,
      `pool = third { remote { ${third.directive} } }`,
      'route { source = 198.51.100.0/24 pool = first }',
      'route { server name = www.example.com pool = second }',
      'route { pool = third }',
    )
    .start(t)
  const authority = Buffer.from('www.example.com')
  for (const [header, wanted] of [
    [HEADERS[0], 'first'],
    [v2Header({ family: 0x11, source: [192, 0, 2, 1], tlvs: [[2, [...authority]]] }), 'second'],
    [v1Header({ source: '192.0.2.1', port: 1 }), 'third'],
  ] as const) {
    const client = await Client.connect(t, { port: relay.port(), localAddress: '127.0.0.2' })
    await client.send(Buffer.concat([header as Buffer, Buffer.from('GET / HTTP/1.1\r\n\r\n')]))
    assert.equal(await client.read(wanted.length), wanted)
    await client.close()
  }
})

/** Starts HAProxy or nginx with this configuration, and returns what answers on the port. */
async function startProxy(t: TestContext, words: readonly string[], port: number): Promise<void> {
  const program = new Program(t, words)
  afterwards(t, async () => {
    program.signal('SIGTERM')
    await program.ended()
  })
  await until('the proxy to answer', () => answers(port))
}

/** The line of the access log of one exchange through a proxy in front of the relay. */
async function lineBehind(
  t: TestContext,
  plan: RelayPlan,
  file: string,
  proxy: (to: number) => Promise<number>,
) {
  const relay = await SINGLE.start(t, plan)
  const client = await Client.connect(t, { port: await proxy(relay.port()), localAddress: '127.0.0.9' })
  assert.equal(await client.exchange('through both'), 'through both')
  const clientPort = client.socket.localPort
  await client.close()
  const line = await until('a line', () => linesOf(file).find((one) => one.includes('127.0.0.9')))
  assert.ok(line.startsWith(`client=127.0.0.9:${clientPort} via=127.0.0.1:`), line)
  return line
}

const FROM_1 = FROM_2.replace('127.0.0.2', '127.0.0.1')

for (const [words, wanted] of [
  ['send-proxy', ''],
  ['send-proxy-v2', ''],
  ['send-proxy-v2 proxy-v2-options crc32c,unique-id', 'tlvs=unique-id:61626364'],
] as const) {
  test(`HAProxy with '${words}'`, async (t) => {
    if (!needs(t, 'haproxy')) return
    const { file, plan } = await logsTo(t)
    const line = await lineBehind(t, plan.listeningOn(FROM_1), file, async (to) => {
      const [port, configuration] = [await freePort(), join(temporaryFolder(t), 'haproxy.cfg')]
      const id = words.includes('unique-id') ? '  unique-id-format abcd\n' : ''
      writeFileSync(
        configuration,
        `defaults\n  timeout client 9s\n  timeout server 9s\n  timeout connect 9s\n` +
          `listen l\n  bind 127.0.0.1:${port}\n${id}  server s 127.0.0.1:${to} ${words}\n`,
      )
      await startProxy(t, ['haproxy', '-db', '-f', configuration], port)
      return port
    })
    assert.ok(line.includes(wanted), line)
  })
}

test("nginx with 'proxy_protocol on'", async (t) => {
  if (!needs(t, 'nginx')) return
  const { file, plan } = await logsTo(t)
  await lineBehind(t, plan.listeningOn(FROM_1), file, async (to) => {
    const [port, folder] = [await freePort(), temporaryFolder(t)]
    const configuration = join(folder, 'nginx.conf')
    const server = `listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${to}; proxy_protocol on;`
    writeFileSync(
      configuration,
      `load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off; master_process off; ` +
        `pid ${folder}/nginx.pid;\nevents {}\nstream { server { ${server} } }\n`,
    )
    await startProxy(t, ['nginx', '-p', folder, '-c', configuration, '-e', 'stderr'], port)
    return port
  })
})
