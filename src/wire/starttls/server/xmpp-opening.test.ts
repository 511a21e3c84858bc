import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse, STREAM, XMPP_STARTTLS } from '../../../../test/support/plain-openings.js'
import { WITHOUT_TLS } from './plain-opening.js'

const HEADER =
  "<?xml version='1.0'?><stream:stream from='chat.example' id='id-1' version='1.0' xmlns='jabber:client' " +
  "xmlns:stream='http://etherx.jabber.org/streams'>"
const FEATURES =
  "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
const PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
const VIOLATION =
  "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"

test('a stream is answered by the name that the client wants, with STARTTLS as its only feature', () => {
  const told = converse('xmpp', [STREAM, XMPP_STARTTLS])
  assert.equal(told.next, 'tls')
  assert.equal(told.said, HEADER + FEATURES + PROCEED)
  const ofServers = STREAM.replace('jabber:client', 'jabber:server')
  assert.equal(
    converse('xmpp', [ofServers]).said,
    HEADER.replace('jabber:client', 'jabber:server') + FEATURES,
  )
})

test('names that would change the XML, or none, are replaced by that of the relay', () => {
  for (const name of ['a&quot;b', 'a>b', 'x'.repeat(256), '']) {
    const { next, said } = converse('xmpp', [STREAM.replace('chat.example', name)])
    assert.equal(next, 'go-on')
    assert.match(said, / from='relay\.example' /)
  }
})

test('the element may have an end tag, and white space between the tags is allowed', () => {
  const pair = '<starttls\n xmlns="urn:ietf:params:xml:ns:xmpp-tls"></starttls>'
  assert.equal(converse('xmpp', [`${STREAM}\r\n `, pair]).next, 'tls')
})

test('anything else is a violation of the policy', () => {
  for (const element of [
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>",
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tlsx'/>",
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>",
    STREAM.slice(STREAM.indexOf('<stream')),
  ]) {
    const { next, said, why } = converse('xmpp', [STREAM, element])
    assert.deepEqual([next, why], ['refuse', WITHOUT_TLS])
    assert.equal(said, HEADER + FEATURES + VIOLATION)
  }
})

test('what is no XMPP gets a stream with an error, and the end of the stream leaves', () => {
  for (const text of ['GET / HTTP/1.1', '<stream:stream />', '<a>']) {
    const { next, said } = converse('xmpp', [text])
    assert.equal(next, 'refuse')
    assert.match(
      said,
      /^<\?xml version='1\.0'\?><stream:stream .*<stream:error><\S+ xmlns='\S+'\/><\/stream:error>/,
    )
  }
  assert.equal(converse('xmpp', [STREAM, '</stream:stream>']).next, 'leave')
})
