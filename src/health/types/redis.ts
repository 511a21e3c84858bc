/** The health check `redis`: PING, and the role that the server has. */
import { Buffer } from 'node:buffer'
import { type Reply, readReply } from '../../wire/resp.js'
import type { Conversation } from '../conversation.js'
import type { ProbeFinding, RedisCheck } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { quoted } from '../quoted.js'

/** What the server says of itself. */
interface Role {
  readonly name: string
  /** Of a replica: the state of its connection to the master. */
  readonly link: string | undefined
}

export async function probeRedis(session: ProbeSession, check: RedisCheck): Promise<ProbeFinding> {
  const { password, role: wanted, user } = check
  const talk = await session.connect()
  if (password !== undefined) {
    const reply = await asked(talk, ['AUTH', ...(user === undefined ? [] : [user]), password])
    if (textOf(reply) !== 'OK') throw unexpected('AUTH', reply)
  }
  const reply = await asked(talk, ['PING'])
  if (textOf(reply) !== 'PONG') throw unexpected('PING', reply)
  if (wanted === 'any') return { text: '' }
  const role = await roleOf(talk)
  const text = `role ${role.name}`
  if (role.name !== wanted) throw new ProbeFailure(`${text}, expected ${wanted}`)
  const isLinked = role.link === undefined || role.link === 'connected'
  return isLinked ? { text } : { text, warning: `its connection to the master is ${quoted(role.link)}` }
}

async function roleOf(talk: Conversation): Promise<Role> {
  const reply = await asked(talk, ['ROLE'])
  if (reply.kind === 'array') {
    const [name, , , link] = reply.items.map(textOf)
    if (name !== undefined) return { name: ourName(name), link: name === 'slave' ? link : undefined }
  }
  // Servers before 2.8.12 and some that are compatible do not know it, or the user may not send it.
  if (reply.kind !== 'error') throw unexpected('ROLE', reply)
  const info = await asked(talk, ['INFO', 'replication'])
  const [, name] = /^role:(\w+)\r?$/m.exec(textOf(info) ?? '') ?? []
  if (name === undefined) throw unexpected('INFO', info)
  return { name: ourName(name), link: undefined }
}

function ourName(name: string): string {
  return name === 'slave' ? 'replica' : name
}

/** Sends a command and returns its reply. */
async function asked(talk: Conversation, words: readonly string[]): Promise<Reply> {
  const [name = ''] = words
  talk.send(
    `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
  )
  let reply: Reply | undefined
  await talk.answer(`reply to ${name}`, (bytes) => {
    const reading = readReply(bytes)
    if (reading.kind === 'malformed') throw new ProbeFailure(`bad reply to ${name}: ${quoted(bytes)}`)
    if (reading.kind === 'need-more') return undefined
    reply = reading.reply
    return reading.bytes
  })
  if (reply === undefined) throw new Error('an answer without a reply')
  return reply
}

function textOf(reply: Reply): string | undefined {
  return reply.kind === 'text' ? reply.text : undefined
}

function unexpected(command: string, reply: Reply): ProbeFailure {
  return new ProbeFailure(`it answers ${shown(reply)} to ${command}`)
}

function shown(reply: Reply): string {
  switch (reply.kind) {
    case 'text':
    case 'error':
      return quoted(reply.text)
    case 'integer':
      return 'a number'
    case 'array':
      return 'an array'
    case 'null':
      return 'no value'
  }
}
