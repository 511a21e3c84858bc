/** What clients send before TLS, and a conversation with the relay's side of it. */

import type { Next } from '../../src/wire/starttls/server/plain-opening.js'
import { plainOpeningOf } from '../../src/wire/starttls/server/plain-opening-of.js'

export const SERVER_NAME = 'relay.example'

export const EXTENDED_START_TLS = Buffer.from(
  `\x30\x1d\x02\x01\x01\x77\x18\x80\x16${'1.3.6.1.4.1.1466.20037'}`,
  'latin1',
)
export const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
export const GSSENC_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30])
export const CANCEL_REQUEST = Buffer.from([0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2])
export const STARTUP = Buffer.from('\0\0\0\x11\0\x03\0\0user\0me\0\0', 'latin1')
export const STREAM =
  "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client' " +
  "to='chat.example' version='1.0'>"
export const XMPP_STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

/** Openings up to the request for TLS, each in the parts that a client sends at a time. */
export const OPENINGS = {
  smtp: ['EHLO client.example\r\n', 'STARTTLS\r\n'],
  imap: ['a1 CAPABILITY\r\n', 'a2 STARTTLS\r\n'],
  pop3: ['CAPA\r\n', 'STLS\r\n'],
  ftp: ['AUTH SSL\r\n', 'FEAT\r\n', 'AUTH TLS\r\n'],
  ldap: [EXTENDED_START_TLS.toString('latin1')],
  postgres: [GSSENC_REQUEST.toString('latin1'), SSL_REQUEST.toString('latin1')],
  xmpp: [STREAM, XMPP_STARTTLS],
} as const
export type OpenedProtocol = keyof typeof OPENINGS
export const OPENED_PROTOCOLS = Object.keys(OPENINGS) as OpenedProtocol[]

export interface Told {
  /** All that the relay has said, with its greeting. */
  readonly said: string
  readonly next: Next
  readonly why: string
  /** How many bytes it has taken. */
  readonly taken: number
}

/** Gives the chunks to an opening, until it does not go on. */
export function converse(protocol: OpenedProtocol, chunks: Iterable<Uint8Array | string>): Told {
  const opening = plainOpeningOf(protocol, SERVER_NAME, 'id-1')
  let said = opening.greeting
  let taken = 0
  for (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk
    const step = opening.take(bytes, bytes.length)
    said += step.reply
    taken += step.taken
    if (step.next !== 'go-on') return { said, next: step.next, why: step.why, taken }
  }
  return { said, next: 'go-on', why: '', taken }
}
