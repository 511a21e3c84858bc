import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { makeIdentity } from '../../../test/support/certificates.js'
import { checkAt, PLAN, serverThat } from '../../../test/support/checked.js'
import { secured, tlsServerThat } from '../../../test/support/tls-served.js'
import { tlsProblem } from '../open-tls.js'
import type { ProbeTls } from '../probe-tls.js'

const DAY_MS = 86_400_000

const TLS: ProbeTls = {
  id: '',
  context: {},
  serverName: 'db.example',
  alpn: undefined,
  verifies: false,
  psk: undefined,
  startsInProtocol: false,
}

const CHECK = { type: 'tls', expiresWithinMs: 14 * DAY_MS } as const

async function warned(t: TestContext, toDays: number): Promise<string> {
  const { keyPem, pem } = makeIdentity({ name: 'www\n', fromDays: -99, toDays })
  const address = await tlsServerThat(t, { key: keyPem, cert: pem })
  return checkAt(address, CHECK, PLAN, { tls: TLS })
}

function day(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)
}

test('warns before the certificate expires', async (t) => {
  assert.equal(await warned(t, 14.1), 'up: TLSv1.3')
  const warning = 'up: TLSv1.3, but its certificate'
  assert.equal(await warned(t, 13.9), `${warning} expires in 13 days (CN=www\\x0a, ${day(13.9)})`)
  assert.equal(await warned(t, 1.1), `${warning} expires in 26 hours (CN=www\\x0a, ${day(1.1)})`)
  assert.equal(await warned(t, 0.06), `${warning} expires in 1 hour (CN=www\\x0a, ${day(0.06)})`)
  assert.equal(await warned(t, -1), `${warning} has expired (CN=www\\x0a, ${day(-1)})`)
})

test('says why there is no handshake', async (t) => {
  const outcome = async (behave: (socket: Socket) => void, timeoutMs = 20_000) =>
    checkAt(await serverThat(t, behave), CHECK, { ...PLAN, timeoutMs }, { tls: TLS })
  assert.equal(await outcome(() => {}, 400), 'down: no TLS handshake within 0.4 s')
  assert.equal(
    await outcome((socket) => socket.end()),
    'down: it closed the connection during the TLS handshake',
  )
  assert.match(
    await outcome((socket) => socket.once('data', () => socket.resetAndDestroy())),
    /^down: TLS handshake failed: .*ECONNRESET/,
  )
  for (const garbage of ['HTTP/1.1 400 Bad Request\r\n\r\n', '\x16\x03\x03\x00\x02\x02', 'x'.repeat(100_000)])
    assert.match(
      await outcome((socket) => socket.end(garbage)),
      /^down: (TLS handshake failed: |it closed the connection during the TLS handshake)/,
    )
})

test('the PROXY header is before the handshake', async (t) => {
  const { keyPem, pem } = makeIdentity({ name: 'www' })
  const headers: string[] = []
  const address = await serverThat(t, (socket) => {
    socket.once('readable', () => {
      headers.push(String(socket.read(15)))
      secured(socket, { key: keyPem, cert: pem })
    })
  })
  assert.equal(await checkAt(address, CHECK, { ...PLAN, sendProxy: 'v1' }, { tls: TLS }), 'up: TLSv1.3')
  assert.deepEqual(headers, ['PROXY UNKNOWN\r\n'])
})

test('other types speak their protocol over TLS', async (t) => {
  const { keyPem, pem } = makeIdentity({ name: 'www' })
  const address = await tlsServerThat(t, { key: keyPem, cert: pem }, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
  })
  const statuses = [{ first: 200, last: 200 }]
  const check = {
    type: 'http',
    request: 'GET / HTTP/1.1\r\n\r\n',
    isHead: false,
    statuses,
    body: undefined,
  } as const
  assert.equal(await checkAt(address, check, PLAN, { tls: TLS }), 'up: HTTP 200')
})

test('settings that Node does not take are a problem', () => {
  assert.equal(tlsProblem(TLS), undefined)
  assert.match(tlsProblem({ ...TLS, context: { ca: 'x', cert: 'x' } }) ?? '', /no start line|PEM/)
})
