import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../../test/harness/until.js'
import {
  CLOSING,
  checkAt,
  checked,
  floods,
  type Serve,
  SILENT,
  SOON,
  says,
  serverThat,
} from '../../../test/support/checked.js'
import type { HttpCheck } from '../probe-checks.js'

const CHECK: HttpCheck = {
  type: 'http',
  request: 'GET / HTTP/1.1\r\nHost: \xc3\xa4.example\r\nConnection: close\r\n\r\n',
  isHead: false,
  statuses: [
    { first: 200, last: 399 },
    { first: 401, last: 401 },
  ],
  body: undefined,
}
const WITH_BODY: HttpCheck = { ...CHECK, body: { kind: 'bytes', source: 'ok', shown: '"ok"' } }
const PATTERN: HttpCheck = { ...CHECK, body: { kind: 'pattern', source: '^ok$', shown: '/^ok$/' } }

const OK = 'HTTP/1.1 200 OK\r\n'

test('sends the request as it is, and passes with an expected status', async (t) => {
  let request = ''
  const address = await serverThat(t, (socket) => {
    socket.on('data', (bytes) => {
      request += bytes.toString('latin1')
      if (request.endsWith('\r\n\r\n')) socket.write(`${OK}\r\n`)
    })
  })
  assert.equal(await checkAt(address, CHECK), 'up: HTTP 200')
  await until('the request', () => request === CHECK.request)
})

test('passes by the status alone without waiting for the body', async (t) => {
  assert.equal(await checked(t, CHECK, says('HTTP/1.0 401 No\r\nContent-Length: 9\r\n\r\n')), 'up: HTTP 401')
  assert.equal(
    await checked(t, CHECK, says('HTTP/1.1 103 \r\nA: b\r\n\r\nHTTP/1.1 204\r\n\r\n')),
    'up: HTTP 204',
  )
})

test('another status is the reason', async (t) => {
  const answer = 'HTTP/1.1 503 Service Unavailable\r\n\r\n'
  assert.equal(await checked(t, CHECK, says(answer)), 'down: HTTP 503, expected 200-399,401')
  assert.equal(await checked(t, WITH_BODY, says(answer)), 'down: HTTP 503, expected 200-399,401')
})

test('looks for text and patterns in the body, however it is framed', async (t) => {
  const bodies = {
    'up: HTTP 200': ['is ok\n', 'ok', 'a\nok\nb'],
    'down: HTTP 200, but its body has no "ok"': ['', 'no', 'o\nk'],
  }
  for (const [result, texts] of Object.entries(bodies)) {
    for (const body of texts) {
      const chunks = Array.from(body, (character) => `1;x=y\r\n${character}\r\n`).join('')
      const framed = [
        [`${OK}Content-Length: ${body.length}\r\n\r\n${body}surplus`, false],
        [`${OK}Transfer-Encoding: Chunked\r\n\r\n${chunks}0\r\n`, false],
        [`${OK}\r\n${body}`, true],
      ] as const
      for (const [answer, closes] of framed)
        assert.equal(await checked(t, WITH_BODY, says(answer, { closes })), result, answer)
    }
  }
  assert.equal(await checked(t, PATTERN, says(`${OK}\r\nno\nok\nno`, { closes: true })), 'up: HTTP 200')
  assert.equal(
    await checked(t, PATTERN, says(`${OK}\r\nnot ok`, { closes: true })),
    'down: HTTP 200, but its body has no /^ok$/',
  )
})

test('a text that is there ends the check before the body does', async (t) => {
  assert.equal(await checked(t, WITH_BODY, says(`${OK}\r\nok, and more follows`)), 'up: HTTP 200')
})

test('looks at the first 64 KiB of a body', async (t) => {
  const body = (before: number) =>
    `${OK}Content-Length: 99999\r\n\r\n${'-'.repeat(before)}ok${'-'.repeat(9999)}`
  assert.equal(await checked(t, WITH_BODY, says(body(65_534))), 'up: HTTP 200')
  assert.equal(await checked(t, WITH_BODY, says(body(65_535))), 'down: HTTP 200, but its body has no "ok"')
})

test('a pattern that backtracks ends in time', async (t) => {
  const check: HttpCheck = { ...CHECK, body: { kind: 'pattern', source: '(?:a+)+$', shown: '/(a+)+$/' } }
  const answer = `${OK}Content-Length: 30001\r\n\r\n${'a'.repeat(30_000)}b`
  assert.equal(await checked(t, check, says(answer)), 'down: HTTP 200, but its body has no /(a+)+$/')
})

test('names what is wrong with other answers', async (t) => {
  const bad = {
    'it is not HTTP/1: "SSH-2.0-x\\x0d\\x0a"': 'SSH-2.0-x\r\n',
    'it is not HTTP/1: "-ERR"': '-ERR',
    'it is not HTTP/1: "HTTP/2 200"': 'HTTP/2 200',
    'bad status line: "HTTP/1.1 OK\\x0d\\x0a"': 'HTTP/1.1 OK\r\n',
    'bad header line: "HTTP/1.1 200\\x0d\\x0ax y: z\\x0d\\x0a"': 'HTTP/1.1 200\r\nx y: z\r\n',
    'bad Content-Length: "HTTP/1.1 200\\x0acontent-length: 1\\x0aContent-Length: 2\\x0a\\x0a"':
      'HTTP/1.1 200\ncontent-length: 1\nContent-Length: 2\n\n',
    'a transfer encoding other than chunked: "HTTP/1.1 200\\x0atransfer-encoding: gzip\\x0a\\x0a"':
      'HTTP/1.1 200\ntransfer-encoding: gzip\n\n',
  }
  for (const [why, answer] of Object.entries(bad))
    assert.equal(await checked(t, CHECK, says(answer)), `down: bad HTTP response, ${why}`)
})

test('fails when no answer comes, or half of one', async (t) => {
  const late = 'down: no HTTP response within 0.4 s'
  const closed = 'down: it closed the connection before the HTTP response'
  const halves = [OK, `${OK}Content-Length: 3\r\n\r\nno`, `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nno`]
  assert.equal(await checked(t, CHECK, SILENT, SOON), late)
  assert.equal(await checked(t, CHECK, CLOSING), closed)
  for (const half of halves) {
    assert.equal(await checked(t, WITH_BODY, says(half), SOON), late, half)
    assert.equal(await checked(t, WITH_BODY, says(half, { closes: true })), closed, half)
  }
})

test('fails at a flood', async (t) => {
  const after =
    (begin: string, bytes: string): Serve =>
    (socket) => {
      socket.write(begin)
      floods(bytes)(socket)
    }
  const long = 'down: bad HTTP response, its header is longer than 64 KiB: "HTTP/1.1 200 OK'
  const results = await Promise.all([
    checked(t, CHECK, floods('x')),
    checked(t, CHECK, after(OK, 'a: b\r\n')),
    checked(t, CHECK, after(OK, 'x')),
    checked(t, CHECK, floods('HTTP/1.1 100 Continue\r\n\r\n')),
    checked(t, WITH_BODY, after(`${OK}\r\n`, 'x')),
  ])
  assert.equal(results[0], `down: bad HTTP response, it is not HTTP/1: "${'x'.repeat(77)}..."`)
  assert.ok(results[1].startsWith(long) && results[2].startsWith(long), `${results}`)
  assert.match(
    results[3],
    /^down: bad HTTP response, more than 16 interim responses: "HTTP\/1\.1 100 Continue/,
  )
  assert.equal(results[4], 'down: HTTP 200, but its body has no "ok"')
})
