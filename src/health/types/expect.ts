/** The health check `expect`: sends and expects what the configuration says, step by step. */
import { Buffer } from 'node:buffer'
import type { Conversation } from '../conversation.js'
import type { ExpectCheck, ProbeFinding, Sought } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { quoted } from '../quoted.js'
import { endOfMatch } from '../sought.js'

export async function probeExpect(session: ProbeSession, { steps }: ExpectCheck): Promise<ProbeFinding> {
  const talk = await session.connect()
  for (const step of steps) {
    if (step.kind === 'send') talk.send(Buffer.from(step.bytes, 'latin1'))
    else await expected(talk, step.sought)
  }
  return { text: '' }
}

/** Takes all bytes up to the end of the match. */
async function expected(talk: Conversation, sought: Sought): Promise<void> {
  try {
    await talk.answer(`answer ${sought.shown}`, (bytes) => endOfMatch(sought, bytes))
  } catch (error) {
    if (!(error instanceof ProbeFailure) || talk.received.byteLength === 0) throw error
    throw new ProbeFailure(`${error.message}, but ${quoted(talk.received)}`)
  }
}
