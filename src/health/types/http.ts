/** The health check `http`: one request, whose response has an expected status and, if so configured, text in its body. */
import { Buffer } from 'node:buffer'
import { type HttpResponse, readResponse } from '../../wire/http-response.js'
import type { Conversation } from '../conversation.js'
import type { HttpCheck, ProbeFinding, StatusRange } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { quoted } from '../quoted.js'
import { endOfMatch } from '../sought.js'

/** How much of a body is looked at. */
export const BODY_BYTES_MAX = 65_536

export async function probeHttp(session: ProbeSession, check: HttpCheck): Promise<ProbeFinding> {
  const talk = await session.connect()
  talk.send(Buffer.from(check.request, 'latin1'))
  const { body, status } = await response(talk, check)
  const text = `HTTP ${status}`
  if (!isExpected(status, check)) throw new ProbeFailure(`${text}, expected ${rangesText(check.statuses)}`)
  if (check.body !== undefined && endOfMatch(check.body, body) === undefined)
    throw new ProbeFailure(`${text}, but its body has no ${check.body.shown}`)
  return { text }
}

async function response(talk: Conversation, check: HttpCheck): Promise<HttpResponse> {
  let found: HttpResponse | undefined
  await talk.answer('HTTP response', (bytes, hasEnded) => {
    const reading = readResponse(bytes, { hasEnded, isHead: check.isHead, bodyMax: BODY_BYTES_MAX })
    if (reading.kind === 'need-more') return undefined
    if (reading.kind === 'malformed')
      throw new ProbeFailure(`bad HTTP response, ${reading.why}: ${quoted(bytes)}`)
    found = reading
    return isDecided(reading, check) ? bytes.byteLength : undefined
  })
  if (found === undefined) throw new Error('an answer without a response')
  return found
}

/** Whether the rest of the body changes nothing. */
function isDecided({ body, isWhole, status }: HttpResponse, check: HttpCheck): boolean {
  if (isWhole || check.body === undefined || !isExpected(status, check)) return true
  return endOfMatch(check.body, body) !== undefined
}

function isExpected(status: number, { statuses }: Pick<HttpCheck, 'statuses'>): boolean {
  return statuses.some(({ first, last }) => status >= first && status <= last)
}

function rangesText(ranges: readonly StatusRange[]): string {
  return ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join()
}
