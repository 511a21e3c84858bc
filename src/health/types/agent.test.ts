import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checked,
  checkedIn,
  conversationOf,
  floods,
  SILENT,
  SOON,
  says,
} from '../../../test/support/checked.js'
import type { AgentCheck, ProbeAdvice } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { probeAgent } from './agent.js'

const CHECK: AgentCheck = { type: 'agent', request: '' }

/** What the agent advises, also if it says that the server is down. */
async function adviceOf(answer: string): Promise<ProbeAdvice | undefined> {
  const session = { connect: async () => conversationOf([answer]) } as unknown as ProbeSession
  try {
    return (await probeAgent(session, CHECK)).advice
  } catch (error) {
    if (error instanceof ProbeFailure) return error.advice
    throw error
  }
}

test('up and down, in the words of HAProxy', async () => {
  for (const answer of ['up\n', 'UP', 'ready\r\n', '75%\n', 'up 75%,maxconn:30\n', 'drain\n', 'down\tup\r'])
    assert.equal(
      await checkedIn(CHECK, [answer]),
      `up: the agent says "${answer.trim().replace('\t', '\\x09')}"`,
    )
  for (const answer of ['down\n', 'Fail', 'stopped#for work\n', 'up,down # both\r\n'])
    assert.equal(await checkedIn(CHECK, [answer]), `down: the agent says "${answer.trim()}"`)
})

test('advises weight and state', async () => {
  const advice: Readonly<Record<string, ProbeAdvice>> = {
    'up\n': {},
    '75%\n': { weightPercent: 75 },
    '0% up\n': { weightPercent: 0 },
    '99999%\n': { weightPercent: 25_600 },
    'maint 10%\n': { adminState: 'maint', weightPercent: 10 },
    'maint, ready\n': { adminState: 'ready' },
    'down drain # 5%\n': { adminState: 'drain' },
  }
  for (const [answer, expected] of Object.entries(advice)) assert.deepEqual(await adviceOf(answer), expected)
})

test('sends what the agent wants to hear, and reads one line', async (t) => {
  const check: AgentCheck = { type: 'agent', request: 'web1\n' }
  let got = ''
  const result = await checked(t, check, (socket) => {
    socket.on('data', (bytes) => {
      got += bytes
      if (got === 'web1\n') socket.write('up\nand more')
    })
  })
  assert.equal(result, 'up: the agent says "up"')
})

test('fails at other answers, silence, half an answer and floods', async (t) => {
  const answers = {
    hello: '"hello"',
    '\n': '""',
    '75': '"75"',
    '-1%': '"-1%"',
    'maxconn:': '"maxconn:"',
    '# up': '"# up"',
  }
  for (const [answer, shown] of Object.entries(answers))
    assert.equal(await checkedIn(CHECK, [answer]), `down: bad answer of the agent: ${shown}`)
  const withRequest = { ...CHECK, request: 'x' }
  assert.equal(await checked(t, CHECK, SILENT, SOON), 'down: no answer of the agent within 0.4 s')
  assert.equal(await checked(t, withRequest, says('up'), SOON), 'down: no answer of the agent within 0.4 s')
  assert.equal(
    await checked(t, CHECK, (socket) => socket.end()),
    'down: it closed the connection before the answer of the agent',
  )
  assert.match(await checked(t, CHECK, floods('up ')), /^down: bad answer of the agent: "up up/)
})
