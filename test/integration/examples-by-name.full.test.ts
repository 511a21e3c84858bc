/** The examples that choose by the server name without opening TLS, and say who the client is, serve their cases. */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { clientHello } from '../harness/client-hello.js'
import { startExample } from '../harness/example.js'
import { freePorts } from '../harness/free-ports.js'
import { Names } from '../harness/names.js'
import type { Relay } from '../harness/relay.js'
import { remoteThat } from '../harness/remote.js'
import { readProxy } from '../support/read-proxy.js'

const ANY_PORT = 'address = 127.0.0.1 port = 0'

/** Says its name, and the rest of the line whether the first bytes are a ClientHello. */
const plain = (name: string) =>
  remoteThat((socket) => {
    socket.once('data', (bytes: Buffer) => socket.end(`${name} ${bytes[0] === 0x16 ? 'hello' : 'no hello'}`))
  })

/** The same behind a PROXY header, of which it says what the client could not know. */
const proxied = (name: string) =>
  remoteThat((socket) => {
    socket.once('data', (bytes: Buffer) => {
      const { headerBytes, source, sourcePort, tlvs } = readProxy(bytes)
      const words = [source, sourcePort, tlvs.get(2), tlvs.get(5), tlvs.get(0x20)?.toString('hex')]
      const isHello = bytes[headerBytes] === 0x16
      socket.end(
        [name, isHello ? 'hello' : 'no hello', ...words].filter((word) => word !== undefined).join(' '),
      )
    })
  })

/** What a client that asks for a name receives, without its own port. */
async function asked(relay: Relay, servername: string, listener = 0, host = '127.0.0.1'): Promise<string> {
  const client = await relay.connect({ port: relay.port(listener), host })
  const { port } = client.socket.address() as AddressInfo
  await client.send(await clientHello({ servername, ALPNProtocols: ['h2'] }))
  const received = await client.readToEnd()
  await client.close()
  return received.replace(` ${port}`, ' PORT')
}

const from = (t: TestContext, host: string, name: string, port: number, isProxied: boolean) =>
  (isProxied ? proxied : plain)(name).start(t, { host, port })

test('names-two-ports.cfg: two names lead to two servers, on one port with a PROXY header', async (t) => {
  const [blue, green] = ['127.0.0.10', '127.0.0.20']
  const first = await freePorts(2, blue, green)
  for (const [host, name] of [
    [blue, 'blue'],
    [green, 'green'],
  ] as const) {
    await from(t, host, name, first, false)
    await from(t, host, name, first + 1, true)
  }
  const relay = await startExample(
    t,
    'names-two-ports.cfg',
    {
      'name = plain port = 443': `name = plain ${ANY_PORT}`,
      'name = proxied port = 8443': `name = proxied ${ANY_PORT}`,
      'address = 192.0.2.10': `address = ${blue}`,
      'address = 192.0.2.20': `address = ${green}`,
      'port = 443 }': `port = ${first} }`,
      'port = 8443 send': `port = ${first + 1} send`,
      'access log = syslog': 'access log = stderr',
    },
    { sockets: 2 },
  )
  for (const name of ['blue', 'green']) {
    assert.equal(await asked(relay, `${name}.example.com`), `${name} hello`)
    assert.equal(await asked(relay, `${name}.example.com`, 1), `${name} hello 127.0.0.1 PORT`)
  }
  assert.equal(await asked(relay, 'red.example.com'), '')
})

test('name-among-sites.cfg: one name has its server, all others reach the web server with a PROXY header', async (t) => {
  const vpn = await plain('vpn').start(t)
  const web = await proxied('web').start(t)
  const relay = await startExample(t, 'name-among-sites.cfg', {
    'port = 443 tls': `${ANY_PORT} tls`,
    'address = 192.0.2.10 port = 443': vpn.directive,
    'address = 127.0.0.1 port = 8443': web.directive,
    'access log = syslog': 'access log = stderr',
  })
  assert.equal(await asked(relay, 'vpn.example.com'), 'vpn hello')
  assert.equal(await asked(relay, 'www.example.com'), 'web hello 127.0.0.1 PORT')
  assert.equal(await asked(relay, ''), 'web hello 127.0.0.1 PORT')
  await relay.logged(/ sni=www\.example\.com /)
})

test('pages-by-name.cfg: a Unix socket gets client, name and id; the log has the name; a hello takes 5 s at most', async (t) => {
  const path = join(temporaryFolder(t), 'https.sock')
  await proxied('pages').start(t, { path })
  const others = await plain('others').start(t)
  const names = new Names(t, { addresses: ['127.0.0.1'], afterMs: 0 })
  const relay = await startExample(
    t,
    'pages-by-name.cfg',
    {
      'port = 443 tls': 'address = :: port = 0 tls',
      '/run/pages/https.sock': path,
      'address = web.example.com port = 443': `address = web.test port = ${others.port}`,
      'tls handshake timeout = 5s': 'tls handshake timeout = 700ms',
      'tls detect timeout = 5s': 'tls detect timeout = 700ms',
      'access log = syslog': 'access log = stderr',
    },
    { env: names.environment },
  )
  for (const [host, name] of [
    ['127.0.0.1', 'pages.example.com'],
    ['::1', 'docs.example.com'],
  ] as const) {
    const said = await asked(relay, name, 0, host)
    const [, source = '', id = ''] =
      new RegExp(`^pages hello (\\S+) PORT ${name} (\\S+) 0000000001$`).exec(said) ?? []
    assert.equal(source, host === '::1' ? '0000:0000:0000:0000:0000:0000:0000:0001' : host, said)
    await relay.logged(new RegExp(` id=${id} .* sni=${name.replaceAll('.', '\\.')} .*end=done`))
  }
  assert.equal(await asked(relay, 'www.example.com'), 'others hello')
  const slow = await Client.connect(t, { port: relay.port() })
  await slow.send((await clientHello({ servername: 'pages.example.com' })).subarray(0, 20))
  await slow.ending()
  await relay.logged(/ end=bad-greeting reason=ClientHello_incomplete/)
  const silent = await Client.connect(t, { port: relay.port() })
  await silent.ending()
  await relay.logged(/ end=rejected-by-route/)
  for (const client of [slow, silent]) await client.close()
})
