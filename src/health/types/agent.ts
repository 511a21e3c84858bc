/**
 * The health check `agent`: an agent beside the server says whether it is up, which part of its weight it wants, and whether
 * it is to be drained (the text protocol of HAProxy's `agent-check`).
 */
import { Buffer } from 'node:buffer'
import type { AgentCheck, ProbeAdvice, ProbeFinding } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { quoted } from '../quoted.js'

/** HAProxy's agents answer with a few words. */
const ANSWER_BYTES_MAX = 1_024
const LF = 0x0a
const CR = 0x0d
/** HAProxy's limit for the weight of a server. */
const PERCENT_MAX = 25_600

export async function probeAgent(session: ProbeSession, { request }: AgentCheck): Promise<ProbeFinding> {
  const talk = await session.connect()
  if (request !== '') talk.send(Buffer.from(request, 'latin1'))
  const bytes = await talk.answer('answer of the agent', (received, hasEnded) => {
    const end = received.subarray(0, ANSWER_BYTES_MAX).findIndex((byte) => byte === LF || byte === CR)
    if (end >= 0) return end
    if (received.byteLength > ANSWER_BYTES_MAX) throw bad(received)
    // The end of the line may be left away.
    return hasEnded && received.byteLength > 0 ? received.byteLength : undefined
  })
  return findingOf(bytes)
}

/** The last of several words about one thing counts. */
function findingOf(bytes: Buffer): ProbeFinding {
  const line = bytes.toString()
  const words = line.replace(/#.*/, '')
  let isDown = false
  let advice: ProbeAdvice = {}
  const all = words
    .toLowerCase()
    .split(/[ \t,]+/)
    .filter((word) => word !== '')
  if (all.length === 0) throw bad(bytes)
  for (const word of all) {
    const weightPercent = percentOf(word)
    if (word === 'up') isDown = false
    else if (word === 'down' || word === 'fail' || word === 'stopped') isDown = true
    else if (word === 'ready' || word === 'drain' || word === 'maint')
      advice = { ...advice, adminState: word }
    else if (weightPercent !== undefined) advice = { ...advice, weightPercent }
    else if (!/^maxconn:\d+$/.test(word)) throw bad(bytes)
  }
  const text = `the agent says ${quoted(line.trim())}`
  if (isDown) throw new ProbeFailure(text, advice)
  return { text, advice }
}

function percentOf(word: string): number | undefined {
  const [, digits] = /^(\d{1,9})%$/.exec(word) ?? []
  return digits === undefined ? undefined : Math.min(Number(digits), PERCENT_MAX)
}

function bad(bytes: Buffer): ProbeFailure {
  return new ProbeFailure(`bad answer of the agent: ${quoted(bytes)}`)
}
