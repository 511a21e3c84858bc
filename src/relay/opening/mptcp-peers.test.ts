import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COUNTERS } from '../../cells/layout.js'
import { ENOPROTOOPT } from '../../kernel/errno.js'
import { COUNT } from '../../observe/counters.js'
import type { Connection } from '../connection.js'
import type { Session } from '../session.js'
import { noteMptcp } from './mptcp-peers.js'

/** What it is given of a session whose socket answers that to MPTCP_INFO. */
function sessionWith(outcome: number) {
  const counters = new Float64Array(COUNTERS.length)
  const lines: string[] = []
  const relay = {
    counters,
    system: { calls: { getOption: () => outcome } },
    trace: { isOn: true, say: (text: string) => lines.push(text) },
  }
  const session = { id: '0-1', relay } as unknown as Session
  const connection = { fd: 7, isClient: true, isMptcp: undefined } as unknown as Connection
  return { connection, counters, lines, session }
}

test('records a peer that uses MPTCP', () => {
  const { connection, counters, lines, session } = sessionWith(0)
  noteMptcp(session, connection)
  assert.equal(connection.isMptcp, true)
  assert.equal(counters[COUNT.mptcpFallbacks], 0)
  assert.deepEqual(lines, [])
})

test('counts a peer that fell back to TCP', () => {
  const { connection, counters, lines, session } = sessionWith(-ENOPROTOOPT)
  noteMptcp(session, connection)
  assert.equal(connection.isMptcp, false)
  assert.equal(counters[COUNT.mptcpFallbacks], 1)
  assert.deepEqual(lines, ['session 0-1: TCP instead of MPTCP with the client'])
})
