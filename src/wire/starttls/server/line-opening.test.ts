/** The commands of SMTP, IMAP, POP3 and FTP before TLS. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse, type OpenedProtocol } from '../../../../test/support/plain-openings.js'
import { COMMANDS_MAX, TOO_MANY, WITHOUT_TLS } from './plain-opening.js'

/** Each line is a chunk; returns the lines that the relay says, and what comes next. */
function lines(protocol: OpenedProtocol, ...commands: readonly string[]) {
  const { next, said, why } = converse(
    protocol,
    commands.map((command) => `${command}\r\n`),
  )
  assert.match(said, /^(.*\r\n)+$/)
  return [...said.split('\r\n').slice(0, -1), why === WITHOUT_TLS ? 'without TLS' : next]
}

test('SMTP', () => {
  assert.deepEqual(lines('smtp', 'EHLO me', 'STARTTLS'), [
    '220 relay.example ESMTP',
    '250-relay.example',
    '250 STARTTLS',
    '220 2.0.0 Ready to start TLS',
    'tls',
  ])
  assert.deepEqual(lines('smtp', 'helo me', 'noop x', 'rset', 'starttls now', 'QUIT').slice(1), [
    '250 relay.example',
    '250 2.0.0 Ok',
    '250 2.0.0 Ok',
    '501 5.5.4 STARTTLS has no parameters',
    '221 2.0.0 Bye',
    'leave',
  ])
  for (const command of ['MAIL FROM:<a@b>', 'AUTH PLAIN AGEAYg==', 'GET / HTTP/1.1', '']) {
    assert.deepEqual(lines('smtp', 'EHLO me', command).slice(3), [
      '530 5.7.0 Must issue a STARTTLS command first',
      'without TLS',
    ])
  }
})

test('IMAP', () => {
  assert.deepEqual(lines('imap', 'a1 capability', 'A2 ID ("name" "x")', '.3 NOOP', 'a4 STARTTLS'), [
    '* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] relay.example ready',
    '* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED',
    'a1 OK CAPABILITY completed',
    '* ID NIL',
    'A2 OK ID completed',
    '.3 OK NOOP completed',
    'a4 OK Begin TLS negotiation now',
    'tls',
  ])
  assert.deepEqual(lines('imap', 'a1 STARTTLS x', 'a2 LOGOUT').slice(1), [
    'a1 BAD STARTTLS has no parameters',
    '* BYE Logging out',
    'a2 OK LOGOUT completed',
    'leave',
  ])
  assert.deepEqual(lines('imap', 'a1 LOGIN me secret').slice(1), [
    'a1 NO [PRIVACYREQUIRED] TLS is required: use STARTTLS first',
    '* BYE TLS is required',
    'without TLS',
  ])
  // A literal would be commands to a server that does not know of it.
  for (const line of ['a1 ID {9}', 'a1 ID {9+}', '+ NOOP', '* NOOP', 'NOOP', '', `${'t'.repeat(65)} NOOP`]) {
    assert.deepEqual(lines('imap', line).slice(1), [
      '* BAD Syntax error',
      '* BYE TLS is required',
      'without TLS',
    ])
  }
})

test('POP3', () => {
  assert.deepEqual(lines('pop3', 'AUTH', 'CAPA', 'NOOP', 'STLS x', 'stls'), [
    '+OK relay.example ready',
    '-ERR Use STLS first',
    '+OK Capabilities follow',
    'STLS',
    '.',
    '-ERR Not before the login',
    '-ERR STLS has no parameters',
    '+OK Begin TLS negotiation',
    'tls',
  ])
  assert.deepEqual(lines('pop3', 'QUIT').slice(1), ['+OK Bye', 'leave'])
  for (const command of ['USER me', 'AUTH PLAIN', 'APOP me 0']) {
    assert.deepEqual(lines('pop3', command).slice(1), ['-ERR TLS is required: use STLS first', 'without TLS'])
  }
})

test('FTP', () => {
  assert.deepEqual(lines('ftp', 'FEAT', 'AUTH SSL', 'auth tls-c'), [
    '220 relay.example ready',
    '211-Features:',
    ' AUTH TLS',
    '211 End',
    '504 Only AUTH TLS is supported',
    '234 Proceed with the negotiation',
    'tls',
  ])
  assert.deepEqual(lines('ftp', 'NOOP', 'QUIT').slice(1), ['200 Ok', '221 Goodbye', 'leave'])
  assert.deepEqual(lines('ftp', 'USER anonymous').slice(1), [
    '530 TLS is required: use AUTH TLS first',
    'without TLS',
  ])
})

test('several commands at a time are answered in order; a line may end without CR', () => {
  const { next, said } = converse('smtp', ['EHLO me\nNOOP\r\nSTARTTLS\n'])
  assert.equal(next, 'tls')
  assert.equal(said.split('\r\n').length, 6)
})

test('a client that never asks for TLS is refused after a number of commands', () => {
  const { next, said, why } = converse('smtp', ['NOOP\r\n'.repeat(COMMANDS_MAX + 5)])
  assert.deepEqual([next, why], ['refuse', TOO_MANY])
  assert.equal(said.split('\r\n').length, COMMANDS_MAX + 2)
})
