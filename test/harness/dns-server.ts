/** A DNS server on loopback over UDP and TCP, whose replies a test scripts question by question. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type Answer, type DecodedPacket, decode, encode } from 'dns-packet'
import { type HostAddress, parseHostLiteral } from '../../src/base/address.js'
import { afterwards } from './clean-up.js'
import { until } from './until.js'

const LENGTH_BYTES = 2
/** A UDP port whose number is taken for TCP. */
const PORT_TRIES = 20

export const AUTHORITATIVE = 0x0400
const TRUNCATED = 0x0200
const RECURSIVE = 0x0180

export const CODES = { FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const

export interface DnsReply {
  readonly answers?: Answer[]
  readonly authorities?: Answer[]
  readonly additionals?: Answer[]
  readonly code?: number
  /** Without the code. @default those of a recursive server */
  readonly flags?: number
  /** Over UDP nothing but the flag comes. */
  readonly isTruncated?: boolean
  /** The messages instead of `message`: none, several, or others. */
  alter?(message: Buffer, transport: 'udp' | 'tcp'): readonly Buffer[]
  /** Over TCP it comes in pieces of so many bytes. */
  readonly pieceBytes?: number
}

type Script = DnsReply | ((query: DecodedPacket) => DnsReply)

export const SILENCE: DnsReply = { alter: () => [] }
export const SERVFAIL: DnsReply = { code: CODES.SERVFAIL }

export class DnsServer {
  /** `udp A www.example.test`, in the order of their arrival. */
  readonly queries: string[] = []
  readonly #scripts = new Map<string, Script[]>()
  readonly #connections = new Set<Socket>()
  #udp: UdpSocket = createSocket('udp4')
  #tcp: Server = createServer()

  private constructor() {}

  static async start(t: TestContext): Promise<DnsServer> {
    const server = new DnsServer()
    afterwards(t, () => server.#close())
    await server.#listen(PORT_TRIES)
    return server
  }

  get address(): HostAddress {
    return { family: 'ipv4', host: '127.0.0.1', port: this.#udp.address().port }
  }

  /** `question`: `A www.example.test`. One reply after the other, the last one again and again. Others are refused. */
  set(question: string, ...scripts: readonly Script[]): void {
    this.#scripts.set(question, [...scripts])
  }

  /** Scripts the addresses of a name; the other family has none. */
  setAddresses(name: string, hosts: readonly string[], ttl = 60): void {
    for (const type of ['A', 'AAAA'] as const) {
      const answers = hosts
        .filter((host) => parseHostLiteral(host)?.family === (type === 'A' ? 'ipv4' : 'ipv6'))
        .map((host): Answer => ({ type, name, ttl, class: 'IN', data: host }))
      this.set(`${type} ${name}`, answers.length > 0 ? { answers } : NODATA)
    }
  }

  async isAsked(query: string, count = 1): Promise<void> {
    await until(`${count} times ${query}`, () => this.countOf(query) >= count)
  }

  countOf(query: string): number {
    return this.queries.filter((one) => one === query).length
  }

  async #listen(triesLeft: number): Promise<void> {
    this.#udp = createSocket('udp4')
    this.#udp.bind(0, '127.0.0.1')
    await once(this.#udp, 'listening')
    this.#tcp = createServer((socket) => this.#onConnection(socket))
    try {
      this.#tcp.listen(this.#udp.address().port, '127.0.0.1')
      await once(this.#tcp, 'listening')
    } catch (error) {
      if (triesLeft === 0) throw error
      this.#udp.close()
      return this.#listen(triesLeft - 1)
    }
    this.#udp.on('message', (bytes, { address, port }) => {
      for (const message of this.#repliesTo(bytes, 'udp')) this.#udp.send(message, port, address)
    })
  }

  #close(): void {
    this.#udp.close()
    this.#tcp.close()
    for (const connection of this.#connections) connection.destroy()
  }

  #onConnection(socket: Socket): void {
    this.#connections.add(socket)
    socket.on('close', () => this.#connections.delete(socket))
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      const pieces = this.#repliesTo(bytes.subarray(LENGTH_BYTES), 'tcp')
      if (pieces.length === 0) socket.end()
      else void sendSlowly(socket, pieces)
    })
  }

  #repliesTo(bytes: Buffer, transport: 'udp' | 'tcp'): readonly Buffer[] {
    const query = decode(bytes)
    const [asked] = query.questions ?? []
    const question = `${asked?.type} ${asked?.name}`
    this.queries.push(`${transport} ${question}`)
    const script = this.#next(question)
    const reply = typeof script === 'function' ? script(query) : script
    const message = messageOf(query, reply, transport)
    const messages = reply.alter?.(message, transport) ?? [message]
    return transport === 'udp' ? messages : messages.flatMap((one) => piecesOf(one, reply.pieceBytes))
  }

  #next(question: string): Script {
    const scripts = this.#scripts.get(question) ?? []
    const first = scripts.length > 1 ? scripts.shift() : scripts[0]
    return first ?? { code: CODES.REFUSED }
  }
}

function messageOf(query: DecodedPacket, reply: DnsReply, transport: 'udp' | 'tcp'): Buffer {
  const { additionals = [], answers = [], authorities = [], code = 0, flags = RECURSIVE } = reply
  const isCut = reply.isTruncated === true && transport === 'udp'
  return encode({
    type: 'response',
    id: query.id ?? 0,
    flags: flags | code | (isCut ? TRUNCATED : 0),
    questions: query.questions ?? [],
    ...(isCut ? {} : { answers, authorities, additionals }),
  })
}

function piecesOf(message: Buffer, pieceBytes = Number.POSITIVE_INFINITY): readonly Buffer[] {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt16BE(message.length)
  const all = Buffer.concat([length, message])
  const size = Math.min(pieceBytes, all.length)
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.subarray(i * size, (i + 1) * size),
  )
}

async function sendSlowly(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  socket.setNoDelay()
  for (const piece of pieces) {
    if (socket.destroyed) return
    await new Promise((resolve) => socket.write(piece, resolve))
  }
}

export function address(name: string, host: string, ttl = 60): Answer {
  return { type: host.includes(':') ? 'AAAA' : 'A', name, ttl, class: 'IN', data: host }
}

export function alias(name: string, target: string, ttl = 60): Answer {
  return { type: 'CNAME', name, ttl, class: 'IN', data: target }
}

/** `priority weight port target`, as in a zone file. */
export function service(name: string, text: string, ttl = 60): Answer {
  const [priority, weight, port, target = ''] = text.split(' ')
  const data = { priority: Number(priority), weight: Number(weight), port: Number(port), target }
  return { type: 'SRV', name, ttl, class: 'IN', data }
}

/** What a denial carries: its TTL and the minimum are the negative TTL. */
export function authority(ttl = 60, minimum = ttl): Answer {
  const data = { mname: 'ns.example.test', rname: 'admin.example.test', serial: 1, minimum }
  return { type: 'SOA', name: 'example.test', ttl, class: 'IN', data }
}

export const NODATA: DnsReply = { authorities: [authority()] }
export const NXDOMAIN: DnsReply = { code: CODES.NXDOMAIN, authorities: [authority()] }
