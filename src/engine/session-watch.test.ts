import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pool } from '../balance/pool.js'
import { RemoteHealth } from '../balance/remote-health.js'
import { DOWN, EXCLUDED } from '../base/verdict.js'
import type { Loop } from '../reactor/loop.js'
import type { Timer } from '../reactor/timers.js'
import type { Relay } from '../relay/relay.js'
import { SessionWatch, type WatchedPool } from './session-watch.js'

interface FakeSession {
  readonly remoteSlot: number
  readonly wasConnected: boolean
  lastActiveMs: number
}

/** Sessions of the remotes 0 and 1, in turn; the first two are not connected yet. */
function worldWith(sessions: number, ends: Partial<WatchedPool> = { closesOnDown: true }) {
  const verdict = new Int32Array(2)
  const open: FakeSession[] = []
  const ended: string[] = []
  for (let i = 0; i < sessions; i++) {
    const end = (how: string) => (reason: string) => {
      const last = open.pop()
      if (last !== undefined && last !== session) open[open.indexOf(session)] = last
      ended.push(`${how} ${reason}`)
    }
    const session = {
      remoteSlot: i % 2,
      wasConnected: i >= 2,
      lastActiveMs: 0,
      isIdleSince: (ms: number) => session.lastActiveMs <= ms,
      endIdle: end('FIN'),
      cut: end('reset'),
    }
    open.push(session)
  }
  const times: number[] = []
  const timers = { set: (_: Timer, atMs: number) => void times.push(atMs - loop.nowMs), unset() {} }
  const loop = { nowMs: 0, timers }
  const health = new RemoteHealth(2, { verdict })
  const pool = { members: [0, 1], health, use: [1, 1] } as unknown as Pool
  const watched = [
    { pool, slots: [0, 1], closesOnDown: false, closesOnRecovery: false, endsDrained: false, ...ends },
  ]
  const relay = { openSessions: open } as unknown as Relay
  const watch = new SessionWatch(watched, relay, loop as unknown as Loop)
  /** How often a look ended how many sessions, and in which way. */
  const look = (nowMs: number) => {
    loop.nowMs = nowMs
    ended.length = 0
    watch.onTimer()
    return [ended.length, ...new Set(ended)]
  }
  return { health, look, open, times, verdict }
}

test('ends the sessions of an excluded remote, 100 in a tenth of a second', () => {
  const { look, open, times, verdict } = worldWith(502)
  assert.deepEqual(look(0), [0])
  verdict[1] = DOWN
  assert.deepEqual(look(0), [0])
  verdict[1] = EXCLUDED
  const looks = [look(0), look(0), look(0)]
  assert.deepEqual(
    looks,
    [100, 100, 50].map((count) => [count, 'reset remote-down']),
  )
  assert.deepEqual(times, [1_000, 1_000, 1_000, 100, 100, 1_000])
  assert.equal(open.length, 252, 'those of the other remote, and one that is not connected yet')
})

test('closes the idle sessions of a drained remote at that rate, not before the deadline', () => {
  const { health, look, open, times } = worldWith(302, { endsDrained: true })
  health.setAdminState(1, 'drain', 10_000)
  assert.deepEqual(look(9_999), [0])
  assert.deepEqual(
    [look(10_000), look(10_100)],
    [100, 50].map((count) => [count, 'FIN drained']),
  )
  assert.deepEqual(times.slice(1), [1_000, 100, 1_000])
  assert.equal(open.length, 152, 'those of the other remote, and one that is not connected yet')
})

test('sessions of a remote that is ready again in time, or has no deadline, are kept', () => {
  const { health, look } = worldWith(10, { endsDrained: true })
  health.setAdminState(0, 'drain')
  health.setAdminState(1, 'maint', 10_000)
  assert.deepEqual(look(9_000), [0])
  health.setAdminState(1, 'ready', 0)
  assert.deepEqual(look(1e9), [0])
  health.setAdminState(1, 'drain', 1e9)
  assert.deepEqual(look(1e9), [4, 'FIN drained'])
})

test('a busy session of a drained remote has five seconds to become idle, and is then reset', () => {
  const { health, look, open, times } = worldWith(7, { endsDrained: true })
  health.setAdminState(0, 'maint', 10_000)
  const move = (nowMs: number, ...indices: readonly number[]) => {
    for (const i of indices) Object.assign(open[i] ?? {}, { lastActiveMs: nowMs })
  }
  move(9_600, 4, 6)
  assert.deepEqual(look(10_000), [1, 'FIN drained'])
  assert.deepEqual(look(10_099), [0])
  assert.deepEqual(times.slice(1), [100, 100], 'looks again soon')
  move(10_050, 4)
  assert.deepEqual(look(10_100), [1, 'FIN drained'])
  for (let nowMs = 10_200; nowMs < 15_000; nowMs += 100) {
    for (const session of open) session.lastActiveMs = nowMs
    assert.deepEqual(look(nowMs), [0])
  }
  assert.deepEqual(look(15_000), [1, 'reset drained'])
  assert.equal(times.at(-1), 1_000)
  assert.equal(open.length, 4)
})
