/**
 * The health check `mysql`: the greeting of MySQL and MariaDB, and with a user also a login without a password and whether
 * the server is read-only (MySQL, client/server protocol, version 10).
 */
import { Buffer } from 'node:buffer'
import { ByteReader } from '../byte-reader.js'
import type { Conversation } from '../conversation.js'
import type { CheckOf, ProbeFinding } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { quoted } from '../quoted.js'

/** Far more than any packet that is awaited here; what other protocols begin with is a greater length. */
const PACKET_BYTES_MAX = 65_536
const HEADER_BYTES = 4

const PROTOCOL_VERSION = 10

// Capabilities of both sides.
const LONG_PASSWORD = 0x1
const PROTOCOL_41 = 0x200
const SSL = 0x800
const SECURE_CONNECTION = 0x8000
const PLUGIN_AUTH = 0x8_0000

/** The first byte of a packet. */
const OK = 0x00
const MORE_DATA = 0x01
const SWITCH_OR_END = 0xfe
const ERROR = 0xff
/** A packet with the first byte 0xfe is the end of rows only up to this length. */
const END_BYTES_MAX = 8

/** In the packet MORE_DATA of caching_sha2_password: the server knows the user already. */
const FAST_AUTH_OK = 0x03

const UTF8 = 33
const COM_QUIT = 0x01
const COM_QUERY = 0x03
const QUERY = 'select @@global.read_only'

interface Greeting {
  readonly version: string
  readonly capabilities: number
  readonly plugin: string
}

interface Packet {
  readonly sequence: number
  readonly payload: Buffer
}

export async function probeMysql(session: ProbeSession, check: CheckOf<'mysql'>): Promise<ProbeFinding> {
  const plain = await session.connect()
  const greeting = greetingOf((await packet(plain, 'greeting')).payload)
  const text = `version ${quoted(greeting.version)}`
  let sequence = 1
  let talk = plain
  if (session.startsTls) {
    if ((greeting.capabilities & SSL) === 0) throw new ProbeFailure('it does not offer TLS')
    plain.send(packetWith(sequence++, loginHead(greeting, SSL)))
    talk = await session.startTls(plain)
  }
  if (check.user === undefined) return { text }
  talk.send(packetWith(sequence, login(greeting, check.user, session.startsTls ? SSL : 0)))
  await loggedIn(talk)
  if (check.role !== 'any') await checkRole(talk, check.role)
  talk.send(packetWith(0, Buffer.of(COM_QUIT)))
  return { text: check.role === 'any' ? text : `${text}, ${check.role}` }
}

async function packet(talk: Conversation, what: string): Promise<Packet> {
  const bytes = await talk.answer(what, (received) => {
    if (received.byteLength < HEADER_BYTES) return undefined
    const length = HEADER_BYTES + received.readUIntLE(0, 3)
    if (length > PACKET_BYTES_MAX) throw new ProbeFailure(`no ${what} of MySQL: ${quoted(received)}`)
    return received.byteLength < length ? undefined : length
  })
  const payload = bytes.subarray(HEADER_BYTES)
  if (payload[0] === ERROR) throw new ProbeFailure(errorOf(payload))
  return { sequence: bytes.readUInt8(3), payload }
}

function errorOf(payload: Buffer): string {
  const reader = new ByteReader(payload.subarray(1), 'error message of MySQL')
  const code = reader.word()
  // `#` and five characters of SQLSTATE, except before the login.
  const text = reader
    .rest()
    .toString('utf8')
    .replace(/^#.{5}/, '')
  return `${quoted(text)} (error ${code})`
}

function greetingOf(payload: Buffer): Greeting {
  const reader = new ByteReader(payload, 'greeting of MySQL')
  const protocol = reader.byte()
  if (protocol !== PROTOCOL_VERSION)
    throw new ProbeFailure(`protocol version ${protocol} of MySQL, expected ${PROTOCOL_VERSION}`)
  const version = reader.zeroTerminated()
  // Thread id, first part of the challenge, filler.
  reader.take(4 + 8 + 1)
  const lower = reader.word()
  // Character set and status.
  reader.take(1 + 2)
  const capabilities = lower + reader.word() * 0x1_0000
  const challengeBytes = reader.byte()
  reader.take(10)
  if ((capabilities & PROTOCOL_41) === 0 || (capabilities & SECURE_CONNECTION) === 0)
    throw new ProbeFailure(`it is too old: version ${quoted(version)}`)
  reader.take(Math.min(Math.max(13, challengeBytes - 8), reader.left))
  const plugin =
    (capabilities & PLUGIN_AUTH) === 0 ? '' : reader.rest().toString('latin1').replace(/\0.*$/s, '')
  return { version, capabilities, plugin }
}

function packetWith(sequence: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUIntLE(payload.byteLength, 0, 3)
  header.writeUInt8(sequence, 3)
  return Buffer.concat([header, payload])
}

/** The beginning of the login, which is the request for TLS if nothing follows. */
function loginHead({ capabilities }: Greeting, more: number): Buffer {
  const head = Buffer.alloc(4 + 4 + 1 + 23)
  const own = LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | (capabilities & PLUGIN_AUTH) | more
  head.writeUInt32LE(own, 0)
  head.writeUInt32LE(PACKET_BYTES_MAX, 4)
  head.writeUInt8(UTF8, 8)
  return head
}

function login(greeting: Greeting, user: string, more: number): Buffer {
  const { capabilities, plugin } = greeting
  const password = emptyPassword(plugin) ?? Buffer.alloc(0)
  const method = (capabilities & PLUGIN_AUTH) === 0 ? '' : `${plugin}\0`
  return Buffer.concat([
    loginHead(greeting, more),
    Buffer.from(`${user}\0`),
    Buffer.of(password.byteLength),
    password,
    Buffer.from(method),
  ])
}

/** How a client of this authentication method says that it has no password; undefined: not known. */
function emptyPassword(plugin: string): Buffer | undefined {
  switch (plugin) {
    case '':
    case 'mysql_native_password':
      return Buffer.alloc(0)
    case 'caching_sha2_password':
    case 'sha256_password':
      return Buffer.of(0)
    default:
      return undefined
  }
}

async function loggedIn(talk: Conversation): Promise<void> {
  const first = await packet(talk, 'answer to the login')
  const answer = first.payload[0] === SWITCH_OR_END ? await switched(talk, first) : first
  const last = isFast(answer.payload) ? await packet(talk, 'answer to the login') : answer
  const { payload } = last
  if (payload[0] === OK) return
  throw new ProbeFailure(payload[0] === MORE_DATA ? 'it wants a password' : 'bad answer to the login')
}

/** The server wants another authentication method for this user. */
async function switched(talk: Conversation, { payload, sequence }: Packet): Promise<Packet> {
  // Without a name: the method of MySQL before 4.1.
  const [plugin = ''] = payload.subarray(1).toString('latin1').split('\0')
  const password = plugin === '' ? undefined : emptyPassword(plugin)
  if (password === undefined) throw new ProbeFailure(`it wants the authentication method ${quoted(plugin)}`)
  talk.send(packetWith((sequence + 1) & 0xff, password))
  return packet(talk, 'answer to the login')
}

function isFast(payload: Buffer): boolean {
  return payload.byteLength === 2 && payload[0] === MORE_DATA && payload[1] === FAST_AUTH_OK
}

async function checkRole(talk: Conversation, wanted: 'primary' | 'replica'): Promise<void> {
  talk.send(packetWith(0, Buffer.concat([Buffer.of(COM_QUERY), Buffer.from(QUERY)])))
  const what = `answer to '${QUERY}'`
  const columns = await packet(talk, what)
  const isOne = columns.payload.byteLength === 1 && columns.payload[0] === 1
  await packet(talk, what)
  const end = await packet(talk, what)
  const row = new ByteReader((await packet(talk, what)).payload, what)
  const last = await packet(talk, what)
  if (!isOne || !isEnd(end) || !isEnd(last)) row.fail()
  const value = row.take(row.byte()).toString('latin1')
  // MariaDB 12 has words.
  const role = /^(0|OFF)$/i.test(value) ? 'primary' : 'replica'
  if (role !== wanted)
    throw new ProbeFailure(`it is a ${role} (read_only = ${quoted(value)}), expected a ${wanted}`)
}

function isEnd({ payload }: Packet): boolean {
  return payload[0] === SWITCH_OR_END && payload.byteLength <= END_BYTES_MAX
}
