/** The protocol inside TLS by its ALPN name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alpnProtocol, onlyIn } from './alpn-protocol.js'
import { NO_PROTOCOL } from './detect.js'
import { PROTOCOL } from './protocol-names.js'

const HTTP = 1 << PROTOCOL.http
const ANY = 1 << PROTOCOL.any

test('knows protocols by their ALPN names', () => {
  assert.equal(alpnProtocol('http/1.1', HTTP), PROTOCOL.http)
  assert.equal(alpnProtocol('h2', 1 << PROTOCOL.http2), PROTOCOL.http2)
  assert.equal(alpnProtocol('dot', 1 << PROTOCOL.dns), PROTOCOL.dns)
  assert.equal(alpnProtocol('x', HTTP), NO_PROTOCOL)
  assert.equal(alpnProtocol(undefined, HTTP), NO_PROTOCOL)
})

test('answers only protocols that are asked for, or any', () => {
  assert.equal(alpnProtocol('h2', HTTP), NO_PROTOCOL)
  assert.equal(alpnProtocol('h2', HTTP | ANY), PROTOCOL.any)
  assert.equal(alpnProtocol(undefined, HTTP | ANY), PROTOCOL.any)
  assert.equal(onlyIn(HTTP, PROTOCOL.tls), NO_PROTOCOL)
  assert.equal(onlyIn(ANY, PROTOCOL.tls), PROTOCOL.any)
  assert.equal(onlyIn(ANY | (1 << PROTOCOL.tls), PROTOCOL.tls), PROTOCOL.tls)
})
