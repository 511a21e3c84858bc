/** The health check `mqtt`: a CONNECT of MQTT 3.1.1 that the server accepts. */
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import type { CheckOf, ProbeFinding } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { quoted } from '../quoted.js'

// The types of packets with their flags, and the flags of CONNECT (sections 3.1 and 3.14).
const CONNECT = 0x10
const CONNACK = 0x20
const DISCONNECT = 0xe0
const CLEAN_SESSION = 0x02
const HAS_PASSWORD = 0x40
const HAS_USER = 0x80

const PROTOCOL_LEVEL = 4
/** In seconds: longer than any check takes. */
const KEEP_ALIVE = 60

/** By return code (table 3.1). */
const REFUSALS = [
  '',
  'unacceptable protocol version',
  'identifier rejected',
  'server unavailable',
  'bad user name or password',
  'not authorized',
]

export async function probeMqtt(session: ProbeSession, check: CheckOf<'mqtt'>): Promise<ProbeFinding> {
  const talk = await session.connect()
  talk.send(connectPacket(check))
  const answer = await talk.answer('answer to CONNECT', (bytes) => {
    const [type, length, flags] = bytes
    const isOther = type !== undefined && type !== CONNACK
    const isBad = (length !== undefined && length !== 2) || (flags !== undefined && flags > 1)
    if (isOther || isBad) throw new ProbeFailure(`no CONNACK of MQTT: ${quoted(bytes)}`)
    return bytes.byteLength < 4 ? undefined : 4
  })
  const code = answer.readUInt8(3)
  if (code !== 0) throw new ProbeFailure(`${REFUSALS[code] ?? 'refused'} (return code ${code})`)
  talk.send(Buffer.of(DISCONNECT, 0))
  return { text: '' }
}

function connectPacket({ clientId = ownId(), password, user }: CheckOf<'mqtt'>): Buffer {
  const flags =
    CLEAN_SESSION | (user === undefined ? 0 : HAS_USER) | (password === undefined ? 0 : HAS_PASSWORD)
  const texts = [clientId, user, password].flatMap((text) => (text === undefined ? [] : [field(text)]))
  const body = Buffer.concat([field('MQTT'), Buffer.of(PROTOCOL_LEVEL, flags, 0, KEEP_ALIVE), ...texts])
  return Buffer.concat([Buffer.of(CONNECT), remainingLength(body.byteLength), body])
}

/** Another one in each check: a server ends the connection of an older client with the same id. */
function ownId(): string {
  // Letters and digits, at most 23: what each server has to accept (section 3.1.3.1).
  return `tcprelay${randomBytes(7).toString('hex')}`
}

function field(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.byteLength, 0)
  return Buffer.concat([length, bytes])
}

/** Seven bits in each byte, the lowest first (section 2.2.3). */
function remainingLength(length: number): Buffer {
  const bytes: number[] = []
  for (let rest = length; bytes.length === 0 || rest > 0; rest >>= 7)
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
  return Buffer.from(bytes)
}
