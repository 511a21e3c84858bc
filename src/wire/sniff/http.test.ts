/** HTTP/1.x by its request line. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerTo } from '../../../test/support/first-bytes.js'
import { HTTP_BYTES_MAX, sniffHttp } from './http.js'
import { sniffHttp2 } from './http2.js'

test('a known method and a path are enough', () => {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH']) {
    assert.equal(answerTo(sniffHttp, `${method} /`), 'yes', method)
    assert.equal(answerTo(sniffHttp, `${method} `), 'more', method)
    assert.equal(answerTo(sniffHttp, `${method}X /`), 'more', method)
  }
  // Methods are case-sensitive (RFC 9110, section 9.1).
  assert.equal(answerTo(sniffHttp, 'get /'), 'more')
})

test('anything else needs the version in the line', () => {
  for (const [line, wanted] of [
    ['BREW /pot HTTP/1.', 'yes'],
    ['BREW /pot HTTP/1', 'more'],
    ['BREW / / HTTP/1.1', 'yes'],
    ['BREW / HTTP/ HTTP/1.1', 'yes'],
    ['GET * HTTP/1.1', 'yes'],
    ['BREW /pot HTTP/2.0\r', 'no'],
    ['BREW /pot HTTP/0.9\n', 'no'],
    ['BREW /potHTTP/1.1\r\n', 'no'],
    ['BREW HTTP/1.1\r\n', 'no'],
    ['BREW /pot\r\n HTTP/1.1', 'no'],
    ['OPTIONS rtsp://a/b RTSP/1.0\r\n', 'no'],
    ['OPTIONS sip:a@b SIP/2.0\r\n', 'no'],
    ['PRI * HTTP/2.0\r\n\r\n', 'no'],
  ] as const)
    assert.equal(answerTo(sniffHttp, line), wanted, line)
})

test('rejects what is no request line', () => {
  for (const line of [
    ' GET /',
    'GET\t/',
    'GET  /',
    'GET\r\n',
    'G@T /',
    'G\0',
    'BREW \0',
    'BREW /a\tb',
    '\x7f',
  ])
    assert.equal(answerTo(sniffHttp, line), 'no', JSON.stringify(line))
})

test('accepts two empty lines before the request line', () => {
  assert.equal(answerTo(sniffHttp, '\r\n\r\nGET /'), 'yes')
  assert.equal(answerTo(sniffHttp, '\n\nGET /'), 'yes')
  assert.equal(answerTo(sniffHttp, '\r\n\r\n'), 'more')
  assert.equal(answerTo(sniffHttp, '\r\n\r\n\r'), 'no')
})

test('limits the method to 32 bytes and the line to 8,192', () => {
  assert.equal(answerTo(sniffHttp, 'M'.repeat(32)), 'more')
  assert.equal(answerTo(sniffHttp, 'M'.repeat(33)), 'no')
  assert.equal(answerTo(sniffHttp, `${'M'.repeat(32)} / HTTP/1.1`), 'yes')
  assert.equal(answerTo(sniffHttp, `${'M'.repeat(33)} / HTTP/1.1`), 'no')
  const version = ' HTTP/1.'
  const longest = `BREW /${'x'.repeat(HTTP_BYTES_MAX - 6 - version.length)}${version}`
  assert.equal(answerTo(sniffHttp, longest), 'yes')
  assert.equal(answerTo(sniffHttp, longest.slice(0, -1)), 'more')
  assert.equal(answerTo(sniffHttp, longest.replace('/', '/x')), 'no')
})

test('HTTP/2 is its whole preface', () => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  assert.equal(answerTo(sniffHttp2, preface), 'yes')
  assert.equal(answerTo(sniffHttp2, preface.slice(0, -1)), 'more')
  assert.equal(answerTo(sniffHttp2, preface.replace('SM', 'SX')), 'no')
})
