/** The server is scripted, with the behaviour of RFC 9110. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { afterwards, temporaryFolder } from '../../../test/harness/clean-up.js'
import { fileWith, identityFiles } from '../../../test/harness/tls.js'
import { until } from '../../../test/harness/until.js'
import { makeIdentity } from '../../../test/support/certificates.js'
import { CLOSING, floods, type Serve, SILENT, says } from '../../../test/support/checked.js'
import {
  ASKING,
  FAST,
  type Handle,
  json,
  NEVER_MS,
  opened,
  rawServer,
  SOON_MS,
  scriptedServer,
  withoutPlace,
} from '../../../test/support/discovery.js'
import type { HttpPlan } from '../discover-plan.js'
import { openHttp } from './http.js'

const MEMBERS = ['10.0.0.1:80', { name: 'b', address: '10.0.0.2', port: 81, weight: 5 }]
const TEXT = '10.0.0.1:80 10.0.0.1:80, b 10.0.0.2:81'

function planOf(url: string, other: Partial<HttpPlan> = {}): HttpPlan {
  return { ...ASKING, type: 'http', url, intervalMs: SOON_MS, headers: [], tokenFile: undefined, ...other }
}

function openedAt(t: TestContext, url: string, other: Partial<HttpPlan> = {}) {
  return opened(t, (events) => openHttp(planOf(url, other), events, FAST))
}

test('reports the members again at each interval', async (t) => {
  const server = await scriptedServer(t, json(MEMBERS))
  const reports = openedAt(t, `${server.url}/a?b=c`)
  await reports.answered(3)
  assert.equal(reports.members, TEXT)
  server.handle = json({ members: [] })
  await reports.has('')
  assert.deepEqual(reports.problems, [])
  assert.equal(server.requests[0], 'GET /a?b=c')
})

test('asks with the tag of the last document, and takes 304 for the same members', async (t) => {
  const tags: unknown[] = []
  const server = await scriptedServer(t, (request, response, body) => {
    tags.push(request.headers['if-none-match'])
    const isKnown = request.headers['if-none-match'] === '"1"'
    if (isKnown) response.writeHead(304).end()
    else json(MEMBERS, { ETag: '"1"' })(request, response, body)
  })
  const reports = openedAt(t, server.url)
  await reports.answered(3)
  assert.deepEqual(tags.slice(0, 3), [undefined, '"1"', '"1"'])
  assert.equal(reports.members, TEXT)
  // Another document without a tag.
  server.handle = json(['10.0.0.3:80'])
  await reports.has('10.0.0.3:80 10.0.0.3:80')
  assert.deepEqual(reports.problems, [])
  server.handle = (_request, response) => void response.writeHead(304).end()
  assert.match(await reports.troubled(), /^HTTP 304, and no document was there before$/)
})

test('sends headers and a token, which is read again for each request', async (t) => {
  const file = fileWith(t, 'first\n')
  const seen: unknown[] = []
  const server = await scriptedServer(t, (request, response, body) => {
    seen.push([request.headers.authorization, request.headers['x-a']])
    json(MEMBERS)(request, response, body)
  })
  const reports = openedAt(t, server.url, { tokenFile: file, headers: [['X-A', 'b c']] })
  await reports.answered(1)
  writeFileSync(file, 'second')
  await until('the new token', () => JSON.stringify(seen.at(-1)) === '["Bearer second","b c"]')
  assert.deepEqual(seen[0], ['Bearer first', 'b c'])
  assert.deepEqual(reports.problems, [])
})

test('a token that cannot be read or sent is a problem', async (t) => {
  const server = await scriptedServer(t, json(MEMBERS))
  const folder = temporaryFolder(t)
  const problem = (tokenFile: string) => openedAt(t, server.url, { tokenFile }).troubled()
  assert.equal(await problem(`${folder}/none`), `cannot read ${folder}/none: no such file or directory`)
  assert.match(await problem(fileWith(t, '\nx')), /^the first line of .* is empty$/)
  assert.match(await problem(fileWith(t, 'a\u0001b')), /^the first line of .* has control characters$/)
})

async function problemAfter(t: TestContext, handle: Handle, other: Partial<HttpPlan> = {}): Promise<string> {
  const server = await scriptedServer(t, handle)
  const reports = openedAt(t, server.url, other)
  const text = await reports.troubled()
  assert.deepEqual(reports.answers, [])
  return withoutPlace(text)
}

test('an answer that is none is a problem, and no answer', async (t) => {
  const problem = (handle: Handle) => problemAfter(t, handle)
  const status = (code: number, body = '', headers = {}) => problem(json(body, headers, code))
  assert.equal(await status(500), 'PLACE: HTTP 500')
  assert.equal(await status(503, 'overloaded\nmore'), 'PLACE: HTTP 503: "overloaded"')
  assert.equal(await status(401, '{"message":"no\\u001b"}'), 'PLACE: HTTP 401: "no\\x1b"')
  assert.equal(await status(404, '<html>'), 'PLACE: HTTP 404')
  assert.equal(await status(204), 'PLACE: HTTP 204')
  const elsewhere = { Location: 'http://127.0.0.1:1/' }
  assert.equal(await status(302, '', elsewhere), 'PLACE: HTTP 302: redirects are not followed')
  assert.equal(await problem(json('')), 'PLACE: the answer is empty')
  assert.equal(await problem(json('["a:1"')), 'PLACE: the answer is not valid JSON: "["a:1""')
  assert.equal(await problem(json(['a'])), 'members[0]: expected HOST:PORT, but got "a"')
  const half: Handle = (_request, response) => {
    response.writeHead(200, { 'Content-Length': 100 }).write('["a:1"]', () => response.destroy())
  }
  assert.equal(await problem(half), 'PLACE: it closed the connection before the end of its answer')
})

test('no secret is in a message, whatever the server answers', async (t) => {
  const handle: Handle = (request, response, body) =>
    json(`${request.headers.authorization} ${request.headers.cookie}`, {}, 403)(request, response, body)
  const text = await problemAfter(t, handle, {
    tokenFile: fileWith(t, 'geheim\n'),
    headers: [['Cookie', 'sesam']],
  })
  assert.equal(text, 'PLACE: HTTP 403: "Bearer … …"')
})

test('nor is a word of a header, or a part of a long token', async (t) => {
  const handle: Handle = (request, response, body) => {
    const [, word = ''] = request.headers.authorization?.split(' ') ?? []
    json(`${request.headers['x-key']} ${word}`, {}, 403)(request, response, body)
  }
  const token = 'abcdefgh'.repeat(50)
  const headers = [
    ['Authorization', 'Bearer geheimnis'],
    ['X-Key', token],
  ] as const
  assert.equal(await problemAfter(t, handle, { headers }), 'PLACE: HTTP 403: "…..."')
  const other = [headers[0], ['X-Key', 'short'] as const]
  assert.equal(await problemAfter(t, handle, { headers: other }), 'PLACE: HTTP 403: "… …"')
})

test('a server that speaks no HTTP, or nothing, is a problem', async (t) => {
  const problem = async (serve: Serve, timeoutMs = 10_000) => {
    const { port, close } = await rawServer(serve)
    const reports = openedAt(t, `http://127.0.0.1:${port}`, { timeoutMs })
    const text = withoutPlace(await reports.troubled())
    assert.deepEqual(reports.answers, [])
    reports.source.close()
    await close()
    return text
  }
  assert.equal(await problem(CLOSING), 'PLACE: it closed the connection before the end of its answer')
  assert.equal(await problem(SILENT, 200), 'PLACE: no answer within 0.2 s')
  assert.match(await problem(says('SSH-2.0-x\r\n')), /^PLACE: bad HTTP response: /)
  assert.match(await problem(floods('a')), /^PLACE: bad HTTP response: /)
  assert.match(await problem(floods('HTTP/1.1 100 Continue\r\n\r\n'), 500), /^PLACE: (?:no answer|bad HTTP)/)
  const head = 'HTTP/1.1 200 OK\r\n'
  assert.match(await problem(says(`${head}X: ${'a'.repeat(100_000)}`)), /^PLACE: bad HTTP response: /)
  const endless: Serve = (socket) => {
    socket.write(`${head}\r\n[`)
    floods('1,')(socket)
  }
  assert.equal(await problem(endless), 'PLACE: an answer of more than 16 MiB')
  assert.equal(
    await problem(says(`${head}Content-Length: 9\r\n\r\n["a`), 200),
    'PLACE: no answer within 0.2 s',
  )
  const upgrade = says('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
  assert.equal(await problem(upgrade), 'PLACE: HTTP 101')
})

test('names the reason why it cannot connect', async (t) => {
  const problem = (url: string) => openedAt(t, url).troubled()
  assert.equal(await problem('http://127.0.0.1:1/'), '127.0.0.1:1: connection refused')
})

test('TLS: the authority is verified, files are read again, a client has a certificate', async (t) => {
  const authority = makeIdentity({ name: 'CA', isAuthority: true })
  const ofServer = makeIdentity({ name: 'server', alternativeNames: ['127.0.0.1'], issuer: authority })
  const client = identityFiles(t, makeIdentity({ name: 'client', issuer: authority }))
  const server = createTlsServer(
    { key: ofServer.keyPem, cert: ofServer.pem, ca: authority.pem, requestCert: true },
    (_request, response) => void response.end(JSON.stringify(MEMBERS)),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterwards(t, async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  const caFile = fileWith(t, makeIdentity({ name: 'other', isAuthority: true }).pem)
  const files = { caFile, certFile: client.certFile, keyFile: client.keyFile }
  const reports = openedAt(t, `https://127.0.0.1:${port}`, files)
  assert.match(withoutPlace(await reports.troubled()), /^PLACE: .*(?:certificate|issuer)/)
  writeFileSync(caFile, authority.pem)
  await reports.has(TEXT)
  const without = openedAt(t, `https://127.0.0.1:${port}`, { caFile })
  assert.match(withoutPlace(await without.troubled()), /^PLACE: /)
  const byName = openedAt(t, `https://localhost:${port}`, { ...files, caFile })
  assert.match(await byName.troubled(), /^localhost:\d+: TLS failed: Host: localhost\. is not/)
  const plain = openedAt(t, `http://127.0.0.1:${port}`)
  assert.match(withoutPlace(await plain.troubled()), /^PLACE: /)
  const toPlain = await scriptedServer(t, json(MEMBERS))
  const wrong = openedAt(t, toPlain.url.replace('http:', 'https:'), { caFile })
  assert.equal(withoutPlace(await wrong.troubled()), 'PLACE: TLS failed: wrong version number')
  const bad = openedAt(t, `https://127.0.0.1:${port}`, { caFile, certFile: client.certFile, keyFile: caFile })
  assert.match(await bad.troubled(), /cannot use the certificate files: /)
})

test('asks again at once on request, and reports nothing after it is closed', async (t) => {
  const server = await scriptedServer(t, json(MEMBERS))
  const reports = openedAt(t, server.url, { intervalMs: NEVER_MS })
  await reports.answered(1)
  reports.source.askAgain()
  await reports.answered(2)
  assert.equal(server.requests.length, 2)
  const isAsked = new Promise<void>((resolve) => {
    server.handle = () => resolve()
  })
  reports.source.askAgain()
  await isAsked
  reports.source.close()
  server.disconnect()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(reports.kinds, ['answer', 'answer'])
})

test('retries after failures, and goes on with answers', async (t) => {
  const server = await scriptedServer(t, json('', {}, 500))
  const reports = openedAt(t, server.url)
  await reports.troubled(3)
  server.handle = json(MEMBERS)
  await reports.has(TEXT)
})
