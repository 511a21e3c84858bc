import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calls } from '../../../test/support/sockets.js'
import type { Calls, Outcome } from '../../kernel/calls.js'
import { heapRegion } from '../../kernel/region.js'
import { Connection } from '../connection.js'
import type { Session } from '../session.js'
import { Blocks } from './blocks.js'
import { Direction, EMPTY, ENDED, SPENT } from './direction.js'
import { Pipes } from './pipes.js'
import { pump } from './pump.js'
import { SPLICE_POLICIES, type SpliceMode } from './splice-policies.js'
import { TCP } from './tcp-transport.js'
import { UNIX } from './unix-transport.js'

const KiB = 1024
const PIPE_BYTES = 1024 * KiB

/** No run of a direction has so many calls; one that does would go on for ever. */
const CALLS_MAX = 1_000

function newWay(): Direction {
  const session = { relay: { trace: { isOn: false } } } as unknown as Session
  return new Direction(new Connection(session, true), new Connection(session, false))
}

/**
 * One run between a source that never has less than is asked for, or than `perRead`, and a sink that takes it all.
 */
function run(mode: SpliceMode, eventCount: number, perRead = Number.POSITIVE_INFINITY, transport = TCP) {
  let left = CALLS_MAX
  const moved = (bytes: number): Outcome => {
    assert.ok(left-- > 0, 'a run does not end while there are bytes')
    return Math.min(bytes, perRead)
  }
  const endless: Calls = {
    ...calls,
    setOption: () => 0,
    recv: (_fd, _into, _offset, bytesMax) => moved(bytesMax),
    send: (_fd, _from, _offset, byteCount) => byteCount,
    splice: (_from, _to, byteCount) => moved(byteCount),
  }
  const way = newWay()
  way.source.transport = transport
  way.source.mayRead = true
  const pipes = new Pipes(endless, { nowMs: 0, eventCount }, { pipesMax: 1, pipeBytes: PIPE_BYTES })
  const pumped = pump(way, endless, new Blocks(endless, heapRegion), pipes, SPLICE_POLICIES[mode])
  way.drop(new Blocks(endless, heapRegion), pipes)
  return { pumped, bytes: way.bytes }
}

test('only the last bytes before a reported end may wait for it', () => {
  for (const hasPeerEnded of [true, false]) {
    const sent: string[] = []
    const once: Calls = {
      ...calls,
      recv: () => 5,
      send: (_fd, _from, _offset, byteCount) => sent.push('send') && byteCount,
      sendMore: (_fd, _from, _offset, byteCount) => sent.push('sendMore') && byteCount,
    }
    const way = newWay()
    way.source.mayRead = true
    way.source.hasPeerEnded = hasPeerEnded
    const pipes = new Pipes(once, { nowMs: 0, eventCount: 1 }, { pipesMax: 0, pipeBytes: PIPE_BYTES })
    const pumped = pump(way, once, new Blocks(once, heapRegion), pipes, SPLICE_POLICIES.no)
    assert.deepEqual([pumped, sent], hasPeerEnded ? [ENDED, ['sendMore']] : [EMPTY, ['send']])
  }
})

test('a run of copying ends after 256 KiB', () => {
  assert.deepEqual(run('no', 1), { pumped: SPENT, bytes: 256 * KiB })
})

test('a run of splicing ends after 256 KiB, or 1 MiB when no other session waits', () => {
  assert.deepEqual(run('yes', 3), { pumped: SPENT, bytes: 256 * KiB })
  assert.deepEqual(run('yes', 2), { pumped: SPENT, bytes: 1024 * KiB })
})

test('a run of splicing ends after eight small reads', () => {
  assert.deepEqual(run('yes', 3, 100), { pumped: SPENT, bytes: 800 })
})

test('a short read means that a TCP source is empty, but not a Unix one', () => {
  assert.equal(run('no', 1, KiB).bytes, KiB)
  assert.ok(run('no', 1, KiB, UNIX).bytes > KiB)
})
