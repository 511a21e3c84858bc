/**
 * The health check `postgres`: as pg_isready does it, a server that answers to a startup message is up unless it says that
 * it takes no connections. With a role the check logs in (PostgreSQL, frontend/backend protocol 3.0).
 */
import { Buffer } from 'node:buffer'
import type { Conversation } from '../conversation.js'
import type { CheckOf, ProbeFinding } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { quoted } from '../quoted.js'

/** Far more than any message that is awaited here. */
const MESSAGE_BYTES_MAX = 65_536
/** Parameters and notices before the server is ready. */
const MESSAGES_MAX = 1_000

const PROTOCOL_3 = 0x3_0000
const SSL_REQUEST = 80_877_103
const AUTHENTICATED = 0
const QUERY = 'select pg_is_in_recovery()'

interface Message {
  readonly type: string
  readonly body: Buffer
}

export async function probePostgres(
  session: ProbeSession,
  check: CheckOf<'postgres'>,
): Promise<ProbeFinding> {
  const plain = await session.connect()
  const talk = session.startsTls ? await secured(session, plain) : plain
  talk.send(startup(check))
  const first = await message(talk, 'answer to the startup message')
  if (first.type === 'E') return refused(first.body, check)
  if (first.type !== 'R' || first.body.byteLength < 4)
    throw new ProbeFailure('bad answer to the startup message')
  const isAuthenticated = first.body.readUInt32BE(0) === AUTHENTICATED
  if (check.role === 'any' && !isAuthenticated) return { text: 'it asks for authentication' }
  if (!isAuthenticated)
    throw new ProbeFailure(
      `it asks user ${quoted(check.user)} for authentication, so that its role is not known`,
    )
  // With `trust`, a user or database that does not exist is reported only here.
  const error = (await until(talk, 'Z', 'end of the login')).find(({ type }) => type === 'E')
  if (error !== undefined) return refused(error.body, check)
  if (check.role !== 'any') await checkRole(talk, check.role)
  talk.send(messageWith('X', ''))
  return { text: check.role === 'any' ? '' : check.role }
}

async function secured(session: ProbeSession, plain: Conversation): Promise<Conversation> {
  const request = Buffer.alloc(8)
  request.writeUInt32BE(8, 0)
  request.writeUInt32BE(SSL_REQUEST, 4)
  plain.send(request)
  const answer = (await plain.bytes('answer to the request for TLS', 1)).toString('latin1')
  if (answer !== 'S')
    throw new ProbeFailure(answer === 'N' ? 'it does not offer TLS' : 'bad answer to the request for TLS')
  return session.startTls(plain)
}

function startup({ database, user }: CheckOf<'postgres'>): Buffer {
  const parameters = { user, database, application_name: 'tcprelay' }
  const pairs = Object.entries(parameters).flat()
  const body = Buffer.from(`${pairs.join('\0')}\0\0`)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(head.byteLength + body.byteLength, 0)
  head.writeUInt32BE(PROTOCOL_3, 4)
  return Buffer.concat([head, body])
}

function messageWith(type: string, text: string): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.from(`${type}\0\0\0\0`, 'latin1')
  head.writeUInt32BE(4 + body.byteLength, 1)
  return Buffer.concat([head, body])
}

async function message(talk: Conversation, what: string): Promise<Message> {
  const bytes = await talk.answer(what, (received) => {
    if (received.byteLength < 5) return undefined
    const length = received.readUInt32BE(1)
    // A type is a letter; other protocols do not begin like that.
    if (length < 4 || length > MESSAGE_BYTES_MAX || !/[A-Za-z]/.test(String.fromCharCode(received[0] ?? 0)))
      throw new ProbeFailure(`no ${what} of PostgreSQL: ${quoted(received)}`)
    return received.byteLength < 1 + length ? undefined : 1 + length
  })
  return { type: String.fromCharCode(bytes[0] ?? 0), body: bytes.subarray(5) }
}

interface ServerError {
  readonly code: string
  readonly text: string
}

/** Fields: a letter and a text that ends with NUL (section 55.8). */
function errorOf(body: Buffer): ServerError {
  const fields = body.toString('utf8').split('\0')
  const field = (letter: string) => fields.find((one) => one.startsWith(letter))?.slice(1) ?? ''
  const code = field('C')
  const shown = /^[0-9A-Z]{5}$/.test(code) ? ` (${code})` : ''
  return { code, text: `${quoted(field('M'))}${shown}` }
}

/** It is up if it has only refused this user or this database: class 28, and 3D000. */
function refused(body: Buffer, { role }: CheckOf<'postgres'>): ProbeFinding {
  const { code, text } = errorOf(body)
  if (role !== 'any' || !(code.startsWith('28') || code === '3D000')) throw new ProbeFailure(text)
  return { text }
}

/** The messages up to one of this type, or up to an error. */
async function until(talk: Conversation, type: string, what: string): Promise<readonly Message[]> {
  const messages: Message[] = []
  while (messages.length < MESSAGES_MAX) {
    const next = await message(talk, what)
    messages.push(next)
    if (next.type === type || next.type === 'E') return messages
  }
  throw new ProbeFailure(`more than ${MESSAGES_MAX} messages without the ${what}`)
}

async function checkRole(talk: Conversation, wanted: 'primary' | 'replica'): Promise<void> {
  talk.send(messageWith('Q', `${QUERY}\0`))
  const what = `answer to '${QUERY}'`
  const answer = await until(talk, 'Z', what)
  const error = answer.find(({ type }) => type === 'E')
  if (error !== undefined) throw new ProbeFailure(errorOf(error.body).text)
  const row = answer.find(({ type }) => type === 'D')
  // One column of one byte.
  const value = row?.body.byteLength === 7 ? String.fromCharCode(row.body[6] ?? 0) : ''
  if (value !== 't' && value !== 'f') throw new ProbeFailure(`bad ${what}`)
  const role = value === 't' ? 'replica' : 'primary'
  if (role !== wanted) throw new ProbeFailure(`it is a ${role}, expected a ${wanted}`)
}
