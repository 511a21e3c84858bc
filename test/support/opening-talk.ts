/** Runs the opening of a client against what a server says, without sockets. */
import { type ClientOpening, type ClientStep, MORE, problemOf } from '../../src/wire/starttls/client-step.js'

export interface Talk {
  /** What the client has sent, one request an item. */
  readonly sent: readonly string[]
  /** The greeting that goes on to the relay's own client. */
  readonly greeting: string
  /** `tls`: TLS may begin; `waits`: for more bytes; otherwise what is wrong. */
  readonly result: string
}

const latin = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

/**
 * `answers`: what the server says, one item for each step, in chunks. A chunk arrives after the request of its step has been
 * sent.
 */
export function talk(opening: ClientOpening, answers: readonly (readonly Uint8Array[])[]): Talk {
  const sent: string[] = []
  let greeting = ''
  for (const [i, step] of opening.steps.entries()) {
    if (step.request.length > 0) sent.push(latin(step.request))
    const { bytes, result } = receive(opening, step, answers[i] ?? [])
    if (result !== '') return { sent, greeting, result }
    if (i > 0 || !opening.hasGreeting) continue
    greeting = latin(bytes.subarray(0, opening.cleanGreeting(bytes, 0, bytes.length)))
  }
  return { sent, greeting, result: 'tls' }
}

function receive(opening: ClientOpening, step: ClientStep, chunks: readonly Uint8Array[]) {
  let bytes = new Uint8Array(0)
  for (const [i, chunk] of chunks.entries()) {
    bytes = Buffer.concat([bytes, chunk])
    if (chunk.length === 0) continue
    const answer = step.read(bytes, 0, bytes.length)
    // What follows arrives at the same time as far as the reader can say.
    const rest = answer === MORE ? [] : chunks.slice(i + 1)
    const whole = Buffer.concat([bytes, ...rest])
    const received = { bytes: whole, start: 0, end: whole.length }
    const problem = problemOf(opening, step, answer, received, (said) => JSON.stringify(latin(said)))
    if (problem !== '') return { bytes, result: problem }
    if (answer !== MORE) return { bytes, result: '' }
  }
  return { bytes, result: 'waits' }
}
