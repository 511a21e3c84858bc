/** The health check `smtp`: the greeting and the answer to EHLO of a mail server (RFC 5321). */
import type { Buffer } from 'node:buffer'
import { hostname } from 'node:os'
import type { Conversation } from '../conversation.js'
import type { ProbeFinding, SmtpCheck } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { quoted } from '../quoted.js'

/** A line of an answer; a blank, or nothing, behind the code ends it (RFC 5321, 4.2.1). */
const LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/
/** Longer than any line may be (4.5.3.1.5), also of servers that are generous. */
const LINE_BYTES_MAX = 4_096

interface Answer {
  readonly code: string
  readonly bytes: number
}

export async function probeSmtp(
  session: ProbeSession,
  { helo = hostname() }: SmtpCheck,
): Promise<ProbeFinding> {
  const talk = await session.connect()
  await expected(talk, 'greeting', '220')
  talk.send(`EHLO ${helo}\r\n`)
  await expected(talk, 'answer to EHLO', '250')
  talk.send('QUIT\r\n')
  await talk.line('answer to QUIT').catch(ignoreFailure)
  return { text: '' }
}

/** It is up by then; servers log clients that leave without an answer to QUIT. */
function ignoreFailure(error: unknown): void {
  if (!(error instanceof ProbeFailure)) throw error
}

async function expected(talk: Conversation, what: string, code: string): Promise<void> {
  let answer: Answer | undefined
  const bytes = await talk.answer(what, (received) => {
    answer = readAnswer(received, what)
    return answer?.bytes
  })
  if (answer?.code !== code) throw new ProbeFailure(`${what} ${quoted(lastLine(bytes))}, expected ${code}`)
}

/** The answer at the beginning of `bytes`, of one line or several; undefined: it is not complete. */
function readAnswer(bytes: Buffer, what: string): Answer | undefined {
  for (let at = 0; ; ) {
    const end = bytes.indexOf(0x0a, at)
    const line = bytes.toString('latin1', at, end < 0 ? bytes.length : end).replace(/\r$/, '')
    if (line.length > LINE_BYTES_MAX) throw bad(what, bytes)
    if (end < 0) return undefined
    const [, code, mark] = LINE.exec(line) ?? []
    if (code === undefined) throw bad(what, bytes)
    if (mark !== '-') return { code, bytes: end + 1 }
    at = end + 1
  }
}

function bad(what: string, bytes: Buffer): ProbeFailure {
  return new ProbeFailure(`bad ${what}: ${quoted(bytes)}`)
}

function lastLine(answer: Buffer): string {
  return answer.toString().trimEnd().split('\n').at(-1) ?? ''
}
