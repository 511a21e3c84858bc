/**
 * Asks a server for JSON over HTTP/1.1, for the sources whose protocol that is. Each request has a connection of its own: there
 * are few, and a connection that a server closes while it is idle fails no request. Redirects are not followed.
 */
import { Buffer } from 'node:buffer'
import { type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from 'node:http'
import type { AskingPlan } from '../discover-plan.js'
import { errorReason } from '../error-reason.js'
import { isObject, parseJson, shownText } from '../json-fields.js'
import { SourceFailure } from '../source-failure.js'
import { ClientContext } from './server-files.js'
import { TimeLimit } from './time-limit.js'

/** Of a document, and of a line of a stream. */
const BYTES_MAX = 16 * 1024 * 1024
/** Of an error, of which a log line is made. */
const ERROR_BYTES_MAX = 65_536
/** A watch is silent while nothing changes. */
const KEEPALIVE_MS = 15_000
const LF = 0x0a

export interface JsonRequest {
  /** `http://10.0.0.1:2379/v3/kv/range`. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, by POST; undefined: GET. */
  readonly body?: unknown
  /** Texts that appear in no message, whatever the server answers. */
  readonly secrets?: readonly string[]
  /** Instead of that of the plan. */
  readonly timeoutMs?: number
}

export interface JsonAnswer {
  readonly headers: IncomingHttpHeaders
  /** Undefined: 304, the document is that of before. */
  readonly value: unknown
}

/** An answer with a status that is no success. */
export class HttpFailure extends SourceFailure {
  readonly status: number
  /** As JSON; undefined: it is none. */
  readonly body: unknown

  constructor(message: string, status: number, body: unknown) {
    super(message)
    this.status = status
    this.body = body
  }
}

export class JsonHttp {
  readonly #plan: AskingPlan
  readonly #context: ClientContext

  constructor(plan: AskingPlan) {
    this.#plan = plan
    this.#context = new ClientContext(plan)
  }

  /** Rejects with a `SourceFailure`. */
  ask(asked: JsonRequest, signal: AbortSignal): Promise<JsonAnswer> {
    return this.#within(asked, signal, async (response) => {
      if (response.statusCode === 304) return { headers: response.headers, value: undefined }
      const text = (await readBody(response, BYTES_MAX)).toString('utf8')
      return { headers: response.headers, value: parseJson(text, 'the answer') }
    })
  }

  /**
   * Calls `onValue` with each line of an answer that goes on. Resolves when the server ends it, and rejects with a
   * `SourceFailure`, also one that `onValue` throws. The time limit is that for its header, which is there when `onOpen` is
   * called.
   */
  follow(
    asked: JsonRequest,
    signal: AbortSignal,
    onValue: (value: unknown) => void,
    onOpen: () => void = () => {},
  ): Promise<void> {
    return this.#within(asked, signal, async (response, limit) => {
      limit.lift()
      onOpen()
      response.socket.setKeepAlive(true, KEEPALIVE_MS)
      for await (const line of linesOf(response)) onValue(parseJson(line, 'a line of the answer'))
    })
  }

  async #within<T>(
    asked: JsonRequest,
    signal: AbortSignal,
    read: (response: IncomingMessage, limit: TimeLimit) => Promise<T>,
  ): Promise<T> {
    const timeoutMs = asked.timeoutMs ?? this.#plan.timeoutMs
    const limit = new TimeLimit(timeoutMs, signal)
    try {
      const response = await this.#send(asked, limit.signal)
      const { statusCode = 0 } = response
      if (statusCode !== 200 && statusCode !== 304) throw await failedWith(response)
      return await read(response, limit)
    } catch (error) {
      const where = new URL(asked.url).host
      if (limit.isOver) throw new SourceFailure(`${where}: no answer within ${timeoutMs / 1_000} s`)
      if (signal.aborted) throw new SourceFailure('cancelled')
      throw located(error, where, asked.secrets ?? [])
    } finally {
      limit.end()
    }
  }

  async #send({ body, headers, url }: JsonRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const options: RequestOptions = {
      method: content === undefined ? 'GET' : 'POST',
      agent: false,
      signal,
      headers: {
        'User-Agent': 'tcprelay',
        Accept: 'application/json',
        ...(content && { 'Content-Type': 'application/json', 'Content-Length': content.byteLength }),
        ...headers,
      },
    }
    const isTls = url.startsWith('https:')
    const secure = isTls ? { ...options, secureContext: await this.#context.current() } : options
    // Imported late: TLS takes memory.
    const send = isTls ? (await import('node:https')).request : request
    return new Promise((resolve, reject) => {
      const sent = send(url, secure)
      // Stays until the connection is closed: an error after the answer has no other listener.
      sent.on('error', reject)
      sent.on('response', (response) => {
        response.on('error', () => {})
        resolve(response)
      })
      // 101 or a tunnel, which nobody asked for.
      sent.on('upgrade', (response, socket) => {
        socket.destroy()
        reject(new HttpFailure(`HTTP ${response.statusCode}`, response.statusCode ?? 0, undefined))
      })
      sent.end(content)
    })
  }
}

async function readBody(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.byteLength
    if (length > bytesMax) throw new SourceFailure(`an answer of more than ${bytesMax / 1_048_576} MiB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** The lines of a stream that are not empty. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let begun: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      const line = Buffer.concat([...begun, chunk.subarray(from, at)]).toString('utf8')
      begun = []
      length = 0
      from = at + 1
      if (line.trim() !== '') yield line
    }
    begun.push(chunk.subarray(from))
    length += chunk.byteLength - from
    if (length > BYTES_MAX) throw new SourceFailure(`a line of more than ${BYTES_MAX / 1_048_576} MiB`)
  }
  const rest = Buffer.concat(begun).toString('utf8')
  if (rest.trim() !== '') yield rest
}

async function failedWith(response: IncomingMessage): Promise<HttpFailure> {
  const { statusCode = 0 } = response
  const text = `HTTP ${statusCode}`
  if (statusCode >= 300 && statusCode < 400)
    return new HttpFailure(`${text}: redirects are not followed`, statusCode, undefined)
  const content = await readBody(response, ERROR_BYTES_MAX).then(
    (bytes) => bytes.toString('utf8'),
    () => '',
  )
  const body = jsonOrUndefined(content)
  const said = isObject(body) ? (body.message ?? body.error) : content
  const [line = ''] = typeof said === 'string' ? said.trim().split('\n') : []
  // A page for a browser says nothing.
  const reason = line === '' || line.startsWith('<') ? text : `${text}: ${shownText(line)}`
  return new HttpFailure(reason, statusCode, body)
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Shorter words say nothing. */
const SECRET_LENGTH_MIN = 6

/** With the name of the server, and without secrets. */
function located(error: unknown, where: string, secrets: readonly string[]): SourceFailure {
  const failure = error instanceof SourceFailure ? error : new SourceFailure(errorReason(error))
  const safe = secrets.flatMap(partsOf).reduce(masked, failure.message)
  failure.message = `${where}: ${safe}`
  return failure
}

/** A server may send back a word of a header: `X` of `Bearer X`. */
function partsOf(secret: string): readonly string[] {
  return [secret, ...secret.split(/\s+/).filter((word) => word.length >= SECRET_LENGTH_MIN)]
}

/** The text may have been cut off within the secret. */
function masked(text: string, secret: string): string {
  const head = secret.slice(0, SECRET_LENGTH_MIN)
  let safe = text
  for (let at = safe.indexOf(head); at >= 0; at = safe.indexOf(head, at + 1)) {
    let end = at + head.length
    while (end - at < secret.length && safe[end] === secret[end - at]) end++
    safe = `${safe.slice(0, at)}…${safe.slice(end)}`
  }
  return safe
}
