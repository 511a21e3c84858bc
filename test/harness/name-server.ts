import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { hostBytes } from '../../src/base/address.js'
import { afterwards } from './clean-up.js'
import { fileOfProject } from './program.js'
import { until } from './until.js'

/** Types of records (RFC 1035, RFC 3596). */
const A = 1
const AAAA = 28

const HEADER_BYTES = 12
/** A response to a recursive query; the low bits are its code. */
const RESPONSE = 0x8180
const NXDOMAIN = 3

/** The addresses of a name; `none`: the server never answers. */
export interface NameRecords {
  readonly addresses?: readonly string[]
  /** In seconds. @default 60 */
  readonly ttl?: number
  readonly none?: boolean
}

/** A DNS server on loopback, over UDP, for programs that are started with `environment`. */
export class NameServer {
  /** `A www.example.test`, in the order of their arrival, without repetitions. */
  readonly queries: string[] = []
  readonly #socket: Socket
  readonly #names = new Map<string, readonly NameRecords[]>()
  /** Which of the queries for the same a query was, by its bytes: a resolver repeats those that take longer. */
  readonly #turns = new Map<string, number>()
  #port = 0

  private constructor() {
    this.#socket = createSocket('udp4')
    this.#socket.on('message', (query, { address, port }) => {
      const reply = this.#reply(query)
      if (reply !== undefined) this.#socket.send(reply, port, address)
    })
  }

  static async start(t: TestContext): Promise<NameServer> {
    const server = new NameServer()
    afterwards(t, () => void server.#socket.close())
    server.#socket.bind(0, '127.0.0.1')
    await once(server.#socket, 'listening')
    server.#port = server.#socket.address().port
    return server
  }

  get environment(): Readonly<Record<string, string>> {
    const preload = `file://${fileOfProject('dist/test/harness/use-name-server.js')}?127.0.0.1:${this.#port}`
    return { NODE_OPTIONS: `--import=${preload}` }
  }

  /** Names without records do not exist. Several `records` are the answers to one A query after the other. */
  set(name: string, ...records: readonly NameRecords[]): void {
    this.#names.set(name, records)
  }

  async isAsked(query: string, count = 1): Promise<void> {
    await until(`${count} queries for ${query}`, () => this.#countOf(query) >= count)
  }

  countOf(query: string): number {
    return this.#countOf(query)
  }

  #countOf(query: string): number {
    return this.queries.filter((one) => one === query).length
  }

  #reply(query: Buffer): Buffer | undefined {
    const { end, name, type } = questionIn(query)
    const asked = `${type === A ? 'A' : type === AAAA ? 'AAAA' : type} ${name}`
    const known = this.#turns.get(query.toString('latin1'))
    const turn = known ?? this.#countOf(asked)
    if (known === undefined) {
      this.#turns.set(query.toString('latin1'), turn)
      this.queries.push(asked)
    }
    const all = this.#names.get(name)
    const records = all?.[Math.min(turn, all.length - 1)]
    if (records?.none === true) return undefined
    const { addresses = [], ttl = 60 } = records ?? {}
    const wanted = addresses.map(hostBytes).filter(({ length }) => length === (type === A ? 4 : 16))
    const answers = type === A || type === AAAA ? wanted.map((bytes) => recordOf(type, ttl, bytes)) : []
    const header = Buffer.alloc(HEADER_BYTES)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(records === undefined ? RESPONSE | NXDOMAIN : RESPONSE, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(answers.length, 6)
    return Buffer.concat([header, query.subarray(HEADER_BYTES, end), ...answers])
  }
}

function questionIn(query: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function recordOf(type: number, ttl: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(HEADER_BYTES)
  // A pointer to the name in the question.
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(ttl, 6)
  head.writeUInt16BE(bytes.length, 10)
  return Buffer.concat([head, bytes])
}
