import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pool } from '../balance/pool.js'
import { DOWN, EXCLUDED } from '../base/verdict.js'
import type { Loop } from '../reactor/loop.js'
import type { Timer } from '../reactor/timers.js'
import type { Relay } from '../relay/relay.js'
import { SessionWatch } from './session-watch.js'

/** Sessions of the remotes 0 and 1, in turn; the time of the next look; how many of each remote are left. */
function worldWith(sessions: number) {
  const verdict = new Int32Array(2)
  const open: unknown[] = []
  const ends: string[] = []
  for (let i = 0; i < sessions; i++) {
    const session = {
      remoteSlot: i % 2,
      wasConnected: i >= 2,
      cut(reason: string) {
        const last = open.pop()
        if (last !== session) open[open.indexOf(session)] = last
        ends.push(reason)
      },
    }
    open.push(session)
  }
  const times: number[] = []
  const timers = { set: (_: Timer, atMs: number) => void times.push(atMs), unset() {} }
  const loop = { nowMs: 0, timers } as unknown as Loop
  const pool = { members: [0, 1], health: { verdict } } as unknown as Pool
  const watched = [{ pool, slots: [0, 1], closesOnDown: true, closesOnRecovery: false }]
  const watch = new SessionWatch(watched, { openSessions: open } as unknown as Relay, loop)
  return { ends, open, times, verdict, watch }
}

test('ends the sessions of an excluded remote, 100 in a tenth of a second', () => {
  const { ends, open, times, verdict, watch } = worldWith(502)
  watch.onTimer()
  verdict[1] = DOWN
  watch.onTimer()
  assert.deepEqual([ends, times], [[], [1_000, 1_000, 1_000]])
  verdict[1] = EXCLUDED
  for (let i = 0; i < 3; i++) watch.onTimer()
  assert.deepEqual([ends.length, new Set(ends)], [250, new Set(['remote-down'])])
  assert.deepEqual(times.slice(3), [100, 100, 1_000])
  assert.equal(open.length, 252, 'those of the other remote, and one that is not connected yet')
})
