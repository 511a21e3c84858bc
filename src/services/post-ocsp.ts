/** Sends an OCSP request over HTTP. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'

/** Time limit for a responder. */
const ANSWER_MAX_MS = 10_000

/** Limit of a response. One with two certificates and large keys and signatures has 10 KiB. */
const ANSWER_BYTES_MAX = 64 * 1024

/**
 * Asks a responder (RFC 6960, appendix A.1) and returns the response undecoded. Rejects with a reason that starts in lower
 * case. `ended` aborts the request.
 */
export async function postOcsp(
  url: string,
  body: Uint8Array,
  ended: AbortSignal,
  answerMaxMs = ANSWER_MAX_MS,
): Promise<Uint8Array> {
  const limit = new AbortController()
  const stop = () => limit.abort()
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    stop()
  }, answerMaxMs)
  ended.addEventListener('abort', stop)
  try {
    return await post(url, body, limit.signal)
  } catch (error) {
    if (isLate) throw new Error(`no answer within ${answerMaxMs / 1000} s`)
    throw error
  } finally {
    clearTimeout(timer)
    ended.removeEventListener('abort', stop)
  }
}

async function post(url: string, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const asking = request(url, {
    method: 'POST',
    // A connection of its own, which is not kept alive: requests are hours apart.
    agent: false,
    signal,
    headers: { 'Content-Type': 'application/ocsp-request', 'Content-Length': body.length },
  })
  // An error after the response has begun is reported by its stream.
  asking.on('error', () => {})
  asking.end(body)
  try {
    // Node reports 101 Switching Protocols neither as a response nor as an error; it only closes the connection.
    const closed = once(asking, 'close').then(() => {
      throw new Error('the connection was closed without a response')
    })
    const [answer] = (await Promise.race([once(asking, 'response'), closed])) as [IncomingMessage]
    if (answer.statusCode !== 200) throw new Error(`HTTP status ${answer.statusCode}`)
    return await readAll(answer)
  } finally {
    asking.destroy()
  }
}

async function readAll(answer: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let byteLength = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    byteLength += chunk.length
    if (byteLength > ANSWER_BYTES_MAX) throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`)
  }
  // An array with its own memory, because it is posted to other threads.
  return new Uint8Array(Buffer.concat(chunks))
}
