/** Reads access logs: the lines of `observe/access-line.ts`, also as syslog daemons and journalctl store them. */
import { fieldMark } from '../base/access-fields.js'
import { AccessTimes } from './access-time.js'
import { AddressReader } from './address-reader.js'
import { Trace, type TraceConnection } from './trace.js'
import { NO_WORD } from './word-table.js'

/** Longer than any line that the program writes; the rest of such a line is skipped. */
const LINE_BYTES_MAX = 65_536

const NEWLINE = 0x0a

/** More milliseconds than any session: sums of times stay exact. */
const LENGTH_MAX_MS = 1e13

const CLIENT = fieldMark('client')
const LISTENER = fieldMark('listener')
const POOL = fieldMark('pool')
const REMOTE = fieldMark('remote')
const TO_REMOTE = fieldMark('to_remote')
const TO_CLIENT = fieldMark('to_client')
const SECONDS = fieldMark('seconds')
const QUEUED = fieldMark('queued')
const END = fieldMark('end')
const TLS = fieldMark('tls')
const SERVER_NAME = fieldMark('sni')
const ALPN = fieldMark('alpn')

/** Lines that are no access lines, such as other messages of the program. */
export interface Malformed {
  count: number
  /** The first of them, counted from 1; 0: none. */
  firstLine: number
  /** What is wrong with it. */
  problem: string
}

export class TraceParser {
  readonly trace = new Trace(true)
  readonly malformed: Malformed = { count: 0, firstLine: 0, problem: '' }
  readonly #decoder = new TextDecoder()
  readonly #times = new AccessTimes()
  readonly #address = new AddressReader()
  readonly #connection: TraceConnection = {
    startMs: 0,
    queuedMs: 0,
    lengthMs: 0,
    toRemote: 0,
    toClient: 0,
    client: 0,
    listener: 0,
    pool: 0,
    remote: 0,
    end: 0,
    tlsVersion: 0,
    serverName: 0,
    alpn: 0,
  }
  /** The beginning of a line whose end has not arrived. */
  #rest = new Uint8Array(0)
  /** The line is too long: its rest is skipped. */
  #isSkipping = false
  #lines = 0

  /** Takes the next bytes of the log; they may end anywhere. */
  push(bytes: Uint8Array): void {
    const last = bytes.lastIndexOf(NEWLINE)
    const complete = bytes.subarray(0, last + 1)
    if (last >= 0) {
      this.#readLines(this.#rest.length === 0 ? complete : joined(this.#rest, complete))
      this.#rest = new Uint8Array(0)
    }
    this.#keep(bytes.subarray(last + 1))
  }

  /** Reads a last line without a line end. */
  finish(): void {
    if (this.#rest.length > 0 || this.#isSkipping) this.push(Uint8Array.of(NEWLINE))
  }

  #keep(bytes: Uint8Array): void {
    if (this.#isSkipping || bytes.length === 0) return
    this.#isSkipping = this.#rest.length + bytes.length > LINE_BYTES_MAX
    this.#rest = this.#isSkipping ? new Uint8Array(0) : joined(this.#rest, bytes)
  }

  #readLines(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes)
    let at = 0
    if (this.#isSkipping) {
      this.#isSkipping = false
      at = text.indexOf('\n') + 1
      this.#lines++
      this.#reject('it is too long')
    }
    for (let end = text.indexOf('\n', at); end >= 0; end = text.indexOf('\n', at)) {
      this.#lines++
      const problem = this.#readLine(text.slice(at, text[end - 1] === '\r' ? end - 1 : end))
      if (problem !== undefined) this.#reject(problem)
      at = end + 1
    }
  }

  #reject(problem: string): void {
    const { malformed } = this
    if (malformed.count++ > 0) return
    malformed.firstLine = this.#lines
    malformed.problem = problem
  }

  /** Adds the connection of a line, or returns what is wrong. */
  #readLine(line: string): string | undefined {
    const connection = this.#connection
    const { words, clients } = this.trace
    const endMs = this.#times.parse(line.slice(0, Math.max(0, line.indexOf(' '))))
    if (Number.isNaN(endMs)) return 'it does not begin with a time as in 2026-11-22T11:41:03.471Z'
    const client = fieldOf(line, CLIENT)
    if (client === undefined) return "it has no field 'client'"
    if (!this.#address.read(client)) return "'client' is not an address with a port"
    const lengthMs = Math.round(numberOf(line, SECONDS) * 1_000)
    connection.toRemote = numberOf(line, TO_REMOTE)
    connection.toClient = numberOf(line, TO_CLIENT)
    connection.queuedMs = line.includes(QUEUED) ? numberOf(line, QUEUED) : 0
    if (!(lengthMs <= LENGTH_MAX_MS)) return "'seconds' is not a number"
    if (!(connection.queuedMs <= LENGTH_MAX_MS)) return "'queued' is not a number"
    if (Number.isNaN(connection.toRemote)) return "'to_remote' is not a number"
    if (Number.isNaN(connection.toClient)) return "'to_client' is not a number"
    const end = fieldOf(line, END)
    const listener = fieldOf(line, LISTENER)
    if (end === undefined) return "it has no field 'end'"
    if (listener === undefined) return "it has no field 'listener'"
    connection.startMs = endMs - lengthMs
    // Both are rounded: the wait may be a little longer than the whole.
    connection.lengthMs = Math.max(0, lengthMs - connection.queuedMs)
    connection.client = clients.idOf(this.#address.bytes, this.#address.byteCount)
    connection.listener = words.idOf(listener)
    connection.end = words.idOf(end)
    connection.pool = this.#word(line, POOL)
    connection.remote = this.#word(line, REMOTE)
    const tlsVersion = this.#word(line, TLS)
    connection.tlsVersion = tlsVersion
    connection.serverName = tlsVersion === NO_WORD ? NO_WORD : this.#word(line, SERVER_NAME)
    connection.alpn = tlsVersion === NO_WORD ? NO_WORD : this.#word(line, ALPN)
    this.trace.add(connection)
    return undefined
  }

  #word(line: string, mark: string): number {
    return this.trace.words.idOf(fieldOf(line, mark) ?? '')
  }
}

/** The value of a field; undefined without it. */
function fieldOf(line: string, mark: string): string | undefined {
  const at = line.indexOf(mark)
  if (at < 0) return undefined
  const from = at + mark.length
  const end = line.indexOf(' ', from)
  return end < 0 ? line.slice(from) : line.slice(from, end)
}

/** Digits, perhaps with a fraction; NaN for anything else. */
function numberOf(line: string, mark: string): number {
  const text = fieldOf(line, mark)
  return text !== undefined && /^\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
