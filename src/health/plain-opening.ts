/** The opening of STARTTLS in a health check, as sessions speak it (`relay/opening/plain-opening.ts`). */
import { Buffer } from 'node:buffer'
import { type ClientOpening, type ClientStep, MORE, problemOf } from '../wire/starttls/client-step.js'
import type { Conversation } from './conversation.js'
import { ProbeFailure } from './probe-failure.js'
import { quoted } from './quoted.js'

/** Until TLS may begin; returns the greeting of the server, empty if it has none. Rejects with a `ProbeFailure`. */
export async function speakOpening(talk: Conversation, opening: ClientOpening): Promise<Buffer> {
  let greeting: Buffer = Buffer.alloc(0)
  for (const [i, step] of opening.steps.entries()) {
    if (step.request.length > 0) talk.send(step.request)
    const answer = await talk.answer(step.what, (received) => answerLength(opening, step, received))
    if (i === 0 && opening.hasGreeting)
      greeting = answer.subarray(0, opening.cleanGreeting(answer, 0, answer.length))
  }
  if (opening.checkRequest !== undefined) talk.send(opening.checkRequest)
  return greeting
}

function answerLength(opening: ClientOpening, step: ClientStep, bytes: Buffer): number | undefined {
  const answer = step.read(bytes, 0, bytes.length)
  const problem = problemOf(opening, step, answer, { bytes, start: 0, end: bytes.length }, quoted)
  if (problem !== '') throw new ProbeFailure(problem)
  return answer === MORE ? undefined : answer
}
